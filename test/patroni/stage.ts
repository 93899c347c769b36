/** Three nodes under Patroni, three members of etcd, HAProxy and PgBouncer in front: a platform as many run it. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import path from 'node:path'
import { Client } from 'pg'
import {
  account,
  have,
  removeFolder,
  runProcess,
  startProcess,
  unprivileged,
  waitFor,
  type RunningProcess,
} from '../servers/processes.ts'
import {
  addresses,
  database,
  dynamic,
  etcdAddresses,
  etcdNames,
  haproxyFile,
  outside,
  pgbouncerFiles,
  ports,
  roles,
  type EtcdName,
  type Times,
} from './files.ts'
import { startNetwork, type Host } from './network.ts'
import { createNode, type DatabaseNode } from './node.ts'
import { nodeNames, type NodeName } from './record.ts'

/** A server that can be ended and started again. */
export interface Daemon {
  readonly start: () => Promise<void>
  readonly process: () => RunningProcess | undefined
  readonly kill: () => Promise<void>
}

export interface EtcdMember extends Daemon {
  readonly host: Host
  /** Forgets its data. It may not run. */
  readonly empty: () => Promise<void>
}

export interface Stage {
  readonly versions: Readonly<Record<string, string>>
  readonly times: Times
  readonly nodes: Readonly<Record<NodeName, DatabaseNode>>
  readonly etcd: Readonly<Record<EtcdName, EtcdMember>>
  readonly haproxy: Daemon & {
    /** A command of its runtime API, at level admin. */
    readonly command: (line: string) => Promise<string>
    /** At level user, for the exporter. */
    readonly socket: string
  }
  readonly pgbouncer: Daemon & { readonly console: (command: string) => Promise<void> }
  /** The node that holds the lock and takes writes; undefined if there is none. */
  readonly leader: () => Promise<NodeName | undefined>
  /** What is in the way of being healthy; none if it is. */
  readonly problems: () => Promise<string[]>
  /** Changes keys in the DCS, by the first Patroni that does it. */
  readonly patch: (change: Readonly<Record<string, unknown>>) => Promise<void>
  /** Undoes whatever was broken, in an order that serves all; does not wait until it is healthy. */
  readonly heal: () => Promise<void>
  /** Forgets all data, and begins again. */
  readonly rebuild: () => Promise<void>
  readonly stop: () => Promise<void>
  readonly folder: string
}

export interface StageOptions {
  /** Gets the files of the servers. */
  readonly folder: string
  readonly patroni: string
  readonly times: Times
}

/** Why there can be no stage here; undefined if there can. */
export function missing(): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces need root'
  if (!account('postgres')) return 'there is no user postgres (Debian: postgresql-15)'
  const needed = { patroni: 'patroni', etcd: 'etcd-server', haproxy: 'haproxy', pgbouncer: 'pgbouncer', ip: 'iproute2' }
  const absent = Object.entries(needed).filter(([binary]) => have(binary) === undefined)
  return absent.length === 0 ? undefined : `Debian: ${absent.map(([, name]) => name).join(' ')}`
}

const binaryOf = (name: string): string => have(name) ?? name
/** Until all of a new stage is up, in milliseconds. */
const startMs = 60_000

export async function startStage({ folder, patroni, times }: StageOptions): Promise<Stage> {
  const network = await startNetwork()
  const etcd = {} as Record<EtcdName, EtcdMember>
  for (const name of etcdNames) etcd[name] = etcdMember(name, await network.host(name, etcdAddresses[name]), folder)
  const nodes = {} as Record<NodeName, DatabaseNode>
  for (const name of nodeNames) {
    const host = await network.host(name, addresses[name])
    nodes[name] = await createNode({ host, name, below: folder, binary: patroni, times })
  }
  const haproxy = createHaproxy(folder)
  const pgbouncer = createPgbouncer(folder)
  const all = Object.values(nodes)

  const leader = async (): Promise<NodeName | undefined> => {
    const answers = await Promise.all(
      all.map(node =>
        node.api('GET', '/primary').then(
          answer => answer.status,
          () => 0,
        ),
      ),
    )
    return all[answers.indexOf(200)]?.name
  }

  const patch = async (change: Readonly<Record<string, unknown>>): Promise<void> => {
    await waitFor(
      async () => {
        const tries = all.map(async node => {
          const { status } = await node.api('PATCH', '/config', change)
          if (status !== 200) throw new Error(`HTTP ${status}`)
        })
        await Promise.any(tries)
        return true
      },
      { timeoutMs: 20_000, everyMs: 300, what: `the DCS takes ${JSON.stringify(change)}` },
    )
  }

  const problems = async (): Promise<string[]> => {
    const found: string[] = []
    const now = await leader()
    if (now === undefined) return ['no Patroni holds the lock']
    const states = await Promise.all(
      all.map(node => node.api('GET', '/patroni').catch(() => ({ status: 0, state: 'silent', pause: false }))),
    )
    states.forEach(({ state, pause }, n) => {
      if (state !== 'running' && state !== 'streaming') found.push(`${nodeNames[n]} is ${state}`)
      if (pause) found.push('it is paused')
    })
    const streams = await nodes[now]
      .query<{ count: number }>(`select count(*)::int as count from pg_stat_replication where state = 'streaming'`)
      .catch(() => [{ count: -1 }])
    if (streams[0]?.count !== 2) found.push(`${streams[0]?.count} standbys stream from ${now}`)
    const servers = serversOf(await haproxy.command('show stat').catch(() => ''))
    for (const proxy of ['haproxy', 'haproxy-plain'])
      for (const name of nodeNames) {
        const status = servers.get(`${proxy}/${name}`)?.status
        if (status !== (name === now ? 'UP' : 'DOWN')) found.push(`${proxy} has ${name} ${status ?? 'missing'}`)
      }
    return found
  }

  const start = async (): Promise<void> => {
    await Promise.all(Object.values(etcd).map(member => member.start()))
    nodes.n1.start()
    await waitFor(async () => (await nodes.n1.api('GET', '/primary')).status === 200, {
      timeoutMs: startMs,
      everyMs: 100,
      what: 'n1 is the leader',
    })
    nodes.n2.start()
    nodes.n3.start()
    await prepare(nodes.n1)
    await haproxy.start()
    await pgbouncer.start()
    await waitFor(async () => (await problems()).length === 0, {
      timeoutMs: startMs,
      everyMs: 300,
      what: 'the stage is healthy',
    })
  }
  const end = async (): Promise<void> => {
    await haproxy.kill()
    await pgbouncer.kill()
    for (const node of all) await node.kill()
    for (const member of Object.values(etcd)) await member.kill()
  }

  const heal = async (): Promise<void> => {
    for (const node of all) {
      node.signalAll('SIGCONT')
      await node.host.plug()
    }
    for (const member of Object.values(etcd)) {
      member.process()?.signal('SIGCONT')
      await member.host.allow()
      await member.host.plug()
    }
    for (const node of all) await node.host.allow()
    await Promise.all(Object.values(etcd).map(member => member.start()))
    for (const node of all) {
      node.tag({})
      node.start()
    }
    await haproxy.start()
    for (const proxy of ['haproxy', 'haproxy-plain'])
      for (const name of nodeNames) await haproxy.command(`set server ${proxy}/${name} state ready`)
    await pgbouncer.start()
    await pgbouncer.console('RESUME app').catch(() => undefined)
    await patch({ ...dynamic(times), ...undone })
  }

  const stop = async (): Promise<void> => {
    await end()
    await network.stop()
    for (const node of all) await runProcess('umount', ['--lazy', path.join(node.folder, 'wal')]).catch(() => undefined)
  }

  try {
    await start()
    const versions = await versionsOf(nodes.n1, patroni)
    return {
      versions,
      times,
      nodes,
      etcd,
      haproxy,
      pgbouncer,
      leader,
      problems,
      patch,
      heal,
      async rebuild() {
        for (const node of all) node.signalAll('SIGCONT')
        await end()
        for (const member of Object.values(etcd)) await member.empty()
        for (const node of all) {
          await node.empty()
          await node.host.plug()
          await node.host.allow()
          node.tag({})
        }
        for (const member of Object.values(etcd)) {
          await member.host.plug()
          await member.host.allow()
        }
        await start()
      },
      stop,
      folder,
    }
  } catch (error) {
    const logs = all.map(node => `${node.name}:\n${node.log().slice(-1500)}`).join('\n')
    await stop().catch(() => undefined)
    throw new Error(`the stage does not start: ${String(error)}\n${logs}`, { cause: error })
  }
}

/** Keys of the DCS that scenarios set, as they are without. */
const undone = {
  pause: null,
  failsafe_mode: null,
  synchronous_mode: null,
  synchronous_mode_strict: null,
  standby_cluster: null,
  slots: null,
}

async function prepare(node: DatabaseNode): Promise<void> {
  await node.query(
    [`create role ${roles.application} login`, `create role ${roles.monitor} login in role pg_monitor`].join('; '),
  )
  await node.query(`create database ${database} owner ${roles.application}`)
  await node.query(
    `create table attempts (row bigint primary key); alter table attempts owner to ${roles.application}`,
    database,
  )
}

async function versionsOf(node: DatabaseNode, patroni: string): Promise<Record<string, string>> {
  const words = async (binary: string, ...args: string[]): Promise<string> =>
    /\d+(\.\d+)+/.exec(await runProcess(binary, args))?.[0] ?? ''
  const [row] = await node.query<{ server_version: string }>('show server_version')
  return {
    patroni: await words(patroni, '--version'),
    postgres: row?.server_version.split(' ')[0] ?? '',
    etcd: await words(binaryOf('etcd'), '--version'),
    haproxy: await words(binaryOf('haproxy'), '-v'),
    pgbouncer: await words(binaryOf('pgbouncer'), '--version'),
  }
}

function etcdMember(name: EtcdName, host: Host, below: string): EtcdMember {
  const data = path.join(below, name)
  const url = (address: string, port: number): string => `http://${address}:${port}`
  const { address } = host
  const cluster = etcdNames.map(one => `${one}=${url(etcdAddresses[one], 2380)}`).join(',')
  let running: RunningProcess | undefined
  return {
    host,
    process: () => (running?.alive() ? running : undefined),
    start() {
      if (!running?.alive())
        running = host.start(
          name,
          binaryOf('etcd'),
          [
            ['--name', name],
            ['--data-dir', data],
            ['--listen-client-urls', `${url(address, 2379)},${url('127.0.0.1', 2379)}`],
            ['--advertise-client-urls', url(address, 2379)],
            ['--listen-peer-urls', url(address, 2380)],
            ['--initial-advertise-peer-urls', url(address, 2380)],
            ['--initial-cluster', cluster],
            ['--log-level', 'warn'],
          ]
            .flat()
            .concat('--unsafe-no-fsync'),
          { logFile: path.join(below, `${name}.log`) },
        )
      return Promise.resolve()
    },
    async kill() {
      await running?.stop('SIGKILL')
    },
    empty: () => removeFolder(data),
  }
}

/** Statistics of HAProxy as CSV, by `proxy/server`. */
export function serversOf(csv: string): Map<string, { status: string; check: string }> {
  const [head = '', ...lines] = csv.split('\n')
  const columns = head.replace(/^# /, '').split(',')
  const at = (name: string): number => columns.indexOf(name)
  return new Map(
    lines
      .map(line => line.split(','))
      .filter(cells => cells.length > 10)
      .map(cells => [
        `${cells[0]}/${cells[1]}`,
        {
          status: cells[at('status')] ?? '',
          check: [cells[at('check_status')], cells[at('check_code')]].filter(Boolean).join('/'),
        },
      ]),
  )
}

function createHaproxy(folder: string): Stage['haproxy'] {
  const sockets = { admin: path.join(folder, 'admin.sock'), user: path.join(folder, 'user.sock') }
  const file = path.join(folder, 'haproxy.cfg')
  writeFileSync(file, haproxyFile(sockets))
  let running: RunningProcess | undefined
  const command = (line: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(sockets.admin)
      let text = ''
      socket.setTimeout(2_000, () => socket.destroy(new Error('HAProxy does not answer')))
      socket.on('data', data => (text += data.toString()))
      socket.once('error', reject)
      socket.once('close', () => resolve(text))
      socket.end(`${line}\n`)
    })
  return {
    socket: sockets.user,
    command,
    process: () => (running?.alive() ? running : undefined),
    async start() {
      if (running?.alive()) return
      const logFile = path.join(folder, 'haproxy.log')
      running = startProcess('haproxy', binaryOf('haproxy'), ['-db', '-f', file], {
        ...unprivileged(),
        cwd: '/',
        logFile,
      })
      await waitFor(() => command('show info').then(text => text !== ''), { what: 'HAProxy answers' })
    },
    async kill() {
      await running?.stop('SIGKILL')
    },
  }
}

function createPgbouncer(folder: string): Stage['pgbouncer'] {
  const below = path.join(folder, 'pgbouncer')
  mkdirSync(below)
  const [iniFile, usersFile] = [path.join(below, 'pgbouncer.ini'), path.join(below, 'users.txt')]
  const { ini, users } = pgbouncerFiles(usersFile)
  writeFileSync(iniFile, ini)
  writeFileSync(usersFile, users)
  let running: RunningProcess | undefined
  const console = async (text: string): Promise<void> => {
    const client = new Client({
      host: outside,
      port: ports.pgbouncer,
      user: roles.console,
      database: 'pgbouncer',
      connectionTimeoutMillis: 2_000,
      query_timeout: 5_000,
    })
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.query(text)
    } finally {
      void client.end().catch(() => undefined)
    }
  }
  return {
    console,
    process: () => (running?.alive() ? running : undefined),
    async start() {
      if (running?.alive()) return
      const logFile = path.join(folder, 'pgbouncer.log')
      running = startProcess('pgbouncer', binaryOf('pgbouncer'), [iniFile], { ...unprivileged(), cwd: '/', logFile })
      await waitFor(() => console('SHOW VERSION').then(() => true), { what: 'PgBouncer answers' })
    },
    async kill() {
      await running?.stop('SIGKILL')
    },
  }
}
