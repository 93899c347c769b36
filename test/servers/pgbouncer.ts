/** A real PgBouncer in front of one server, with its admin console. */
import { chown, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Client } from 'pg'
import {
  freePort,
  have,
  removeFolder,
  startProcess,
  tempFolder,
  unprivileged,
  untilListening,
  type RunningProcess,
} from './processes.ts'
import { type Login } from './postgres-session.ts'

export const pgbouncerInstall = 'apt-get install pgbouncer'
export const pgbouncerBinary = () => have('pgbouncer')

interface PgbouncerOptions {
  to: { host: string; port: number }
  logins: readonly Login[]
  /** The one database that it has. Default: any, by a fallback (`*`), which is hidden while it has no connections. */
  database?: string
  pooling?: 'session' | 'transaction'
  /** More lines for the [pgbouncer] section. */
  settings?: Readonly<Record<string, string | number>>
}

export interface Pgbouncer {
  readonly host: string
  readonly port: number
  readonly process: RunningProcess
  /** A command of the admin console, such as SHOW POOLS. */
  admin: (command: string) => Promise<Record<string, unknown>[]>
  /** New queries wait from now on. Does not wait until the old ones have ended, which in session pooling is the end of the session. */
  pause: () => Promise<void>
  resume: () => Promise<void>
  /** Sends new server connections elsewhere, as a failover script does; those of one database alone, if it is given: then there is no other. */
  retarget: (to: { host: string; port: number }, database?: string) => Promise<void>
  stop: () => Promise<void>
}

const host = '127.0.0.1'
/** Of its console. */
export const administrator: Login = { user: 'harness_admin', password: 'harness-admin-password' }

export async function startPgbouncer(options: PgbouncerOptions): Promise<Pgbouncer> {
  const binary = pgbouncerBinary()
  if (binary === undefined) throw new Error(`pgbouncer is not installed: ${pgbouncerInstall}`)
  const account = unprivileged()
  const folder = tempFolder('mailpath-pgbouncer-', account)
  const [ini, users] = [path.join(folder, 'pgbouncer.ini'), path.join(folder, 'userlist.txt')]
  const port = await freePort()

  const write = async (file: string, lines: readonly string[]) => {
    await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 })
    if (account !== undefined) await chown(file, account.uid, account.gid)
  }
  const configure = (to: PgbouncerOptions['to'], database = '*') => {
    const settings = {
      listen_addr: host,
      listen_port: port,
      unix_socket_dir: '',
      auth_type: 'scram-sha-256',
      auth_file: users,
      admin_users: administrator.user,
      pool_mode: options.pooling ?? 'transaction',
      ignore_startup_parameters: 'extra_float_digits,options',
      server_login_retry: 1,
      ...options.settings,
    }
    return write(ini, [
      '[databases]',
      `${database} = host=${to.host} port=${to.port}`,
      '[pgbouncer]',
      ...Object.entries(settings).map(([name, value]) => `${name} = ${value}`),
    ])
  }
  await write(
    users,
    [administrator, ...options.logins].map(({ user, password }) => `"${user}" "${password}"`),
  )
  await configure(options.to, options.database)

  const logFile = path.join(folder, 'pgbouncer.log')
  const launch = async () => {
    const started = startProcess('pgbouncer', binary, [ini], { ...account, cwd: '/', logFile })
    await untilListening(started, port)
    return started
  }
  let running = await launch()

  const console = async () => {
    const client = new Client({
      host,
      port,
      ...administrator,
      database: 'pgbouncer',
      connectionTimeoutMillis: 3000,
    })
    client.on('error', () => undefined)
    await client.connect()
    return client
  }
  const admin = async (command: string) => {
    const client = await console()
    try {
      return (await client.query<Record<string, unknown>>(command)).rows
    } finally {
      await client.end()
    }
  }

  // A PAUSE that still waits for sessions to end is called off when its console closes.
  let pausing: Client | undefined
  return {
    host,
    port,
    get process() {
      return running
    },
    admin,
    pause: async () => {
      if (pausing !== undefined) return
      pausing = await console()
      const paused = pausing.query('PAUSE').catch(() => undefined)
      await Promise.race([paused, new Promise(resolve => setTimeout(resolve, 200))])
    },
    resume: async () => {
      await admin('RESUME')
      await pausing?.end()
      pausing = undefined
    },
    retarget: async (to, database) => {
      await configure(to, database)
      // Debian's 1.18 sometimes ends with a segmentation fault when it reconnects.
      if (!running.alive()) {
        running = await launch()
        return
      }
      await admin('RELOAD')
      await admin('RECONNECT')
    },
    stop: async () => {
      await running.stop('SIGQUIT', 1000)
      await pausing?.end().catch(() => undefined)
      await removeFolder(folder)
    },
  }
}
