/** What a sample of the soak holds, and when the samples are flat. */

/** What must come back to where it was: by what it is, such as `fd socket` or `open at silent smtp`. */
export type Counts = Readonly<Record<string, number>>

export interface Reading {
  /** Runs of a check so far. */
  readonly rounds: number
  readonly seconds: number
  /** JavaScript heap and what it holds outside of it (buffers), in bytes. After GC, where there is one. */
  readonly heap: number
  /** In bytes; only shown, since the allocator gives back what it likes. */
  readonly rss: number
  /** In the exposition of that turn, by metric. */
  readonly series: Counts
  /** Once they were back at the baseline, or when the grace was over. */
  readonly counts: Counts
}

/** The heap of the last quarter may be above that of the second by this share, and this much (bytes). */
export const tolerance = { share: 0.1, bytes: 2_000_000 } as const

/** Counts that are not those of the baseline, as `fd socket: 12, was 9`. What is not there is 0. */
export function differences(counts: Counts, baseline: Counts): string[] {
  const names = [...new Set([...Object.keys(baseline), ...Object.keys(counts)])]
  return names.flatMap(name => {
    const [now, before] = [counts[name] ?? 0, baseline[name] ?? 0]
    return now === before ? [] : [`${name}: ${now}, was ${before}`]
  })
}

const median = (numbers: readonly number[]): number | undefined =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]

/** How the heap grew, compared with itself: the first quarter is for what is made once, and for the compiler. */
export function heapGrowth(readings: readonly Pick<Reading, 'heap'>[]): { before: number; after: number } | undefined {
  const quarter = Math.floor(readings.length / 4)
  const heap = readings.map(reading => reading.heap)
  const before = median(heap.slice(quarter, 2 * quarter))
  const after = median(heap.slice(heap.length - quarter))
  return before === undefined || after === undefined ? undefined : { before, after }
}

export const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)

const enoughReadings = 5

/**
 * Metrics that have more series at each reading of the second half than at the one before. Which reasons and phases are
 * exposed differs with how busy the machine is, and so comes and goes; what is kept only grows. Of a few readings nothing is
 * said: a machine that gets less busy meanwhile names one more reason at each of them.
 */
function growing(readings: readonly Pick<Reading, 'series'>[]): string[] {
  const half = readings.slice(Math.floor(readings.length / 2))
  if (half.length < enoughReadings) return []
  const metrics = Object.keys(half.at(-1)?.series ?? {})
  return metrics.filter(metric =>
    half.every(({ series }, i) => i === 0 || (series[metric] ?? 0) > (half[i - 1]?.series[metric] ?? 0)),
  )
}

/**
 * Counts may come to so many more, to this share of them, and to one more for every fourth reading: one for each fault
 * comes to twice that. On a machine that got busier meanwhile more runs are under way at any time.
 */
const countTolerance = { share: 0.1, count: 2, each: 1 / 4 } as const

/** Counts that grow from the second quarter to the last, by their medians: for what is never at rest. */
export function growths(readings: readonly Pick<Reading, 'counts'>[]): string[] {
  const quarter = Math.floor(readings.length / 4)
  const names = [...new Set(readings.flatMap(({ counts }) => Object.keys(counts)))]
  return names.flatMap(name => {
    const all = readings.map(({ counts }) => counts[name] ?? 0)
    const before = median(all.slice(quarter, 2 * quarter))
    const after = median(all.slice(all.length - quarter))
    if (before === undefined || after === undefined) return []
    const more = Math.max(countTolerance.count, readings.length * countTolerance.each)
    const limit = before * (1 + countTolerance.share) + more
    return after > limit ? [`${name}: median ${after} in the last quarter, ${before} in the second`] : []
  })
}

/** Why the readings are not flat; none where they are. The heap is only judged where it was read after GC. */
export function unevenness(readings: readonly Reading[], baseline: Counts, afterGc: boolean): string[] {
  const uneven = readings.flatMap(({ rounds, counts }) =>
    differences(counts, baseline).map(text => `after ${rounds} rounds: ${text}`),
  )
  for (const metric of growing(readings)) uneven.push(`series of ${metric}: more with every reading`)
  const growth = afterGc ? heapGrowth(readings) : undefined
  if (growth && growth.after > growth.before * (1 + tolerance.share) + tolerance.bytes)
    uneven.push(
      `heap: median ${megabytes(growth.after)} MB in the last quarter, ${megabytes(growth.before)} MB in the second`,
    )
  return uneven
}
