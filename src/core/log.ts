import { pino, type DestinationStream, type Logger } from 'pino'
import { inLines, json, visible, vouched, type Shown } from './shown.ts'

export type { Logger }
export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]
export const logFormats = ['json', 'pretty'] as const
export type LogFormat = (typeof logFormats)[number]

/** Logs to standard error: JSON lines for machines, or `time level message key=value` for people. */
export function createLog(level: LogLevel, format: LogFormat, write: (line: Shown) => void): Logger {
  const render = format === 'json' ? json : pretty
  // Redacts the whole line, so that no field and no child logger gets around it.
  const stream: DestinationStream = { write: line => write(inLines([render(JSON.parse(line) as Entry)])) }
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: label => ({ level: label }) } },
    stream,
  )
}

/** How a warning is written in the log. */
export function lineOf(format: LogFormat, fields: Readonly<Record<string, unknown>>, text: string): string {
  let written = ''
  createLog('warn', format, line => (written = line)).warn(fields, text)
  return written
}

interface Entry {
  readonly time: string
  readonly level: string
  readonly msg?: string
  readonly [field: string]: unknown
}

function pretty({ time, level, msg = '', ...rest }: Entry): Shown {
  const fields = Object.entries(rest).map(([key, value]) => `${key}=${plain(value) ? value : JSON.stringify(value)}`)
  return vouched(visible([time, level.padEnd(5), msg.trim(), ...fields].join(' '), Infinity))
}

/** Text that needs no quotes. */
const plain = (value: unknown): value is string => typeof value === 'string' && /^[^\s"=]+$/.test(value)
