import type { CheckStatus } from '../assess/assessment.ts'
import type { Reason } from '../core/probe.ts'
import { runbookUrl } from '../core/runbook.ts'
import type { Ran } from '../monitor/run.ts'
import { inLines, shown, shownLines, type Shown } from '../core/shown.ts'
import type { Note } from '../core/transcript.ts'
import { length, utc } from './format.ts'

/** A run as text for a terminal: what it found, what it did, and its metrics. Pure. */
export function runText({ id, verdict, reasons, evidence }: CheckStatus, ran: Ran, metrics: Shown): Shown {
  const took = length(ran.finishedAt - ran.startedAt)
  const phases = Object.entries(ran.phases).map(([name, seconds]) => `${name} ${length(seconds * 1000)}`)
  const lines = metrics.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return inLines([
    shown`${id}: ${verdict}`,
    shown`${evidence}`,
    shown`run at ${utc(ran.startedAt)}, took ${took}: ${phases.join(', ') || 'no phases'}`,
    ...(reasons.length > 0 ? [shown``, shown`REASONS`, ...reasons.flatMap(reasonLines)] : []),
    shown``,
    shown`TRANSCRIPT (ms since the beginning, phase)`,
    ...transcriptLines(ran.transcript()),
    shown``,
    shown`METRICS`,
    shownLines(lines.join('\n')),
  ])
}

const reasonLines = ({ code, verdict, severity, text, remedy }: Reason): Shown[] => [
  shown`${code} (${verdict}, ${severity})`,
  shown`    ${text}`,
  shown`    Do this: ${remedy}`,
  shown`    ${runbookUrl(code)}`,
]

/** The notes in columns. A note of several lines stays in its column. */
export function transcriptLines(transcript: readonly Note[]): Shown[] {
  const width = Math.max(0, ...transcript.map(({ phase }) => phase.length))
  return transcript.flatMap(({ atMs, phase, text }) =>
    text
      .split('\n')
      .filter((line, _, all) => all.length === 1 || line.trim() !== '')
      .map((line, i) =>
        i === 0
          ? shown`${atMs.toFixed(1).padStart(8)}  ${phase.padEnd(width)}  ${line.trimEnd()}`
          : shown`${' '.repeat(12 + width)}${line.trimEnd()}`,
      ),
  )
}
