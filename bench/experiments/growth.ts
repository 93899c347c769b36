import { setTimeout as sleep } from 'node:timers/promises'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { experiment, type Curve, type Stage } from '../experiment.ts'
import { cpuSeconds, residentMegabytes } from '../measure/process.ts'
import { scrapeOnce, type Scraped } from '../measure/scrape.ts'
import { quantile } from '../measure/statistics.ts'
import { launchExporter, notOk, untilReady } from '../stage/exporter.ts'
import { configOf } from '../stage/targets.ts'

const intervalSeconds = 60
const scrapeEveryMs = 2_500
const patienceMs = 30_000
/** Those of one row are measured at the same time, so that what else goes on befalls all of them. A row is a run. */
const sizes = [
  [10, 50, 1000, 5000],
  [1000, 5000],
] as const
const quickSizes = [[10, 100, 300]] as const

interface Point {
  readonly targets: number
  readonly cpu: number
  readonly rss: number
  readonly scrape: number
  /** Checks that are not ok. */
  readonly failing: number
}

/** One that is not answered counts with all the time it was given: too many targets are a figure, too. */
const scraped = (url: string): Promise<Pick<Scraped, 'body' | 'milliseconds'>> =>
  scrapeOnce(url, patienceMs).catch(() => ({ body: '', milliseconds: patienceMs }))

async function pointOf({ servers, quick }: Stage, targets: number): Promise<Point> {
  const folder = path.join(servers.folder, `targets-${targets}`)
  await mkdir(folder, { recursive: true })
  const times = { interval: `${intervalSeconds}s`, timeout: '10s' }
  const exporter = await launchExporter({ config: configOf(servers, targets, times), env: servers.env, folder })
  try {
    // Where one round takes longer than its interval, that is measured, too.
    await untilReady(exporter, intervalSeconds * 1100).catch(() => undefined)
    const [from, fromCpu] = [performance.now(), await cpuSeconds(exporter.pid)]
    const windowMs = intervalSeconds * (quick ? 250 : 500)
    const scrapes: number[] = []
    while (performance.now() - from < windowMs) {
      await sleep(scrapeEveryMs)
      scrapes.push((await scraped(exporter.url)).milliseconds)
    }
    const taken = (await cpuSeconds(exporter.pid)) - fromCpu
    const cpu = (100 * 1000 * taken) / (performance.now() - from)
    // Most find nothing new, and cost nothing: checks run close together in the interval where there are few.
    const scrape = quantile(scrapes, 0.95)
    const failing = notOk((await scraped(exporter.url)).body).length
    return { targets, cpu, rss: await residentMegabytes(exporter.pid), scrape, failing }
  } finally {
    await exporter.stop()
  }
}

const aspects = {
  cpu: { what: 'CPU', unit: '%' },
  rss: { what: 'Memory', unit: 'MB' },
  scrape: { what: 'Scrape, p95', unit: 'ms' },
} as const
type Aspect = keyof typeof aspects

const curveOf = (points: readonly Point[], aspect: Aspect): Curve => ({
  ...aspects[aspect],
  points: points.map(point => ({ targets: point.targets, value: point[aspect] })),
})

/** How much more the largest of a run takes than the one before it. */
const growthOf = (points: readonly Point[], aspect: Aspect): number => {
  const [before, last] = points.slice(-2)
  return (last?.[aspect] ?? 0) / (before?.[aspect] ?? 1)
}

const line = (what: string) => ({ what, unit: '', better: 'lower', goal: { kind: 'value', bound: 5 } }) as const

export const growth = experiment({
  id: 'growth',
  title: 'Growth',
  how: `The mix of 1,000 targets in sizes from 10 to 5,000, each at an interval of ${intervalSeconds} s: CPU of one core over half an interval, after a first round, scraped every ${scrapeEveryMs / 1000} s meanwhile; of these scrapes the time that 95 % stay below (no answer counts as ${patienceMs / 1000} s); then resident memory. Those of one run are measured at the same time. Two runs of 1,000 and 5,000: five times the targets may take five times as much, and no more. The curves are of the first run.`,
  lines: {
    cpu: line('CPU: 5,000 targets, as a multiple of 1,000'),
    rss: line('Memory: 5,000 targets, as a multiple of 1,000'),
    scrape: line('Time of a scrape: 5,000 targets, as a multiple of 1,000'),
  },
  async measure(stage) {
    const runs: Point[][] = []
    for (const row of stage.quick ? quickSizes : sizes)
      runs.push(await Promise.all(row.map(targets => pointOf(stage, targets))))
    const points = runs[0] ?? []
    const measured = (aspect: Aspect) => ({ ours: runs.map(run => growthOf(run, aspect)) })
    const failing = points.map(one => `${one.failing} of ${one.targets}`).join(', ')
    return {
      notes: [`Checks not ok at the end: ${failing}.`],
      lines: { cpu: measured('cpu'), rss: measured('rss'), scrape: measured('scrape') },
      curves: [curveOf(points, 'cpu'), curveOf(points, 'rss'), curveOf(points, 'scrape')],
    }
  },
})
