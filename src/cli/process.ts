import { setMaxListeners } from 'node:events'
import { closeSync, fstatSync } from 'node:fs'
import { isatty } from 'node:tty'
import { openOutput, writeText } from '../clients/output.ts'
import { codeOf, describeError } from '../core/errors.ts'
import { createLog, lineOf, type LogFormat, type Logger, type LogLevel } from '../core/log.ts'
import { createLogLines } from '../core/log-lines.ts'
import { inLines, shownLines, type Shown } from '../core/shown.ts'

/** What a command gets of its process. */
export interface Process {
  /** Aborts on SIGTERM and SIGINT. */
  readonly stop: AbortSignal
  /** Writes all of a text to standard output, even to a slow reader. Rejects with an OutputError, or when `stop` aborts. */
  readonly print: (text: Shown) => Promise<void>
  /** Writes lines for people to standard error, beside what is printed. */
  readonly tell: (text: string) => void
  /** Width in columns if standard output is a terminal. */
  readonly columns: number | undefined
  /** Opens the log, on standard error. */
  readonly openLog: (level: LogLevel, format: LogFormat) => Logger
  /** How many lines of standard error were lost. */
  readonly linesLost: () => number
  /** Runs work in a thread that cannot be cancelled. The process does not wait for it at its end. */
  readonly threaded: <T>(work: Promise<T>) => Promise<T>
  /** Sets the kind of command. */
  readonly is: (kind: Kind) => void
  /** Sets what SIGHUP does. If one came before, it is done at once. */
  readonly onHangUp: (reload: () => void) => void
}

export interface Kind {
  /** Exit code when a signal ends it early. */
  readonly cutOff: number
  /** Exit code of an unexpected error. */
  readonly unforeseen: number
  /** True for a server: SIGHUP does not end it, and a slow reader of its log does not delay its end. */
  readonly isDaemon: boolean
}

/** How an error ends the process: exit code and message. */
export interface Outcome {
  readonly code: number
  readonly text: string
}

/** Standard output, or the file in place of it, cannot be written to. */
export class OutputError extends Error {
  override readonly name = 'OutputError'
  constructor(cause: unknown, text = 'standard output cannot be written') {
    super(text, { cause })
  }
}

/** A shutdown waits this long for what hangs, in milliseconds. */
const shutdownMs = 1_500
/** At the end the process waits this long for the reader of its log, in milliseconds. */
const lastWordsMs = 300
/** Waits for the reader without a limit. */
const forEver = 2 ** 31 - 1
/** When all is done, the process waits this long for what still holds it, in milliseconds: a lookup of a name cannot be cancelled. */
const lingerMs = 500

/**
 * Runs the command, and ends the process with its exit code. From here on a signal, a failed write or an unexpected error
 * ends the process only in this way.
 */
export function runAsProcess(
  command: (own: Process) => Promise<number>,
  outcomeOf: (error: unknown, kind: Kind) => Outcome,
): void {
  const stop = new AbortController()
  // A listener per check, and one more per run.
  setMaxListeners(0, stop.signal)
  const [output, errors] = [openOutput(1), openOutput(2)]
  let kind: Kind = { cutOff: 0, unforeseen: 1, isDaemon: false }
  let log: Logger | undefined
  let logFormat: LogFormat = 'pretty'
  const lines = createLogLines(errors.write, lost =>
    lineOf(logFormat, { lines: lost }, 'lines of the log were lost, since they could not be written'),
  )
  const say = (text: string): void => {
    for (const line of text.split('\n')) lines.push(inLines([shownLines(line)]))
  }

  let inThreads = 0
  let isSignalled = false
  const exit = (code: number): void => {
    // Node would wait for these threads. After a signal it must not, and otherwise the exit code matters.
    if (hangs() || (inThreads > 0 && isSignalled)) endBy('SIGTERM')
    process.exit(code)
  }
  let isOver = false
  const end = async (code: number): Promise<void> => {
    if (isOver) return
    isOver = true
    process.exitCode = code
    await lines.flush(kind.isDaemon ? lastWordsMs : forEver)
    setTimeout(() => exit(code), lingerMs).unref()
  }
  process.on('exit', closeGoneTerminals)
  // Node ends with this code once nothing is left to wait for.
  process.exitCode = kind.unforeseen

  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      isSignalled = true
      stop.abort(new Error(signal))
      setTimeout(() => exit(isOver ? Number(process.exitCode) : kind.cutOff), shutdownMs).unref()
    })
  let isHungUp = false
  let reload: (() => void) | undefined
  process.on('SIGHUP', () => {
    isHungUp = true
    if (!kind.isDaemon) endBy('SIGHUP')
    reload?.()
  })
  process.on('uncaughtException', error => {
    if (isOver) return
    const { name, code, at } = whereFrom(error)
    const text = 'an error that nothing expects ends the exporter: please report this line'
    if (log) log.error({ error: name, code, at }, text)
    else say(`mailpath-exporter: ${text}: ${[name, code, at].filter(Boolean).join(' ')}`)
    isOver = true
    process.exitCode = kind.unforeseen
    stop.abort(new Error('an error that nothing expects'))
    void lines.flush(lastWordsMs).then(() => setTimeout(() => exit(kind.unforeseen), lingerMs))
  })
  // Node's own listener would wait for the reader. Without warnings there is none.
  if (process.listenerCount('warning') > 0)
    process.removeAllListeners('warning').on('warning', warning => {
      const text = `${warning.name}: ${describeError(warning)}`
      if (log) log.warn({ warning: text }, 'Node warns')
      else say(`mailpath-exporter: ${text}`)
    })

  const own: Process = {
    stop: stop.signal,
    columns: isatty(1) ? process.stdout.columns || 100 : undefined,
    async print(text) {
      try {
        await writeText(output, text, stop.signal)
      } catch (error) {
        throw stop.signal.aborted ? stop.signal.reason : new OutputError(error)
      }
    },
    tell: say,
    openLog(level, format) {
      logFormat = format
      log = createLog(level, format, lines.push)
      return log
    },
    linesLost: lines.dropped,
    async threaded(work) {
      inThreads++
      try {
        return await work
      } finally {
        inThreads--
      }
    },
    is(given) {
      kind = given
      process.exitCode = kind.unforeseen
    },
    onHangUp(given) {
      reload = given
      if (isHungUp) reload()
    },
  }
  const outcome = (error: unknown): number => {
    if (isOver) return kind.unforeseen
    if (stop.signal.aborted && error === stop.signal.reason) return kind.cutOff
    const { code, text } = outcomeOf(error, kind)
    if (text !== '') say(text)
    return code
  }
  void command(own).catch(outcome).then(end)
}

/** Whether a read or a write still hangs in the system. It holds a thread, and exit(3) would wait for that. */
const hangs = (): boolean => process.getActiveResourcesInfo().some(name => name.startsWith('FSReq'))

/** Ends the process as the signal does without a handler. */
function endBy(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}

/** At its end Node restores each terminal, and aborts where that fails. So a terminal that is gone is closed first. */
function closeGoneTerminals(): void {
  for (const fd of [0, 1, 2]) if (fstatSync(fd).isCharacterDevice() && !isatty(fd)) closeSync(fd)
}

/** What is known of an error without its message. The message may quote a secret, and no redactor is at hand. */
function whereFrom(error: unknown) {
  const name = error instanceof Error ? error.name : typeof error
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  const at = [...stack.matchAll(/^ {4}at .*?([^\s()]+:\d+:\d+)\)?$/gm)].slice(0, 5).map(([, place]) => place)
  return { name, code: codeOf(error), at: at.join(' ') || undefined }
}
