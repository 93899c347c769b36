import { setMaxListeners } from 'node:events'
import { closeSync, fstatSync } from 'node:fs'
import { isatty } from 'node:tty'
import { openOutput, writeText } from '../clients/output.ts'
import { codeOf, describeError } from '../core/errors.ts'
import { createLog, lineOf, type LogFormat, type Logger, type LogLevel } from '../core/log.ts'
import { createLogLines } from '../core/log-lines.ts'
import { inLines, shownLines, type Shown } from '../core/shown.ts'

/** The process, as its command sees it. */
export interface Process {
  /** Aborts with SIGTERM and SIGINT. */
  readonly stop: AbortSignal
  /** Writes to standard output, all of it, however slow the reader is. Rejects with an OutputError, or as `stop` says. */
  readonly print: (text: Shown) => Promise<void>
  /** The width of the terminal that standard output is; undefined where it is none. */
  readonly columns: number | undefined
  /** The log, to standard error. */
  readonly openLog: (level: LogLevel, format: LogFormat) => Logger
  /** How many lines for standard error were lost. */
  readonly linesLost: () => number
  /** Waits for work in a thread that cannot be called off. At the end the process does not wait for it. */
  readonly threaded: <T>(work: Promise<T>) => Promise<T>
  /** Says which kind of command it is. */
  readonly is: (kind: Kind) => void
  /** What a SIGHUP does from now on. It is done at once where one has come before. */
  readonly onHangUp: (reload: () => void) => void
}

export interface Kind {
  /** The exit code where a signal ends it before it is done. */
  readonly cutOff: number
  /** The exit code where an error ends it that nothing expects. */
  readonly unforeseen: number
  /** It serves: a SIGHUP does not end it, and a slow reader of its errors does not keep it. */
  readonly isDaemon: boolean
}

/** What an error comes to: the exit code, and what to say. */
export interface Outcome {
  readonly code: number
  readonly text: string
}

/** Standard output cannot be written. */
export class OutputError extends Error {
  override readonly name = 'OutputError'
  constructor(cause: unknown) {
    super('standard output cannot be written', { cause })
  }
}

/** After this long a shutdown no longer waits for what hangs. */
const shutdownMs = 1_500
/** The reader of the log is waited for so long at the end. */
const lastWordsMs = 300
/** As long as it takes. */
const forEver = 2 ** 31 - 1
/** When all is done, so long is waited for what still holds the process: a lookup of a name cannot be cancelled. */
const lingerMs = 500

/**
 * Runs the command, and ends the process with the exit code that comes of it. From here on neither a signal that has a
 * meaning, nor what cannot be written, nor an error that nothing expects ends it in another way.
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
    // At its end the process would wait for these threads. After a signal it must not, and else its code is wanted.
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
  // Where nothing is left to wait for, Node ends with this.
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
  // Node itself would wait for the reader. It has no listener where it was started without warnings.
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

/** Whether a read or a write still hangs in the system: it holds a thread, which exit(3) would wait for. */
const hangs = (): boolean => process.getActiveResourcesInfo().some(name => name.startsWith('FSReq'))

/** As if there were no handler. */
function endBy(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}

/** At its end Node sets each terminal as it was at the start, and aborts where that fails. One that has gone is none any more. */
function closeGoneTerminals(): void {
  for (const fd of [0, 1, 2]) if (fstatSync(fd).isCharacterDevice() && !isatty(fd)) closeSync(fd)
}

/** What is known of an error but its message: that may quote a secret, and here is nothing that would know it. */
function whereFrom(error: unknown) {
  const name = error instanceof Error ? error.name : typeof error
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  const at = [...stack.matchAll(/^ {4}at .*?([^\s()]+:\d+:\d+)\)?$/gm)].slice(0, 5).map(([, place]) => place)
  return { name, code: codeOf(error), at: at.join(' ') || undefined }
}
