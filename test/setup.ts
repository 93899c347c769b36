/**
 * The leak guard: after each test file, no socket, server, timer or child process may outlive its tests. Compared is
 * what keeps the event loop of the worker alive, so nothing that was unref'd counts.
 * https://nodejs.org/docs/latest-v20.x/api/process.html#processgetactiveresourcesinfo
 */
import { afterAll, expect } from 'vitest'

/** What is being closed has this long to be gone. A process that was killed may end late on a busy machine. */
const graceMs = (left: readonly string[]): number => (left.every(one => one.endsWith(' ProcessWrap')) ? 15_000 : 1_000)
const pollMs = 20

// Taken before a test can fake it.
const { setTimeout } = globalThis

/** Vitest's own: its channel to the main process, and the standard streams. */
const baseline = countByKind(process.getActiveResourcesInfo())

function countByKind(kinds: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return counts
}

/** Such as `2 Timeout`, for every kind of which there are more than before the tests. */
const leaks = (): string[] =>
  [...countByKind(process.getActiveResourcesInfo())].flatMap(([kind, count]) => {
    const more = count - (baseline.get(kind) ?? 0)
    return more > 0 ? [`${more} ${kind}`] : []
  })

afterAll(
  async () => {
    for (let waited = 0, left = leaks(); left.length > 0 && waited < graceMs(left); waited += pollMs, left = leaks())
      await new Promise(resolve => setTimeout(resolve, pollMs))
    expect(leaks(), 'the tests of this file left something open (kinds of process.getActiveResourcesInfo())').toEqual(
      [],
    )
  },
  // Without a time limit, whose timer would be one more resource; the loop above has its own.
  0,
)
