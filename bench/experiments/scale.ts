import { setTimeout as sleep } from 'node:timers/promises'
import { experiment } from '../experiment.ts'
import { cpuSeconds, residentMegabytes } from '../measure/process.ts'
import { createScraper, samplesOf, scrapeTimes } from '../measure/scrape.ts'
import { median, sum } from '../measure/statistics.ts'
import { notOk, runsByCheck, startExporter } from '../stage/exporter.ts'
import { notUp, plain, startPlain } from '../stage/plain.ts'
import type { Subject } from '../stage/subject.ts'
import { configOf } from '../stage/targets.ts'

const [targets, intervalSeconds] = [1000, 15]

/**
 * Turns that a check should have had and had not. The window is some intervals and a half long, so that a check that
 * keeps its turns ends at least that many runs in it, wherever in the interval it runs.
 */
function missedTurns(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>, turns: number): number {
  return sum([...after].map(([check, runs]) => Math.max(0, turns - (runs - (before.get(check) ?? 0)))))
}

interface Work {
  /** In percent of a core, of each interval. */
  readonly cpu: readonly number[]
  /** In milliseconds, at each scrape. */
  readonly lag: readonly number[]
  readonly rss: number
  /** The first body, after a round to warm up, and the last. */
  readonly first: string
  readonly last: string
  /** Times of the scrapes after which the memory was measured, in milliseconds. */
  readonly scrapes: readonly number[]
}

/** What it takes at work, over `intervals` and a half; then scrapes it `scrapes` times, and ends it. */
async function atWork(subject: Subject, intervals: number, scrapes: number): Promise<Work> {
  const scraper = createScraper(subject.url)
  try {
    await sleep(intervalSeconds * 1000)
    const first = (await scraper.scrape()).body
    const lag: number[] = []
    const mark = async () => ({ at: performance.now() / 1000, cpu: await cpuSeconds(subject.pid) })
    const marks = [await mark()]
    let last = ''
    for (let half = 0; half < 2 * intervals + 1; half++) {
      await sleep((intervalSeconds * 1000) / 2)
      marks.push(await mark())
      last = (await scraper.scrape()).body
      lag.push(...samplesOf(last, 'nodejs_eventloop_lag_p99_seconds').map(({ value }) => value * 1000))
    }
    const cpu = marks.slice(2).map((to, i) => {
      const from = marks[i] ?? to
      return (100 * (to.cpu - from.cpu)) / (to.at - from.at)
    })
    const times = await scrapeTimes(subject.url, scrapes)
    return { cpu, lag, rss: await residentMegabytes(subject.pid), first, last, scrapes: times }
  } finally {
    scraper.close()
    await subject.stop()
  }
}

const failures = (failing: readonly string[], what: string): string =>
  `${failing.length} of ${targets} ${what} at the end${failing.length === 0 ? '' : `, such as ${failing[0] ?? ''}`}.`

const scraped = ({ scrapes, last }: Work): string =>
  `${scrapes.length} scrapes of ${(last.length / 1e6).toFixed(1)} MB, which took ${median(scrapes).toFixed(1)} ms each (median)`

const cpuLine = { what: '1,000 targets: CPU of one core', unit: '%', better: 'lower' } as const
const lagLine = {
  what: '1,000 targets: event-loop delay, p99 (nodejs_eventloop_lag_p99_seconds)',
  unit: 'ms',
  better: 'lower',
} as const
const rssLine = { what: '1,000 targets: memory, after 1,000 scrapes', unit: 'MB', better: 'lower' } as const

export const scale = experiment({
  id: 'scale',
  title: '1,000 targets at 15 s',
  how: '100 Postgres nodes, 300 write paths, 200 relays with STARTTLS and a login, 200 Vaults with a secret, 200 others (settings, packages, drift, mail), on one real server of each kind, over four and a half intervals after a round to warm up, scraped every half of one; CPU is that of a whole interval. A turn is missed where a check ran less often than its interval asks. Then the same with plain, over two and a half intervals.',
  lines: {
    missed: { what: '1,000 targets: turns missed', unit: '', better: 'lower', goal: { kind: 'value', bound: 0 } },
    cpu: { ...cpuLine, goal: { kind: 'value', bound: 25 } },
    cpuPlain: { ...cpuLine, peer: plain },
    lag: { ...lagLine, goal: { kind: 'value', bound: 20 } },
    lagPlain: { ...lagLine, peer: plain },
    rss: { ...rssLine, goal: { kind: 'value', bound: 110 } },
    rssPlain: { ...rssLine, peer: plain },
  },
  async measure({ servers, quick }) {
    const { folder, env } = servers
    const given = { config: configOf(servers, targets), env, folder }
    const [turns, scrapes] = quick ? [1, 100] : [4, 1000]
    const ours = await atWork(await startExporter(given), turns, scrapes)
    const theirs = await atWork(await startPlain(given), Math.min(turns, 2), scrapes)
    const [cpu, lag, rss] = [{ ours: ours.cpu }, { ours: ours.lag }, { ours: [ours.rss] }]
    return {
      lines: {
        missed: { ours: [missedTurns(runsByCheck(ours.first), runsByCheck(ours.last), turns)] },
        cpu,
        cpuPlain: { ...cpu, peer: theirs.cpu },
        lag,
        lagPlain: { ...lag, peer: theirs.lag },
        rss,
        rssPlain: { ...rss, peer: [theirs.rss] },
      },
      notes: [
        failures(notOk(ours.last), 'checks not ok'),
        `Memory is that after ${scraped(ours)}.`,
        `plain: ${failures(notUp(theirs.last), 'targets not up')} Memory after ${scraped(theirs)}.`,
      ],
    }
  },
})
