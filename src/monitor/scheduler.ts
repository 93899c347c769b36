import { sleep } from '../core/clock.ts'

/** Where in its interval a loop starts. It depends on the name alone, so a restart does not bring checks together. */
export function offsetOf(name: string, withinMs: number): number {
  let hash = 2166136261 // FNV-1a, 32 bit
  for (const char of name) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16777619) >>> 0
  return withinMs <= 0 ? 0 : hash % Math.ceil(withinMs)
}

/**
 * The first runs are spread over this many milliseconds: at least a second, and at most fifty runs a second. Each check keeps
 * its phase, so there is never a burst, neither for the exporter nor for a server behind many targets.
 */
export const spreadMs = (checks: number): number => Math.max(1_000, 20 * checks)

/**
 * Calls `tick` after the offset, and then on every interval. It keeps its phase and never overlaps itself: a tick that took
 * 2.3 intervals is followed at 3, 4, … Ends when `stop` has aborted and the tick under way has ended. `tick` must not reject.
 */
export async function every(
  intervalMs: number,
  offsetMs: number,
  stop: AbortSignal,
  tick: () => Promise<unknown>,
): Promise<void> {
  const start = performance.now() + offsetMs
  let turn = 0
  await sleep(offsetMs, stop)
  while (!stop.aborted) {
    await tick()
    const elapsed = performance.now() - start
    // Counted, because a timer may fire a little early: by the clock alone the same turn would come twice.
    turn = Math.max(turn, Math.floor(elapsed / intervalMs)) + 1
    await sleep(turn * intervalMs - elapsed, stop)
  }
}
