import type { CheckStatus } from '../assess/assessment.ts'
import type { Reason } from '../core/probe.ts'
import type { Ran } from '../core/run.ts'
import type { Note } from '../core/transcript.ts'
import { length, utc } from './words.ts'

/** A run for people at a terminal: what was found, what was done, and the metrics. Pure. */
export function runText({ id, verdict, reasons, evidence }: CheckStatus, ran: Ran, metrics: string): string {
  const took = length(ran.finishedAt - ran.startedAt)
  const phases = Object.entries(ran.phases).map(([name, seconds]) => `${name} ${length(seconds * 1000)}`)
  return [
    `${id}: ${verdict}`,
    evidence,
    `run at ${utc(ran.startedAt)}, took ${took}: ${phases.join(', ') || 'no phases'}`,
    ...(reasons.length > 0 ? ['', 'REASONS', ...reasons.flatMap(reasonLines)] : []),
    '',
    'TRANSCRIPT (ms since the beginning, phase)',
    ...transcriptLines(ran.transcript()),
    '',
    'METRICS',
    ...metrics.split('\n').filter(line => !line.startsWith('#')),
  ].join('\n')
}

const reasonLines = ({ code, verdict, severity, text, remedy }: Reason): string[] => [
  `${code} (${verdict}, ${severity})`,
  `    ${text}`,
  `    Do this: ${remedy}`,
]

/** Columns, in which a note of several lines stays within its own. */
export function transcriptLines(transcript: readonly Note[]): string[] {
  const width = Math.max(0, ...transcript.map(({ phase }) => phase.length))
  return transcript.flatMap(({ atMs, phase, text }) =>
    text
      .split('\n')
      .filter((line, _, all) => all.length === 1 || line.trim() !== '')
      .map((line, i) =>
        (i === 0
          ? `${atMs.toFixed(1).padStart(8)}  ${phase.padEnd(width)}  ${line}`
          : `${' '.repeat(12 + width)}${line}`
        ).trimEnd(),
      ),
  )
}
