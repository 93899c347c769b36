import { checkId } from '../core/probe.ts'
import { inLines, shown, type Shown } from '../core/shown.ts'
import type { Ran } from '../monitor/run.ts'
import { length, utc } from '../page/format.ts'
import { transcriptLines } from '../page/run-text.ts'

/** What each run asked, got and did, with the time in ms since its beginning and the phase. Secrets are redacted. */
export const transcriptsText = (runs: readonly Ran[]): Shown =>
  inLines(
    runs.flatMap(ran => [
      shown``,
      shown`Transcript of ${checkId(ran)}: ${ran.verdict}, at ${utc(ran.startedAt)}, took ${length(ran.finishedAt - ran.startedAt)}`,
      ...transcriptLines(ran.transcript()),
    ]),
  )
