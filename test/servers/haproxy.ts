/** A real HAProxy in TCP mode, in front of PostgreSQL as in most self-made clusters. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
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
}

interface HaproxyOptions {
  servers: readonly HaproxyServer[]
  /** `pgsql` finds out whether it is up, never which role it has; `tcp` the same, more cheaply. */
  check?: 'pgsql' | 'tcp' | 'none'
}

export interface Haproxy {
  readonly host: string
  /** Round robin over the given servers. */
  readonly write: number
  /** No server is ever up: accepts, then closes. */
  readonly noBackend: number
  readonly process: RunningProcess
  /** Restarts with other servers, on the same ports; open connections end. */
  route: (servers: readonly HaproxyServer[]) => Promise<void>
  stop: () => Promise<void>
}

const host = '127.0.0.1'

function configuration(
  { servers, check = 'pgsql' }: HaproxyOptions,
  { write, noBackend, dead }: Record<'write' | 'noBackend' | 'dead', number>,
): string {
  return [
    'global',
    '  log stdout format raw local0',
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
    '  default-server inter 300ms fall 2 rise 1 on-marked-down shutdown-sessions',
    ...servers.map(each => `  server ${each.name} ${each.host}:${each.port}${check === 'none' ? '' : ' check'}`),
    'listen nobackend',
    `  bind ${host}:${noBackend}`,
    `  server dead ${host}:${dead} disabled`,
    '',
  ].join('\n')
}

export async function startHaproxy(options: HaproxyOptions): Promise<Haproxy> {
  const binary = haproxyBinary()
  if (binary === undefined) throw new Error(`haproxy is not installed: ${haproxyInstall}`)
  const account = unprivileged()
  const folder = tempFolder('mailpath-haproxy-', account)
  const file = path.join(folder, 'haproxy.cfg')
  const ports = { write: await freePort(), noBackend: await freePort(), dead: await freePort() }

  const launch = async (servers: readonly HaproxyServer[]) => {
    await writeFile(file, configuration({ ...options, servers }, ports), { mode: 0o644 })
    const logFile = path.join(folder, 'haproxy.log')
    const started = startProcess('haproxy', binary, ['-db', '-f', file], { ...account, cwd: '/', logFile })
    await untilListening(started, ports.noBackend)
    return started
  }

  let running = await launch(options.servers)
  return {
    host,
    write: ports.write,
    noBackend: ports.noBackend,
    get process() {
      return running
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
