/** One PostgreSQL server: its process and its data folder. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startProcess, unprivileged, waitFor, type RunningProcess } from './processes.ts'
import { ask, host, type Login, type Row } from './postgres-session.ts'

type StopMode = 'smart' | 'fast' | 'immediate'

export interface PostgresNode {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly dataDir: string
  /** Of the postmaster; undefined while stopped. */
  readonly pid: number | undefined
  readonly process: RunningProcess | undefined
  /** What the last start was given. */
  readonly settings: Readonly<Record<string, string>>
  running: () => boolean
  paused: () => boolean
  /** As superuser, free of whatever the harness broke: always read-write, and never waiting for a standby. */
  query: <R extends Row = Row>(sql: string, params?: readonly unknown[], database?: string) => Promise<R[]>
  /** A connection URL for an application. */
  url: (login: Login, database?: string) => string
  /** Until it accepts connections; `settings` go on the command line. */
  start: (settings?: Readonly<Record<string, string>>) => Promise<void>
  stop: (mode?: StopMode) => Promise<void>
  /** SIGKILL: a crash. */
  kill: () => Promise<void>
  /** SIGSTOP of the postmaster: connects are accepted by the kernel and never answered; open sessions go on. */
  pause: () => void
  resume: () => void
  promote: () => Promise<void>
  log: () => string
}

interface NodeOptions {
  name: string
  port: number
  /** Holds the data folder and the log. */
  folder: string
  binDir: string
}

/** The environment of the servers: none of our PG* variables, no locale. */
export const serverOptions = () => ({
  ...unprivileged(),
  cwd: '/',
  env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
})

const stopSignals = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const

/** Does not start it, and needs no data folder yet. */
export function createNode({ name, port, folder, binDir }: NodeOptions): PostgresNode {
  const dataDir = path.join(folder, name)
  const logFile = path.join(folder, `${name}.log`)
  let server: RunningProcess | undefined
  let paused = false
  let given: Readonly<Record<string, string>> = {}

  const launch = async (settings: Readonly<Record<string, string>>) => {
    const extra = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])
    const args = ['-D', dataDir, '-p', String(port), '-c', `cluster_name=${name}`, ...extra]
    const starting = startProcess(name, path.join(binDir, 'postgres'), args, {
      ...serverOptions(),
      logFile,
      lastSignal: stopSignals.immediate,
    })
    server = starting
    paused = false
    // What pg_ctl looks at: the first line is the pid, the eighth how far the start has come.
    await waitFor(
      async () => {
        if (!starting.alive()) return true
        const lines = (await readFile(path.join(dataDir, 'postmaster.pid'), 'utf8')).split('\n')
        return lines[0] === String(starting.pid) && /^(ready|standby)/.test(lines[7] ?? '')
      },
      { timeoutMs: 15_000, everyMs: 10, what: `${name} accepts connections` },
    )
    return starting.alive()
  }

  const running = () => server?.alive() ?? false
  const node: PostgresNode = {
    name,
    host,
    port,
    dataDir,
    get pid() {
      return running() ? server?.pid : undefined
    },
    get process() {
      return server
    },
    get settings() {
      return given
    },
    running,
    paused: () => paused && running(),
    query: (sql, params = [], database) => ask(port, sql, params, database === undefined ? {} : { database }),
    url: ({ user, password }, database = 'postgres') =>
      `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host}:${port}/${database}`,
    start: async (settings = {}) => {
      if (running()) return
      given = settings
      // Just after a crash the old backends may still hold the shared memory.
      for (let attempt = 0; attempt < 20; attempt += 1) {
        if (await launch(settings)) return
        if (!/pre-existing shared memory block|already exists|in use/.test(node.log().slice(-1500))) break
        await sleep(100)
      }
      throw new Error(`${name} does not start:\n${node.log().slice(-2000)}`)
    },
    stop: async (mode = 'fast') => {
      await server?.stop(stopSignals[mode], mode === 'immediate' ? 1000 : 5000)
      paused = false
    },
    kill: async () => {
      await server?.stop('SIGKILL')
      paused = false
    },
    pause: () => {
      server?.signal('SIGSTOP')
      paused = true
    },
    resume: () => {
      server?.signal('SIGCONT')
      paused = false
    },
    promote: async () => {
      await node.query('select pg_promote(true, 10)')
    },
    log: () => server?.log() ?? '',
  }
  return node
}
