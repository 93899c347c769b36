import { seconds } from '../core/errors.ts'
import { checkId, finding, type Check, type Finding, type Observation } from '../core/probe.ts'
import { createMemo } from '../core/memo.ts'
import { commonReason } from '../core/reasons.ts'
import type { CheckStatus } from './assessment.ts'

/** A result is evidence for this many intervals. */
const freshIntervals = 3

/** The check is stale after this moment unless it runs again (milliseconds since the epoch); Infinity where it is stale already. */
export const staleAt = ({ stale, observation, intervalMs }: CheckStatus): number =>
  stale || !observation ? Infinity : observation.finishedAt + freshIntervals * intervalMs

const idMemo = createMemo<Check, string>()
const freshMemo = createMemo<Check, CheckStatus>()
const concludedMemo = createMemo<Observation, CheckStatus>()

/** The status of a check by itself, before it is compared with others: `unknown` where it has not run, or too long ago. */
export function statusOf(check: Check, latest: ReadonlyMap<string, Observation>, now: number): CheckStatus {
  const id = idMemo(check, [], () => checkId(check))
  const observation = latest.get(id)
  const age = observation ? now - observation.finishedAt : 0
  const stale = age > freshIntervals * check.intervalMs
  const make = (): CheckStatus => {
    const { verdict, reasons, evidence, samples } = observation && !stale ? observation : unknown(observation, age)
    const { probe, target, intervalMs, needs, config } = check
    return { id, probe, target, intervalMs, needs, config, observation, verdict, reasons, evidence, samples, stale }
  }
  // The reason of a stale check says how old it is, so it is made each time.
  return freshMemo(check, [observation, stale], make, () => !stale)
}

/** The status as it was concluded before, where it is equal and of the same observation: what was made of it is kept then. */
export const asBefore = (status: CheckStatus): CheckStatus =>
  status.observation ? concludedMemo(status.observation, [status], () => status) : status

function unknown(observation: Observation | undefined, age: number): Finding {
  const ago = seconds(Math.round(age / 1000) * 1000)
  const reason = observation
    ? commonReason('stale', `last seen ${ago} ago, then ${observation.verdict}`)
    : commonReason('not_run_yet', 'has not run yet')
  return finding('', [reason], [])
}
