import { sleep } from '../core/clock.ts'

/** Where in its interval a loop starts: the same for the same name, so that restarts do not bunch checks together. */
export function offsetOf(name: string, withinMs: number): number {
  let hash = 2166136261 // FNV-1a, 32 bit
  for (const char of name) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16777619) >>> 0
  return withinMs <= 0 ? 0 : hash % Math.ceil(withinMs)
}

/**
 * The first runs are spread over a second, or over what makes it fifty a second, and each check keeps its phase: so
 * neither a start nor any later turn is a burst, for us or for a server that many targets lead to. In milliseconds.
 */
export const spreadMs = (checks: number): number => Math.max(1_000, 20 * checks)

/**
 * Calls `tick` after the offset and then on every interval, keeping its phase: a tick that took 2.3 intervals is
 * followed at 3, 4, …; it never overlaps itself. Ends when `stop` aborts and the tick under way has ended.
 * `tick` must not reject: nothing here would catch it.
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
    // Turns are counted, because a timer may fire a little early: by the clock alone the same turn would come again.
    turn = Math.max(turn, Math.floor(elapsed / intervalMs)) + 1
    await sleep(turn * intervalMs - elapsed, stop)
  }
}
