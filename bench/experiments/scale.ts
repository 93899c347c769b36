import { setTimeout as sleep } from 'node:timers/promises'
import { experiment, type Line } from '../experiment.ts'
import { alternate } from '../measure/alternate.ts'
import { cpuSeconds, residentMegabytes } from '../measure/process.ts'
import { createScraper, samplesOf, scrapeTimes } from '../measure/scrape.ts'
import { median, sum } from '../measure/statistics.ts'
import { launchExporter, notOk, runsByCheck } from '../stage/exporter.ts'
import { launchPlain, notUp, plain } from '../stage/plain.ts'
import type { Subject } from '../stage/subject.ts'
import { configOf } from '../stage/targets.ts'

const [intervalSeconds, firstSeconds] = [15, 60]

/** To try it, fewer do. */
export const targetsOf = (quick: boolean): number => (quick ? 100 : 1000)

/**
 * Turns that a check should have had and had not. The window is some intervals and a half long, so that a check that
 * keeps its turns ends at least that many runs in it, wherever in the interval it runs.
 */
function missedTurns(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>, turns: number): number {
  return sum([...after].map(([check, runs]) => Math.max(0, turns - (runs - (before.get(check) ?? 0)))))
}

export interface Work {
  /** In percent of a core: from the start of the process on, and afterwards in each interval. */
  readonly first: number
  readonly steady: readonly number[]
  /** In milliseconds, at each scrape after the first minute. */
  readonly lag: readonly number[]
  readonly rss: number
  /** The first body after the first minute, and the last. */
  readonly from: string
  readonly to: string
  /** Times of the scrapes after which the memory was measured, in milliseconds. */
  readonly scrapes: readonly number[]
}

export interface Plan {
  /** Seconds from the start on that are not steady yet. */
  readonly first: number
  /** Intervals that are. */
  readonly intervals: number
  readonly scrapes: number
}

/** What it takes at work, from its start on, scraped twice in an interval; then scrapes it often, and ends it. */
export async function atWork(launch: () => Promise<Subject>, { first, intervals, scrapes }: Plan): Promise<Work> {
  const began = performance.now()
  const subject = await launch()
  const scraper = createScraper(subject.url)
  const mark = async () => ({ at: performance.now() / 1000, cpu: await cpuSeconds(subject.pid) })
  const half = (intervalSeconds * 1000) / 2
  try {
    let [from, to] = ['', '']
    for (let turn = 1; turn * half <= first * 1000; turn++) {
      await sleep(began + turn * half - performance.now())
      from = (await scraper.scrape()).body
    }
    const minute = await mark()
    const lag: number[] = []
    const marks = [minute]
    for (let turn = 0; turn < 2 * intervals + 1; turn++) {
      await sleep(half)
      marks.push(await mark())
      to = (await scraper.scrape()).body
      lag.push(...samplesOf(to, 'nodejs_eventloop_lag_p99_seconds').map(({ value }) => value * 1000))
    }
    const steady = marks.slice(2).map((end, i) => {
      const start = marks[i] ?? end
      return (100 * (end.cpu - start.cpu)) / (end.at - start.at)
    })
    const ofFirst = (100 * minute.cpu) / (minute.at - began / 1000)
    const times = await scrapeTimes(subject.url, scrapes)
    return { first: ofFirst, steady, lag, rss: await residentMegabytes(subject.pid), from, to, scrapes: times }
  } finally {
    scraper.close()
    await subject.stop()
  }
}

const failures = (failing: readonly string[], what: string): string =>
  `${failing.length} ${what} at the end${failing.length === 0 ? '' : `, such as ${failing[0] ?? ''}`}.`

const scraped = (works: readonly Work[]): string =>
  works
    .map(
      ({ scrapes, to }) =>
        `${scrapes.length} scrapes of ${(to.length / 1e6).toFixed(1)} MB, ${median(scrapes).toFixed(1)} ms each`,
    )
    .join('; ')

const against = (what: string, unit: Line['unit'], bound: number) =>
  ({ what: `1,000 targets: ${what}`, unit, better: 'lower', peer: plain, goal: { kind: 'ratio', bound } }) as const

export const scale = experiment({
  id: 'scale',
  title: '1,000 targets at 15 s',
  how: `100 Postgres nodes, 300 write paths, 200 relays with STARTTLS and a login, 200 Vaults with a secret, 200 others (settings, packages, drift, mail), on one real server of each kind, one after the other with plain. CPU of the first minute is that from the start of the process on. After it CPU is that of whole intervals, and the delay of the event loop (nodejs_eventloop_lag_p99_seconds) is asked at each scrape, twice in an interval. Then memory, after as many scrapes as take half a minute, at most 300. A turn is missed where a check ran less often than its interval asks.`,
  lines: {
    missed: { what: '1,000 targets: turns missed', unit: '', better: 'lower', goal: { kind: 'value', bound: 0 } },
    steady: against('CPU of one core', '%', 1.2),
    first: against('CPU of one core in the first minute', '%', 1.3),
    rss: against('memory after scrapes', 'MB', 1.2),
    lag: against('event-loop delay, p99', 'ms', 1.25),
  },
  async measure({ servers, quick }) {
    const given = { config: configOf(servers, targetsOf(quick)), env: servers.env, folder: servers.folder }
    const plan = quick
      ? { first: intervalSeconds, intervals: 1, scrapes: 50 }
      : { first: firstSeconds, intervals: 1, scrapes: 300 }
    const { ours, peer } = await alternate(
      1,
      () => atWork(() => launchExporter(given), plan),
      () => atWork(() => launchPlain(given), plan),
    )
    const both = (what: (work: Work) => readonly number[]) => ({ ours: ours.flatMap(what), peer: peer.flatMap(what) })
    return {
      lines: {
        missed: { ours: ours.map(one => missedTurns(runsByCheck(one.from), runsByCheck(one.to), plan.intervals)) },
        steady: both(one => one.steady),
        first: both(one => [one.first]),
        rss: both(one => [one.rss]),
        lag: both(one => one.lag),
      },
      notes: [
        failures(notOk(ours.at(-1)?.to ?? ''), 'checks not ok'),
        `Memory is that after ${scraped(ours)}.`,
        `plain: ${failures(notUp(peer.at(-1)?.to ?? ''), 'targets not up')} Memory after ${scraped(peer)}.`,
      ],
    }
  },
})
