import type { CheckStatus } from './assess/assessment.ts'
import type { Reason, Verdict } from './core/probe.ts'
import type { Ran } from './core/run.ts'
import type { Note } from './core/transcript.ts'

/** A run whose check failed, or was unknown, as it was assessed then. */
export interface FailedRun {
  /** When it began, in milliseconds since the epoch. */
  readonly startedAt: number
  readonly tookMs: number
  readonly verdict: Verdict
  /** Worst first. */
  readonly reasons: readonly Reason[]
  readonly transcript: readonly Note[]
}

/** How many of them are kept of a check. */
export const failedKept = 5

/** The last of them, oldest first, with this run if it is one; what is fine or merely warns takes no place of theirs. */
export function withFailed(
  before: readonly FailedRun[],
  { startedAt, finishedAt, transcript }: Ran,
  { verdict, reasons }: CheckStatus,
): readonly FailedRun[] {
  if (verdict !== 'fail' && verdict !== 'unknown') return before
  // A copy, since a part of a text keeps alive the whole of it, which may be all that a server sent.
  const own = structuredClone(transcript)
  return [...before, { startedAt, tookMs: finishedAt - startedAt, verdict, reasons, transcript: own }].slice(
    -failedKept,
  )
}
