/** A database host: a Patroni, and the Postgres that it runs. */
import { chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, type QueryResultRow } from 'pg'
import { removeFolder, runProcess, unprivileged, waitFor, type RunningProcess } from '../servers/processes.ts'
import { addresses, binaries, database, patroniFile, ports, type Times } from './files.ts'
import type { Host } from './network.ts'
import type { NodeName } from './record.ts'

/** What `/patroni` says, with the status of the answer. Only what is used here. */
export interface PatroniAnswer {
  readonly status: number
  readonly role?: string
  readonly state?: string
  readonly timeline?: number
  readonly pause?: boolean
}

export interface DatabaseNode {
  readonly name: NodeName
  readonly host: Host
  readonly folder: string
  /** Starts Patroni, which starts Postgres; both may run already. */
  readonly start: () => void
  readonly patroni: () => RunningProcess | undefined
  /** The postmaster, by its pid file; undefined if it does not run. */
  readonly postmaster: () => number | undefined
  /** To all processes of the host, and to new ones of them until there are no more. */
  readonly signalAll: (signal: NodeJS.Signals) => void
  /** Kills whatever runs there. */
  readonly kill: () => Promise<void>
  /** Writes its file again, with these tags, and has Patroni read it. */
  readonly tag: (tags: Readonly<Record<string, boolean>>) => void
  /** A request to its Patroni, by default for what it says of itself. */
  readonly api: (method: 'GET' | 'POST' | 'PATCH', url: string, body?: unknown) => Promise<PatroniAnswer>
  /** As superuser, by a session of its own. */
  readonly query: <R extends QueryResultRow>(sql: string, database?: string) => Promise<R[]>
  /** A standby gets rows that no other node has, on its timeline, and goes on as a standby. */
  readonly diverge: () => Promise<void>
  /** Stops the process of that name as soon as there is one, for so long. */
  readonly hold: (process: string, ms: number) => Promise<void>
  /** Forgets its data. Nothing may run on it. */
  readonly empty: () => Promise<void>
  readonly log: () => string
}

/** How long a request or a query of the stage may take, in milliseconds. */
const patienceMs = 5_000
/** A volume of its own for WAL, in MB: small, so that it can be filled. */
const walMegabytes = 640

export interface NodeOptions {
  readonly host: Host
  readonly name: NodeName
  /** Where its folder is made. */
  readonly below: string
  readonly binary: string
  readonly times: Times
}

export async function createNode({ host, name, below, binary, times }: NodeOptions): Promise<DatabaseNode> {
  const owner = unprivileged()
  const own = (file: string): void => {
    if (owner) chownSync(file, owner.uid, owner.gid)
  }
  const folder = path.join(below, name)
  const volume = path.join(folder, 'wal')
  const [file, logFile] = [path.join(folder, 'patroni.yml'), path.join(below, `${name}.log`)]
  mkdirSync(volume, { recursive: true })
  await runProcess('mount', ['-t', 'tmpfs', '-o', `size=${walMegabytes}m,mode=0700`, 'mailpath-wal', volume])
  own(folder)
  own(volume)
  let tags: Readonly<Record<string, boolean>> = {}
  const configure = (): void => {
    writeFileSync(file, patroniFile(name, folder, path.join(volume, 'pg_wal'), times, tags))
    own(file)
  }
  configure()

  let patroni: RunningProcess | undefined
  const signal = (pid: number, what: NodeJS.Signals): void => {
    try {
      process.kill(pid, what)
    } catch {
      // Gone meanwhile.
    }
  }
  const signalAll = (what: NodeJS.Signals): void => {
    // A process that starts another one meanwhile is stopped by the next turn at the latest.
    for (let turn = 0; turn < 3; turn++) for (const pid of host.processes()) signal(pid, what)
  }
  const running = (): RunningProcess | undefined => (patroni?.alive() ? patroni : undefined)

  const start = (): void => {
    if (running()) return
    const env = { PATH: `${binaries}:/usr/bin:/bin`, HOME: folder, LC_ALL: 'C.UTF-8', TZ: 'UTC' }
    patroni = host.start(`patroni ${name}`, binary, [file], { env, logFile, cwd: folder, lastSignal: 'SIGKILL' })
  }

  return {
    name,
    host,
    folder,
    start,
    patroni: running,
    postmaster() {
      try {
        const pid = Number(readFileSync(path.join(folder, 'data', 'postmaster.pid'), 'utf8').split('\n')[0])
        return host.processes().includes(pid) ? pid : undefined
      } catch {
        return undefined
      }
    },
    signalAll,
    async kill() {
      await waitFor(
        () => {
          signalAll('SIGKILL')
          return host.processes().length === 0
        },
        { what: `all of ${name} is dead` },
      )
    },
    tag(next) {
      if (JSON.stringify(next) === JSON.stringify(tags)) return
      tags = next
      configure()
      running()?.signal('SIGHUP')
    },
    async api(method, url, body) {
      const answer = await fetch(`http://${addresses[name]}:${ports.patroni}${url}`, {
        method,
        signal: AbortSignal.timeout(patienceMs * (method === 'GET' ? 1 : 6)),
        ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      })
      const text = await answer.text()
      const said: unknown = text.startsWith('{') ? JSON.parse(text) : {}
      return { ...(said as object), status: answer.status }
    },
    async query<R extends QueryResultRow>(sql: string, database = 'postgres') {
      const client = new Client({
        host: addresses[name],
        port: ports.postgres,
        user: 'postgres',
        database,
        connectionTimeoutMillis: patienceMs,
        query_timeout: patienceMs,
      })
      client.on('error', () => undefined)
      try {
        await client.connect()
        // The stage never waits for a standby.
        await client.query('set synchronous_commit = local')
        return (await client.query<R>(sql)).rows
      } finally {
        void client.end().catch(() => undefined)
      }
    },
    async diverge() {
      await running()?.stop('SIGTERM', 15_000)
      const [data, standby] = [path.join(folder, 'data'), path.join(folder, 'data', 'standby.signal')]
      rmSync(standby)
      // Few: the leader has to get past them before the two histories meet.
      const rows = `insert into attempts select -n from generate_series(1, 20) n;\n`
      await host.run(path.join(binaries, 'postgres'), ['--single', '-D', data, database], { input: rows })
      writeFileSync(standby, '')
      own(standby)
      start()
    },
    async hold(name, ms) {
      const held = await waitFor(() => host.processes().find(pid => nameOf(pid) === name), { what: `${name} runs` })
      signal(held, 'SIGSTOP')
      await sleep(ms)
      signal(held, 'SIGCONT')
    },
    async empty() {
      await removeFolder(path.join(folder, 'data'))
      await removeFolder(path.join(volume, 'pg_wal'))
    },
    log: () => {
      try {
        return readFileSync(logFile, 'utf8')
      } catch {
        return ''
      }
    },
  }
}

const nameOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return ''
  }
}
