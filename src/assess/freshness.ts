import { seconds } from '../core/errors.ts'
import { checkId, finding, type Check, type Finding, type Observation } from '../core/probe.ts'
import { createRecall } from '../core/memo.ts'
import { commonReason } from '../core/reasons.ts'
import type { CheckStatus } from './assessment.ts'

/** A result is evidence for this many intervals. */
const freshIntervals = 3

/** After this moment the check is stale unless it runs again (milliseconds since the epoch); Infinity where it is already. */
export const staleAt = ({ stale, observation, intervalMs }: CheckStatus): number =>
  stale || !observation ? Infinity : observation.finishedAt + freshIntervals * intervalMs

/** How each check stood last while what was seen of it was fresh. Nothing follows from it: it saves the same work. */
const standings = new WeakMap<Check, CheckStatus>()
/** What was concluded last from each observation. */
const concluded = createRecall<Observation, CheckStatus>()

/** How a check stands by itself: nothing seen yet, or seen too long ago, is unknown. */
export function standing(check: Check, latest: ReadonlyMap<string, Observation>, now: number): CheckStatus {
  const known = standings.get(check)
  const observation = latest.get(known?.id ?? checkId(check))
  const age = observation ? now - observation.finishedAt : 0
  const stale = age > freshIntervals * check.intervalMs
  if (known?.observation === observation && known && !stale) return known
  const { verdict, reasons, evidence, samples } = observation && !stale ? observation : unknown(observation, age)
  const status = {
    id: checkId(check),
    probe: check.probe,
    target: check.target,
    intervalMs: check.intervalMs,
    needs: check.needs,
    config: check.config,
    observation,
    verdict,
    reasons,
    evidence,
    samples,
    stale,
  }
  if (!stale) standings.set(check, status)
  return status
}

/** Where the same was concluded from the observation before, that status: what was made of it is kept by its identity. */
export const asBefore = (status: CheckStatus): CheckStatus =>
  status.observation ? concluded(status.observation, [status], () => status) : status

function unknown(observation: Observation | undefined, age: number): Finding {
  const ago = seconds(Math.round(age / 1000) * 1000)
  const reason = observation
    ? commonReason('stale', `last seen ${ago} ago, then ${observation.verdict}`)
    : commonReason('not_run_yet', 'has not run yet')
  return finding('', [reason], [])
}
