import { readFileSync } from 'node:fs'

/** What the kernel has counted since it started, in milliseconds; undefined where it does not say. */
export interface Pressure {
  /** By the monotonic clock. */
  readonly at: number
  /** How long the main thread of this process was ready to run and had no CPU. */
  readonly waitedMs: number | undefined
  /** How long some process of the machine, or of the container, was. */
  readonly someWaitedMs: number | undefined
}

/** Two small reads of /proc. */
export const pressureNow = (): Pressure => ({
  at: performance.now(),
  waitedMs: runQueueWait(textOf('/proc/self/schedstat')),
  someWaitedMs: stallOf(textOf('/proc/pressure/cpu')),
})

/** The second of three numbers, in nanoseconds. https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat */
export function runQueueWait(schedstat: string): number | undefined {
  const [, waited] = /^\d+ (\d+) \d+/.exec(schedstat) ?? []
  return waited === undefined ? undefined : Number(waited) / 1e6
}

/** The total of the line `some`, in microseconds. https://docs.kernel.org/accounting/psi.html */
export function stallOf(pressure: string): number | undefined {
  const [, total] = /^some .*\btotal=(\d+)/m.exec(pressure) ?? []
  return total === undefined ? undefined : Number(total) / 1e3
}

/** Shares of the time from which on this process, or a healthy server beside it, may have come too late for want of CPU. */
const ownShare = 0.2
const someShare = 0.6

/** Whether the machine was short of CPU between the two: so short that a run that ended for want of time proves nothing. */
export function wasStarved(before: Pressure, after: Pressure): boolean {
  const elapsed = after.at - before.at
  const share = (from: number | undefined, to: number | undefined): number =>
    from === undefined || to === undefined || elapsed <= 0 ? 0 : (to - from) / elapsed
  return (
    share(before.waitedMs, after.waitedMs) >= ownShare || share(before.someWaitedMs, after.someWaitedMs) >= someShare
  )
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    // Another system than Linux, or a kernel without it.
    return ''
  }
}
