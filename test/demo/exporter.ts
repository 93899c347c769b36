import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { StatusJson } from '../../src/report/api.ts'
import { startProcess, untilListening, type RunningProcess } from '../servers/processes.ts'
import { program, source } from '../servers/program.ts'

export type { StatusJson } from '../../src/report/api.ts'

/** A real exporter. */
export interface Exporter {
  readonly url: string
  readonly logFile: string
  readonly process: RunningProcess
  /** What it says now. */
  status(signal: AbortSignal): Promise<StatusJson>
  stop(): Promise<void>
}

const root = fileURLToPath(new URL('../..', import.meta.url))

interface ExporterOptions {
  readonly configFile: string
  /** Where its log goes. */
  readonly folder: string
  readonly port: number
  /** More arguments, such as `--web.enable-lifecycle`. */
  readonly flags?: readonly string[]
  /** On top of our own environment. */
  readonly env?: Readonly<Record<string, string>>
  /** For Node, before the program: options such as `--import`. */
  readonly nodeArguments?: readonly string[]
}

/** Starts `mailpath-exporter serve`, and waits until it listens. */
export async function startExporter(options: ExporterOptions): Promise<Exporter> {
  const { configFile, folder, port, flags = [], env, nodeArguments = [] } = options
  const args = ['serve', `--config.file=${configFile}`, `--web.listen-address=127.0.0.1:${port}`, ...flags]
  const node = nodeArguments.length > 0 ? [...nodeArguments, ...source] : program
  const logFile = path.join(folder, 'exporter.log')
  const running = startProcess('exporter', process.execPath, [...node, ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    logFile,
    lastSignal: 'SIGTERM',
  })
  // The source is compiled first, which takes its time on a machine that is busy.
  await untilListening(running, port, 60_000)
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    logFile,
    process: running,
    async status(signal) {
      const response = await fetch(`${url}/api/v1/status`, { signal })
      return (await response.json()) as StatusJson
    },
    stop: () => running.stop(),
  }
}

/** Runs `mailpath-exporter check` with our own standard output; gives its exit code, 3 where a signal ended it. */
export function runCheck(configFile: string, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...program, 'check', `--config.file=${configFile}`], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    const onAbort = (): void => void child.kill('SIGTERM')
    signal.addEventListener('abort', onAbort)
    child.once('error', reject)
    child.once('exit', code => {
      signal.removeEventListener('abort', onAbort)
      resolve(code ?? 3)
    })
  })
}

const pollMs = 100
/** A check with a longer interval, the canary, is not waited for: a scenario that is about it asks for it. */
const livelySeconds = 10
/** Three rounds take 9 s. An exporter that is starved of CPU may need many more. */
const patienceMs = 60_000

export interface Sighting {
  readonly status: StatusJson
  /** How long it took until the change was seen; undefined if it was not. */
  readonly seenAfterMs: number | undefined
}

/**
 * Asks until the exporter has seen the change, and then until every lively check has run since, and it is seen still: only then
 * is the verdict the one that follows from it. Waits a minute at most. Rejects with the reason of the signal.
 */
export async function untilSeen(
  exporter: Exporter,
  seen: (status: StatusJson) => boolean,
  since: number,
  signal: AbortSignal,
): Promise<Sighting> {
  let seenAfterMs: number | undefined
  for (;;) {
    const status = await exporter.status(signal)
    const isSeen = seen(status)
    if (isSeen) seenAfterMs ??= Math.max(0, Date.now() - since)
    const settled =
      isSeen && status.checks.every(check => check.interval_seconds > livelySeconds || beganAt(check) >= since)
    if (settled || Date.now() - since > patienceMs) return { status, seenAfterMs }
    await sleep(pollMs, undefined, { signal })
  }
}

const beganAt = ({ last_run: lastRun, duration_seconds: duration }: StatusJson['checks'][number]): number =>
  lastRun === null ? 0 : Date.parse(lastRun) - (duration ?? 0) * 1000

export const defaultPort = 10_587

/** The port asked for, or else the first free one from the default on. Rejects where the one asked for is taken. */
export async function exporterPort(asked: number | undefined): Promise<number> {
  if (asked !== undefined) {
    const port = await listensOn(asked)
    if (port === undefined) throw new Error(`port ${asked} is taken: choose another one with --port`)
    return port
  }
  for (let port = defaultPort; port < defaultPort + 100; port += 1)
    if ((await listensOn(port)) !== undefined) return port
  throw new Error(`the ports from ${defaultPort} on are all taken: choose one with --port`)
}

/** The port one gets by asking for this one (0 is any); undefined where it cannot be had. */
function listensOn(asked: number): Promise<number | undefined> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(asked, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' ? address?.port : undefined))
    })
  })
}
