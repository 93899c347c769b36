import { createMemo } from '../core/memo.ts'
import { seenBy, type Observation } from '../core/probe.ts'
import { dns } from '../probes/dns/index.ts'
import { postureOf, type Posture } from '../probes/dns/posture/index.ts'
import type { CheckStatus } from './assessment.ts'

/** What receivers find in DNS for a `dns` target. */
export interface TargetPosture extends Posture {
  /** Name of the target. */
  readonly target: string
}

const postures = createMemo<Observation, TargetPosture | undefined>()

/** One for each `dns` target, from its last look. None for one that is stale, or could not look. */
export const posturesOf = (checks: readonly CheckStatus[]): readonly TargetPosture[] =>
  checks.flatMap(({ stale, observation }) =>
    stale || !observation ? [] : (postures(observation, [], () => postureIn(observation)) ?? []),
  )

function postureIn(observation: Observation): TargetPosture | undefined {
  const found = seenBy(dns, observation)
  return found && { target: observation.target, ...postureOf(found.seen, found.target) }
}
