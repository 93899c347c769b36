import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import path from 'node:path'
import { Client, type ClientConfig } from 'pg'
import { certificates, type Certificates } from '../servers/certificates.ts'
import { startHaproxy, type Haproxy } from '../servers/haproxy.ts'
import { listen, type Listening } from '../servers/hostile.ts'
import { administrator, startPgbouncer, type Pgbouncer } from '../servers/pgbouncer.ts'
import { startPatroniDouble, type PatroniKnobs, type PatroniOptions } from '../servers/patroni-double.ts'
import type { Login } from '../servers/postgres.ts'
import { removeFolder, tempFolder, waitFor } from '../servers/processes.ts'
import { startRouter, type Router } from '../servers/router.ts'
import { clusterName, one, startClusterStage, three, two, type ClusterStage, type NodeName } from './cluster-stage.ts'

export const nodes = [one, two, three] as const
/** The names of the targets, and of the write paths: one through HAProxy, one through PgBouncer. */
export const [balancer, pooler, viaBalancer, viaPooler] = ['lb-1', 'pool-1', 'haproxy', 'pgbouncer'] as const
/** Server connections that PgBouncer may have for us. */
const poolSize = 2
/** The application behind HAProxy has a role of its own, and says that it keeps its sessions (`pooled: true`). */
const pooledRole: Login = { user: 'pooled_app', password: 'pooled-app-password' }

/** The double of the Patroni of one node, as a service that can be down. */
export interface Agent {
  readonly port: number
  readonly knobs: () => PatroniKnobs
  readonly down: () => Promise<void>
  /** As new, in place of what there is. */
  readonly restart: (options?: PatroniOptions) => Promise<void>
}

/** SQL, Patroni and HAProxy: real Postgres, HAProxy and PgBouncer; of Patroni, which would heal what is broken, a double. */
export interface ViewsStage extends ClusterStage {
  readonly patroni: (node: NodeName) => Agent
  /** The Patroni of db-postgres-03 as the exporter asks it, with TLS. HAProxy asks the other one. */
  readonly secured: Agent
  readonly certificates: Certificates
  readonly haproxy: Haproxy
  readonly pgbouncer: Pgbouncer
  /** Has the database of PgBouncer lead there. */
  readonly lead: (to: { readonly host: string; readonly port: number }) => Promise<void>
  /** In front of the statistics of HAProxy. */
  readonly statistics: Router
  /** The statistics are answered by something else, with this status and body. */
  readonly answerStatistics: (status: number, body: string) => Promise<void>
  /** All Patronis say that this node holds the lock, or none. */
  readonly elect: (node: NodeName | undefined) => void
  /** The health checks of HAProxy notice no change from then on: its servers stay as they are. */
  readonly delayChecks: () => void
  /** Until HAProxy has its servers of these nodes up, and the others not. */
  readonly untilUp: (...up: readonly NodeName[]) => Promise<void>
  /** A session of an application that stays open on a node for so long that it was not opened for one statement. */
  readonly keepSession: (app: 'backend' | 'pooled', node: NodeName) => Promise<void>
  /** Takes all server connections of PgBouncer, so that its clients wait. */
  readonly fillPool: () => Promise<void>
  /** What breaks no server of Postgres. */
  readonly reset: () => Promise<void>
}

export async function startViewsStage(): Promise<ViewsStage> {
  const made = await certificates()
  const folder = tempFolder('mailpath-views-')
  const caFile = path.join(folder, 'ca.pem')
  await writeFile(caFile, made.ca)
  const agents = new Map<NodeName, Agent>()
  for (const node of nodes) agents.set(node, await startAgent({}))
  const secured = await startAgent({ tls: made.good })
  const patroni = (node: NodeName): Agent => {
    const agent = agents.get(node)
    if (!agent) throw new Error(`no Patroni of ${node}`)
    return agent
  }
  const statistics = await startRouter()
  const stage = await startClusterStage({
    sections: sections(patroni, secured, statistics.port, caFile),
  })
  const { cluster } = stage
  const first = cluster.node(one)
  await first.query(`create role ${pooledRole.user} login password '${pooledRole.password}'`)
  const haproxy = await startHaproxy({
    check: 'http',
    servers: nodes.map(name => ({ ...placeOf(stage, name), checkPort: patroni(name).port })),
  })
  const settings = { default_pool_size: poolSize, query_wait_timeout: 30, server_login_retry: 0.2 }
  const pgbouncer = await startPgbouncer({
    to: first,
    database: cluster.database,
    logins: [cluster.logins.backend],
    pooling: 'session',
    settings,
  })
  const urlTo = ({ user, password }: Login, port: number, database: string): string =>
    `postgres://${user}:${password}@127.0.0.1:${port}/${database}`
  const urls = {
    HAPROXY_URL: urlTo(pooledRole, haproxy.write, cluster.database),
    PGBOUNCER_URL: urlTo(cluster.logins.backend, pgbouncer.port, cluster.database),
    CONSOLE_URL: urlTo(administrator, pgbouncer.port, 'pgbouncer'),
  }
  // Just after a start its ports are there a moment before its socket.
  const admin = (command: string): Promise<string> =>
    waitFor(() => haproxy.admin(command), { what: 'HAProxy takes a command' })
  const kept: Client[] = []
  const keep = async (where: ClientConfig): Promise<Client> => {
    const client = new Client(where)
    client.on('error', () => undefined)
    kept.push(client)
    await client.connect()
    return client
  }
  // A client that waits for a server of PgBouncer would wait for its goodbye as well.
  const dropSessions = (): void => kept.splice(0).forEach(client => client.connection.stream.destroy())
  const others: Listening[] = []

  const tell = (node: NodeName, holder: NodeName | undefined): void => {
    for (const agent of node === three ? [patroni(three), secured] : [patroni(node)])
      Object.assign(agent.knobs(), saysOf(stage, node, holder))
  }
  const elect = (holder: NodeName | undefined): void => nodes.forEach(node => tell(node, holder))
  const untilUp = async (...up: readonly NodeName[]): Promise<void> => {
    const servers = new RegExp(`^write,(${nodes.join('|')}),(?:[^,]*,){15}(\\w+)`, 'gmu')
    await waitFor(
      async () => {
        const found = [...(await admin('show stat')).matchAll(servers)]
        const isUp = found.flatMap(([, name = '', status]) => (status === 'UP' ? name : []))
        return found.length === nodes.length && isUp.sort().join() === [...up].sort().join()
      },
      { what: `HAProxy has up: ${up.join(', ')}` },
    )
  }
  const lead: ViewsStage['lead'] = to => pgbouncer.retarget(to, cluster.database)
  const reset = async (): Promise<void> => {
    Object.assign(stage.env, urls)
    dropSessions()
    statistics.route([{ host: '127.0.0.1', port: portOf(haproxy.statistics.csv) }])
    statistics.cut()
    await Promise.all(others.splice(0).map(other => other.close()))
    await Promise.all([...nodes.map(node => patroni(node).restart()), secured.restart({ tls: made.good })])
    elect(one)
    if (!haproxy.process.alive())
      await haproxy.route(nodes.map(name => ({ ...placeOf(stage, name), checkPort: patroni(name).port })))
    for (const node of nodes) await admin(`set server write/${node} state ready`)
    // It refuses what is not paused.
    await pgbouncer.admin(`RESUME ${cluster.database}`).catch(() => undefined)
    await lead(cluster.node(one))
  }
  await reset()
  await untilUp(one)
  return {
    ...stage,
    patroni,
    secured,
    certificates: made,
    haproxy,
    pgbouncer,
    lead,
    statistics,
    elect,
    untilUp,
    reset,
    async answerStatistics(status, body) {
      const other = await listen(createServer((_, response) => response.writeHead(status).end(body)))
      others.push(other)
      statistics.route([other])
      statistics.cut()
    },
    // Without health checks HAProxy takes each server for one that is up.
    delayChecks() {
      for (const node of nodes) {
        const says = patroni(node).knobs()
        says.checkedAs = says.isLeader ? 200 : 503
      }
    },
    async fillPool() {
      for (let taken = 0; taken <= poolSize; taken++) {
        const client = await keep({ connectionString: urls.PGBOUNCER_URL })
        client.query('select 1').catch(() => undefined)
      }
    },
    async keepSession(app, node) {
      const login = app === 'pooled' ? pooledRole : cluster.logins.backend
      const { host, port } = cluster.node(node)
      await keep({ host, port, ...login, database: cluster.database })
      const isOld = `select from pg_stat_activity where usename = $1 and backend_start < clock_timestamp() - interval '5.2 s'`
      await waitFor(async () => (await cluster.node(node).query(isOld, [login.user])).length > 0, {
        timeoutMs: 10_000,
        everyMs: 200,
        what: `the session on ${node} is old`,
      })
    },
    async heal() {
      // After a switchover it is a standby like any other.
      if (existsSync(path.join(first.dataDir, 'standby.signal'))) await cluster.failover(one)
      await stage.heal()
      await reset()
      await untilUp(one)
    },
    async stop() {
      dropSessions()
      await haproxy.stop()
      await pgbouncer.stop()
      await statistics.close()
      await Promise.all([...agents.values(), secured].map(agent => agent.down()))
      await stage.stop()
      await removeFolder(folder)
    },
  }
}

const portOf = (url: string): number => Number(new URL(url).port)

const placeOf = ({ cluster }: ClusterStage, name: NodeName) => {
  const { host, port } = cluster.node(name)
  return { name, host, port }
}

/** What the Patroni of a node says while this one holds the lock. */
function saysOf(stage: ClusterStage, node: NodeName, holder: NodeName | undefined): Partial<PatroniKnobs> {
  const isLeader = node === holder
  const others = nodes.filter(other => other !== node)
  return {
    name: node,
    scope: clusterName,
    isLeader,
    role: isLeader ? 'primary' : 'replica',
    leader: holder ?? '',
    timeline: 1,
    followers: isLeader ? [...others] : [],
    members: nodes.map(name => {
      const { host, port } = placeOf(stage, name)
      const lag = name === holder ? {} : { lag: 0 }
      const [role, state] = name === holder ? ['leader', 'running'] : ['replica', 'streaming']
      return { name, role, state, host, port, api_url: `http://${name}:8008/patroni`, timeline: 1, ...lag }
    }),
  }
}

async function startAgent(options: PatroniOptions): Promise<Agent> {
  let double: (PatroniKnobs & Listening) | undefined = await startPatroniDouble(options)
  const { port } = double
  const down = async (): Promise<void> => {
    await double?.close()
    double = undefined
  }
  return {
    port,
    down,
    knobs: () => {
      if (!double) throw new Error('this Patroni is down')
      return double
    },
    async restart(again = {}) {
      await down()
      double = await startPatroniDouble({ ...again, port })
    },
  }
}

const sections = (patroni: (node: NodeName) => Agent, secured: Agent, statisticsPort: number, caFile: string) => ({
  patroni: nodes.map(name => ({
    name,
    cluster: clusterName,
    ...(name === three
      ? { url: `https://127.0.0.1:${secured.port}`, ca_file: caFile }
      : { url: `http://127.0.0.1:${patroni(name).port}` }),
  })),
  haproxy: [{ name: balancer, url: `http://127.0.0.1:${statisticsPort}/stats;csv` }],
  pgbouncer: [{ name: pooler, url: { env: 'CONSOLE_URL' }, max_wait: '1s' }],
  write_path: [
    {
      name: viaBalancer,
      cluster: clusterName,
      url: { env: 'HAPROXY_URL' },
      haproxy: { target: balancer, proxy: 'write' },
      pooled: true,
    },
    {
      name: viaPooler,
      cluster: clusterName,
      url: { env: 'PGBOUNCER_URL' },
      pgbouncer: { target: pooler, database: 'keybuzz_backend' },
    },
  ],
})
