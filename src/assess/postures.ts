import { seenBy } from '../core/probe.ts'
import { dns } from '../probes/dns/index.ts'
import { postureOf, type Posture } from '../probes/dns/posture/index.ts'
import type { CheckStatus } from './assessment.ts'

/** What receivers find in DNS for a `dns` target. */
export interface TargetPosture extends Posture {
  /** Name of the target. */
  readonly target: string
}

/** One for each `dns` target, from its last look. None for one that is stale, or could not look. */
export const posturesOf = (checks: readonly CheckStatus[]): readonly TargetPosture[] =>
  checks.flatMap(({ target, stale, observation }) => {
    const found = stale ? undefined : seenBy(dns, observation)
    return found ? [{ target, ...postureOf(found.seen, found.target) }] : []
  })
