/** A real HAProxy in TCP mode, in front of PostgreSQL as in most self-made clusters. */
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import path from 'node:path'
import { text } from 'node:stream/consumers'
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

export const haproxyInstall = 'apt-get install haproxy'
export const haproxyBinary = () => have('haproxy')

interface HaproxyServer {
  name: string
  host: string
  port: number
  /** Where the check goes. Default: `port`. */
  checkPort?: number
  /** More words of its line. */
  more?: string
}

interface HaproxyOptions {
  servers: readonly HaproxyServer[]
  /**
   * `pgsql` finds out whether it is up, never which role it has; `tcp` the same, more cheaply. `http`: as in Patroni's
   * template, status 200 of /primary.
   */
  check?: 'pgsql' | 'tcp' | 'http' | 'none'
  /** Login of the statistics over HTTP. */
  login?: { user: string; password: string }
  /** Certificate and key of the statistics over HTTP, and the authority that their clients need a certificate of. */
  tls?: { pem: string; clientCa?: string }
  /** How often it checks. */
  interMs?: number
}

export interface Haproxy {
  readonly host: string
  /** Round robin over the given servers. */
  readonly write: number
  /** No server is ever up: accepts, then closes. */
  readonly noBackend: number
  readonly process: RunningProcess
  /** Its statistics: metrics, CSV, and the runtime API at level user (as a path, and as host:port). */
  readonly statistics: { readonly metrics: string; readonly csv: string; readonly socket: string; readonly tcp: string }
  /** A command of the runtime API, at level admin. */
  admin: (command: string) => Promise<string>
  /** Restarts with other servers, on the same ports; open connections end. */
  route: (servers: readonly HaproxyServer[]) => Promise<void>
  stop: () => Promise<void>
}

const host = '127.0.0.1'

function configuration(
  { servers, check = 'pgsql', login, tls, interMs = 300 }: HaproxyOptions,
  { write, noBackend, dead, http, tcp }: Record<'write' | 'noBackend' | 'dead' | 'http' | 'tcp', number>,
  folder: string,
): string {
  const pem = tls ? ` ssl crt ${folder}/server.pem` : ''
  const verify = tls?.clientCa === undefined ? '' : ` ca-file ${folder}/client-ca.pem verify required`
  const checked = (one: HaproxyServer): string =>
    check === 'none' ? '' : ` check${one.checkPort === undefined ? '' : ` port ${one.checkPort}`}`
  return [
    'global',
    '  log stdout format raw local0',
    `  stats socket ${folder}/user.sock mode 666 level user`,
    `  stats socket ${folder}/admin.sock mode 600 level admin`,
    `  stats socket ipv4@${host}:${tcp} level user`,
    'defaults',
    '  mode tcp',
    '  log global',
    '  timeout connect 2s',
    '  timeout client 60s',
    '  timeout server 60s',
    '  timeout check 1s',
    'listen write',
    `  bind ${host}:${write}`,
    '  balance roundrobin',
    ...(check === 'pgsql' ? ['  option pgsql-check user postgres'] : []),
    ...(check === 'http' ? ['  option httpchk GET /primary', '  http-check expect status 200'] : []),
    `  default-server inter ${interMs}ms fall 2 rise ${check === 'http' ? 2 : 1} on-marked-down shutdown-sessions`,
    ...servers.map(each => `  server ${each.name} ${each.host}:${each.port}${checked(each)} ${each.more ?? ''}`),
    'listen nobackend',
    `  bind ${host}:${noBackend}`,
    `  server dead ${host}:${dead} disabled`,
    ...(login ? ['userlist statistics', `  user ${login.user} insecure-password ${login.password}`] : []),
    'frontend statistics',
    '  mode http',
    `  bind ${host}:${http}${pem}${verify}`,
    ...(login ? ['  http-request auth unless { http_auth(statistics) }'] : []),
    '  http-request use-service prometheus-exporter if { path /metrics }',
    '  stats enable',
    '  stats uri /stats',
    '',
  ].join('\n')
}

export async function startHaproxy(options: HaproxyOptions): Promise<Haproxy> {
  const binary = haproxyBinary()
  if (binary === undefined) throw new Error(`haproxy is not installed: ${haproxyInstall}`)
  const account = unprivileged()
  const folder = tempFolder('mailpath-haproxy-', account)
  const file = path.join(folder, 'haproxy.cfg')
  const ports = {
    write: await freePort(),
    noBackend: await freePort(),
    dead: await freePort(),
    http: await freePort(),
    tcp: await freePort(),
  }
  if (options.tls) await writeFile(path.join(folder, 'server.pem'), options.tls.pem)
  if (options.tls?.clientCa !== undefined) await writeFile(path.join(folder, 'client-ca.pem'), options.tls.clientCa)

  const launch = async (servers: readonly HaproxyServer[]) => {
    await writeFile(file, configuration({ ...options, servers }, ports, folder), { mode: 0o644 })
    const logFile = path.join(folder, 'haproxy.log')
    const started = startProcess('haproxy', binary, ['-db', '-f', file], { ...account, cwd: '/', logFile })
    await untilListening(started, ports.noBackend)
    return started
  }

  const web = `${options.tls ? 'https' : 'http'}://${host}:${ports.http}`
  let running = await launch(options.servers)
  return {
    host,
    write: ports.write,
    noBackend: ports.noBackend,
    get process() {
      return running
    },
    statistics: {
      metrics: `${web}/metrics`,
      csv: `${web}/stats;csv`,
      socket: path.join(folder, 'user.sock'),
      tcp: `${host}:${ports.tcp}`,
    },
    admin: command => {
      const socket = connect(path.join(folder, 'admin.sock'))
      socket.write(`${command}\n`)
      return text(socket)
    },
    route: async servers => {
      await running.stop()
      running = await launch(servers)
    },
    stop: async () => {
      await running.stop()
      await removeFolder(folder)
    },
  }
}
