import { kernelText } from './kernel-text.ts'

/** What the kernel has counted since it started, in milliseconds; undefined if it does not say. */
export interface Pressure {
  /** Time by the monotonic clock. */
  readonly at: number
  /** How long the main thread of this process was ready to run and had no CPU. */
  readonly waitedMs: number | undefined
  /** How long some process of the machine, or of the container, was ready to run and had no CPU. */
  readonly someWaitedMs: number | undefined
}

/** Reads two small files of /proc. */
export const pressureNow = (): Pressure => ({
  at: performance.now(),
  waitedMs: runQueueWait(kernelText('/proc/self/schedstat')),
  someWaitedMs: stallOf(kernelText('/proc/pressure/cpu')),
})

/** This old, in milliseconds, a reading will do for the start of a run: many of them start within that time. */
const latelyMs = 100
let latest: Pressure | undefined

/** A reading of at most 100 ms ago: the time between it and a later one holds the run. */
export function pressureLately(): Pressure {
  if (latest === undefined || performance.now() - latest.at > latelyMs) latest = pressureNow()
  return latest
}

/**
 * The second of three numbers, in nanoseconds. https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat
 */
export function runQueueWait(schedstat: string): number | undefined {
  const [, waited] = /^\d+ (\d+) \d+/.exec(schedstat) ?? []
  return waited === undefined ? undefined : Number(waited) / 1e6
}

/** The total of the line `some`, in microseconds. https://docs.kernel.org/accounting/psi.html */
export function stallOf(pressure: string): number | undefined {
  const [, total] = /^some .*\btotal=(\d+)/m.exec(pressure) ?? []
  return total === undefined ? undefined : Number(total) / 1e3
}

/**
 * From these shares of the time on, this process, or a healthy server beside it, may have been late for lack of CPU.
 */
const ownShare = 0.2
const someShare = 0.6

/** Whether the machine was so short of CPU between the two that a time-out proves nothing. */
export function wasStarved(before: Pressure, after: Pressure): boolean {
  const some = shareOf(before, after, ({ someWaitedMs }) => someWaitedMs) ?? 0
  return (ownShareOf(before, after) ?? 0) >= ownShare || some >= someShare
}

/** From this share of the time on, nothing that this process misses proves anything. */
const hungryShare = 0.5

/**
 * The share of the time between the two in which this process waited for a CPU, 0 to 1; undefined if the kernel does
 * not say.
 */
export const ownShareOf = (before: Pressure, after: Pressure): number | undefined =>
  shareOf(before, after, ({ waitedMs }) => waitedMs)

function shareOf(before: Pressure, after: Pressure, of: (at: Pressure) => number | undefined): number | undefined {
  const [from, to, elapsed] = [of(before), of(after), after.at - before.at]
  return from === undefined || to === undefined || elapsed <= 0 ? undefined : (to - from) / elapsed
}

/** Whether this process had too little CPU between the two to see any answer in time. */
export const wasHungry = (before: Pressure, after: Pressure): boolean => (ownShareOf(before, after) ?? 0) >= hungryShare
