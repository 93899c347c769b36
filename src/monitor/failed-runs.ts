import { isDeepStrictEqual } from 'node:util'
import type { CheckStatus } from '../assess/assessment.ts'
import type { Reason, Verdict } from '../core/probe.ts'
import type { Ran } from './run.ts'
import type { Note } from '../core/transcript.ts'

/** A run whose check failed, or was unknown, as it was assessed then. */
export interface FailedRun {
  /** When it began, in milliseconds since the epoch. */
  readonly startedAt: number
  readonly tookMs: number
  readonly verdict: Verdict
  /** Worst first. */
  readonly reasons: readonly Reason[]
  readonly transcript: readonly Note[]
  /** The how many-th it is in a row of runs that failed alike: of the same verdict, with the same reasons. */
  readonly inRow: number
}

/** How many of them are kept of a check. */
export const failedKept = 5

/**
 * The last of them, oldest first, with this run if it is one; what is fine or merely warns takes no place of theirs. Of
 * those in a row that failed alike there are the first and the last: an outage must not push out how it began.
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
  // A copy, since a part of a text keeps alive the whole of it, which may be all that a server sent.
  const own = structuredClone(transcript())
  const run = { startedAt, tookMs: finishedAt - startedAt, verdict, reasons, transcript: own, inRow }
  return [...others, run].slice(-failedKept)
}

const codes = ({ reasons }: { readonly reasons: readonly Reason[] }): string[] => reasons.map(({ code }) => code)
