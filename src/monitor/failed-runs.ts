import { isDeepStrictEqual } from 'node:util'
import type { CheckStatus } from '../assess/assessment.ts'
import type { Reason, Verdict } from '../core/probe.ts'
import type { Ran } from './run.ts'
import type { Note } from '../core/transcript.ts'

/** A run after which the check failed or was unknown, by the assessment of that time. */
export interface FailedRun {
  /** When it began, in milliseconds since the epoch. */
  readonly startedAt: number
  readonly tookMs: number
  readonly verdict: Verdict
  /** Worst first. */
  readonly reasons: readonly Reason[]
  readonly transcript: readonly Note[]
  /** Its number in a row of runs that failed alike, with the same verdict and reasons; the first has 1. */
  readonly inRow: number
}

/** How many failed runs of a check are kept. */
export const failedKept = 5

/**
 * The last failed runs, oldest first, with this run if it failed. A run that is `ok` or `warn` is not kept. Of a row of runs
 * that failed alike only the first and the last are kept, so that a long outage does not push out how it began.
 */
export function withFailed(
  before: readonly FailedRun[],
  { startedAt, finishedAt, transcript }: Ran,
  { verdict, reasons }: CheckStatus,
  verdictBefore: Verdict | undefined,
): readonly FailedRun[] {
  if (verdict !== 'fail' && verdict !== 'unknown') return before
  const last = before.at(-1)
  const inRow =
    last && verdict === verdictBefore && isDeepStrictEqual(codes(last), codes({ reasons })) ? last.inRow + 1 : 1
  const others = inRow > 2 ? before.slice(0, -1) : before
  // A copy, since V8 keeps the whole text of which this is a part: that may be all that a server sent.
  const own = structuredClone(transcript())
  const run = { startedAt, tookMs: finishedAt - startedAt, verdict, reasons, transcript: own, inRow }
  return [...others, run].slice(-failedKept)
}

const codes = ({ reasons }: { readonly reasons: readonly Reason[] }): string[] => reasons.map(({ code }) => code)
