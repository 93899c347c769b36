import { shifted, type CheckStatus } from '../assess/assessment.ts'
import type { Verdict } from '../core/probe.ts'
import { withFailed, type FailedRun } from './failed-runs.ts'
import type { Ran } from './run.ts'

/** What is kept of a check in addition to its last observation. */
export interface CheckRecord {
  readonly runs: number
  readonly failures: number
  /** Milliseconds since the epoch. */
  readonly lastOkAt: number | undefined
  /** Verdicts of the last runs, oldest first. */
  readonly history: readonly Verdict[]
  /** The last runs that failed or were unknown, oldest first. */
  readonly failed: readonly FailedRun[]
}

/** How many verdicts of a check are kept. */
export const historyLength = 50

const empty: CheckRecord = { runs: 0, failures: 0, lastOkAt: undefined, history: [], failed: [] }

/** The record with one more run. It counts the verdict of the assessment, since other checks may change that of the run. */
export function withRun(before: CheckRecord | undefined, ran: Ran, check: CheckStatus): CheckRecord {
  const { runs, failures, lastOkAt, history, failed } = before ?? empty
  const { verdict } = check
  return {
    runs: runs + 1,
    failures: failures + Number(verdict === 'fail'),
    lastOkAt: verdict === 'ok' ? ran.finishedAt : lastOkAt,
    history: [...history, verdict].slice(-historyLength),
    failed: withFailed(failed, ran, check, history.at(-1)),
  }
}

/** The record as it would be if the clock had always been that many milliseconds ahead. */
export const shiftRecord = ({ lastOkAt, failed, ...rest }: CheckRecord, byMs: number): CheckRecord => ({
  ...rest,
  lastOkAt: shifted(lastOkAt, byMs),
  failed: failed.map(one => ({ ...one, startedAt: one.startedAt + byMs })),
})
