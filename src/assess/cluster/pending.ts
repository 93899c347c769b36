import type { CheckStatus } from '../assessment.ts'
import type { ClusterMemory } from './memory.ts'
import { lookedAt } from '../nodes.ts'

/** What one look may only seem to show, since looks are not all of one moment. */
export interface Pending {
  /**
   * How long it has lasted, by the looks at these checks, in milliseconds; below 0 until each of them was looked at again.
   * The time of the looks counts, and not `now`: nothing is known of the time since the last look.
   */
  lasts(what: string, checks: readonly CheckStatus[]): number
  /** Those that were asked about. The others have ended. */
  since(): ClusterMemory['pending']
}

export function pendingOf(before: ClusterMemory['pending'] | undefined, now: number): Pending {
  const found = new Map<string, number>()
  return {
    lasts(what, checks) {
      const since = before?.get(what) ?? now
      found.set(what, since)
      return Math.min(...checks.map(lookedAt)) - since
    },
    since: () => found,
  }
}
