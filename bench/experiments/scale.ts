import { setTimeout as sleep } from 'node:timers/promises'
import { experiment } from '../experiment.ts'
import { cpuSeconds, residentMegabytes } from '../measure/process.ts'
import { createScraper, samplesOf, scrapeTimes } from '../measure/scrape.ts'
import { median, sum } from '../measure/statistics.ts'
import { notOk, runsByCheck, startExporter } from '../stage/exporter.ts'
import { configOf } from '../stage/targets.ts'

const [targets, intervalSeconds] = [1000, 15]

/**
 * Turns that a check should have had and had not. The window is some intervals and a half long, so that a check that
 * keeps its turns ends at least so many runs in it, wherever in the interval it runs.
 */
function missedTurns(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>, turns: number): number {
  return sum([...after].map(([check, runs]) => Math.max(0, turns - (runs - (before.get(check) ?? 0)))))
}

export const scale = experiment({
  id: 'scale',
  title: '1,000 targets at 15 s',
  how: '100 Postgres nodes, 300 write paths, 200 relays with STARTTLS and a login, 200 Vaults with a secret, 200 others (settings, packages, drift, mail), on one real server of each kind, over four and a half intervals after a round to warm up, scraped every half of one; CPU is that of a whole interval. A turn is missed where a check ran less often than its interval asks.',
  lines: {
    missed: { what: '1,000 targets: turns missed', unit: '', better: 'lower', goal: { kind: 'value', bound: 0 } },
    cpu: { what: '1,000 targets: CPU of one core', unit: '%', better: 'lower', goal: { kind: 'value', bound: 25 } },
    lag: {
      what: '1,000 targets: event-loop delay, p99 (nodejs_eventloop_lag_p99_seconds)',
      unit: 'ms',
      better: 'lower',
      goal: { kind: 'value', bound: 20 },
    },
    rss: {
      what: '1,000 targets: memory, after 1,000 scrapes',
      unit: 'MB',
      better: 'lower',
      goal: { kind: 'value', bound: 110 },
    },
  },
  async measure({ servers, quick }) {
    const turns = quick ? 1 : 4
    const exporter = await startExporter({
      config: configOf(servers, targets),
      env: servers.env,
      folder: servers.folder,
    })
    const scraper = createScraper(exporter.url)
    try {
      await sleep(intervalSeconds * 1000)
      const before = runsByCheck((await scraper.scrape()).body)
      const lag: number[] = []
      const mark = async () => ({ at: performance.now() / 1000, cpu: await cpuSeconds(exporter.pid) })
      const marks = [await mark()]
      let last = ''
      for (let half = 0; half < 2 * turns + 1; half++) {
        await sleep((intervalSeconds * 1000) / 2)
        marks.push(await mark())
        last = (await scraper.scrape()).body
        lag.push(...samplesOf(last, 'nodejs_eventloop_lag_p99_seconds').map(({ value }) => value * 1000))
      }
      const cpu = marks.slice(2).map((to, i) => {
        const from = marks[i] ?? to
        return (100 * (to.cpu - from.cpu)) / (to.at - from.at)
      })
      const missed = missedTurns(before, runsByCheck(last), turns)
      const failing = notOk(last)
      const scrapes = await scrapeTimes(exporter.url, quick ? 100 : 1000)
      return {
        lines: {
          missed: { ours: [missed] },
          cpu: { ours: cpu },
          lag: { ours: lag },
          rss: { ours: [await residentMegabytes(exporter.pid)] },
        },
        notes: [
          `${failing.length} of ${targets} checks not ok at the end${failing.length === 0 ? '' : `, such as ${failing[0] ?? ''}`}.`,
          `Memory is that after ${scrapes.length} scrapes of ${(last.length / 1e6).toFixed(1)} MB, which took ${median(scrapes).toFixed(1)} ms each (median).`,
        ],
      }
    } finally {
      scraper.close()
      await exporter.stop()
    }
  },
})
