/**
 * Hosts of their own on this machine: a network namespace each, on one bridge, in a namespace that leads nowhere else.
 * Nothing of it outlives its processes, and no packet leaves the machine.
 */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
import {
  startProcess,
  runProcess,
  unprivileged,
  type ProcessOptions,
  type RunningProcess,
} from '../servers/processes.ts'

const bridge = 'br0'
/** Where the exporter, HAProxy, PgBouncer and the writers are. */
export const outside = '10.15.0.1'

/** Whether this process is in a network namespace with no way out of it. */
export function isAlone(): boolean {
  const interfaces = readFileSync('/proc/net/dev', 'utf8').split('\n').slice(2).filter(Boolean)
  return interfaces.every(line => line.trim().startsWith('lo:'))
}

/** A host: its processes share an address, and a cable to the bridge. */
export interface Host {
  readonly name: string
  readonly address: string
  /** Starts a server on it, not as root. */
  readonly start: (name: string, command: string, args: readonly string[], options?: ProcessOptions) => RunningProcess
  /** Runs a command on it to its end, not as root. */
  readonly run: (command: string, args: readonly string[], options?: ProcessOptions) => Promise<string>
  /** The processes on it, without the one that keeps it. */
  readonly processes: () => number[]
  /** Pulls its cable, or puts it back. */
  readonly unplug: () => Promise<void>
  readonly plug: () => Promise<void>
  /** Whatever it sends to this address gets lost from now on, without an answer; `allow` ends it for all addresses. */
  readonly lose: (address: string) => Promise<void>
  readonly allow: () => Promise<void>
}

export interface Network {
  readonly host: (name: string, address: string) => Promise<Host>
  readonly stop: () => Promise<void>
}

const ip = (...args: string[]): Promise<string> => runProcess('ip', args, { cwd: '/' })

export async function startNetwork(): Promise<Network> {
  if (!isAlone()) throw new Error('the stage needs a network namespace of its own: run it by npm run patroni')
  await ip('link', 'set', 'lo', 'up')
  await ip('link', 'add', bridge, 'type', 'bridge')
  await ip('address', 'add', `${outside}/24`, 'dev', bridge)
  await ip('link', 'set', bridge, 'up')
  const keepers: RunningProcess[] = []
  return {
    async host(name, address) {
      const keeper = startProcess(`host ${name}`, 'unshare', ['--net', 'sleep', 'infinity'], { cwd: '/' })
      keepers.push(keeper)
      return connect(name, address, keeper.pid)
    },
    async stop() {
      await Promise.all(keepers.map(keeper => keeper.stop('SIGKILL')))
      await ip('link', 'delete', bridge)
    },
  }
}

const namespaceOf = (pid: number | 'self'): string | undefined => {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    return undefined
  }
}

async function connect(name: string, address: string, keeper: number): Promise<Host> {
  while (namespaceOf(keeper) === namespaceOf('self')) await new Promise(resolve => setImmediate(resolve))
  const namespace = namespaceOf(keeper)
  const enter = [`--net=/proc/${keeper}/ns/net`]
  const inside = (...args: string[]): Promise<string> => runProcess('nsenter', [...enter, 'ip', ...args], { cwd: '/' })
  const user = unprivileged()
  const asUser = user === undefined ? [] : ['--setuid', String(user.uid), '--setgid', String(user.gid)]
  const lost = new Set<string>()

  await ip('link', 'add', `to-${name}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(keeper))
  await ip('link', 'set', `to-${name}`, 'master', bridge, 'up')
  await inside('link', 'set', 'lo', 'up')
  await inside('address', 'add', `${address}/24`, 'dev', 'eth0')
  await inside('link', 'set', 'eth0', 'up')

  return {
    name,
    address,
    start: (process, command, args, options = {}) =>
      startProcess(process, 'nsenter', [...enter, ...asUser, command, ...args], { cwd: '/', ...options }),
    run: (command, args, options = {}) =>
      runProcess('nsenter', [...enter, ...asUser, command, ...args], { cwd: '/', ...options }),
    processes: () =>
      readdirSync('/proc')
        .map(Number)
        .filter(pid => pid > 0 && pid !== keeper && namespaceOf(pid) === namespace),
    unplug: () => ip('link', 'set', `to-${name}`, 'nomaster').then(() => undefined),
    plug: () => ip('link', 'set', `to-${name}`, 'master', bridge).then(() => undefined),
    async lose(to) {
      if (lost.has(to)) return
      lost.add(to)
      await inside('route', 'add', 'blackhole', `${to}/32`)
    },
    async allow() {
      for (const to of lost) await inside('route', 'delete', 'blackhole', `${to}/32`)
      lost.clear()
    },
  }
}
