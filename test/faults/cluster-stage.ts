import { existsSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { startCluster, type Cluster, type ClusterOptions, type Login, type PostgresNode } from '../servers/postgres.ts'
import { waitFor } from '../servers/processes.ts'
import type { Stage } from './fault.ts'
import { startRelay } from './relay.ts'

export const clusterName = 'kb'
export const [one, two, three] = ['db-postgres-01', 'db-postgres-02', 'db-postgres-03'] as const
export type NodeName = typeof one | typeof two | typeof three

/** A cluster with db-postgres-01 as its primary, a relay that works, and what the references of the configuration give. */
export interface ClusterStage extends Stage {
  readonly cluster: Cluster
  /** DATABASE_URL, and a URL of the monitoring role by the name of each node. */
  readonly env: Record<string, string | undefined>
  /**
   * Takes `count` connection slots of the primary. Without a `count` it takes all, and what becomes free later as well, as
   * an application does. `heal` gives them back.
   */
  takeSlots: (login: Login, count?: number) => Promise<void>
  /** A session on the primary, as superuser, with this statement run; it stays open until `heal`. */
  holdSession: (sql: string, database: string) => Promise<void>
  /** The environment as it was at the start; for what breaks nothing else. */
  resetEnv: () => Promise<void>
}

interface ClusterStageOptions {
  readonly cluster?: ClusterOptions
  /** Sections of the configuration besides the nodes and the relay. Default: the write path `app` at DATABASE_URL. */
  readonly sections?: Readonly<Record<string, unknown>>
}

const app = [{ name: 'app', cluster: clusterName, url: { env: 'DATABASE_URL' } }]

/** The URL of an application for a node, with parameters such as `sslmode=disable`. */
export const appUrl = ({ cluster }: Pick<ClusterStage, 'cluster'>, node: PostgresNode): string =>
  node.url(cluster.logins.backend, cluster.database)

export async function startClusterStage({
  cluster: options,
  sections,
}: ClusterStageOptions = {}): Promise<ClusterStage> {
  const relay = await startRelay()
  const cluster = await startCluster(options).catch(async (error: unknown) => {
    await relay.smtp.close()
    throw error
  })
  const [first] = cluster.nodes
  if (!first) throw new Error('a cluster has at least one node')
  const urls = cluster.nodes.map(node => [node.name, node.url(cluster.logins.monitor)] as const)
  const base = { ...relay.env, ...Object.fromEntries(urls), DATABASE_URL: appUrl({ cluster }, first) }
  const env: Record<string, string | undefined> = { ...base }
  const sessions = keepSessions(first)
  const resetEnv = (): Promise<void> => {
    Object.assign(env, base)
    return Promise.resolve()
  }
  return {
    cluster,
    env,
    resetEnv,
    takeSlots: sessions.take,
    holdSession: sessions.hold,
    config: JSON.stringify({
      postgres: cluster.nodes.map(({ name }) => ({ name, cluster: clusterName, url: { env: name }, max_lag: '3s' })),
      write_path: app,
      smtp: relay.section,
      mail: [{ name: 'app' }],
      ...sections,
    }),
    async heal() {
      await resetEnv()
      await sessions.close()
      await healCluster(cluster, first)
    },
    async stop() {
      await sessions.close()
      await relay.smtp.close()
      await cluster.stop()
    },
  }
}

/** The first node is the primary again, whoever was promoted meanwhile. */
export async function healCluster(cluster: Cluster, first: PostgresNode): Promise<void> {
  first.resume()
  const promoted = cluster.nodes.filter(
    node => node !== first && node.running() && !existsSync(path.join(node.dataDir, 'standby.signal')),
  )
  await Promise.all(promoted.map(node => node.stop('immediate')))
  await first.start()
  await cluster.heal()
}

function keepSessions(node: PostgresNode) {
  const open = new Set<Client>()
  let sated = new AbortController()
  let feeding: Promise<void> | undefined
  const connect = async (login: Login, database = 'postgres'): Promise<Client> => {
    const client = new Client({ host: node.host, port: node.port, ...login, database })
    client.on('error', () => open.delete(client))
    await client.connect()
    open.add(client)
    return client
  }
  const feed = async (login: Login, signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await connect(login).catch(() => undefined)
      await sleep(50)
    }
  }
  return {
    take: async (login: Login, count?: number): Promise<void> => {
      const takeOne = async (): Promise<boolean> => {
        try {
          await connect(login)
          return true
        } catch (error) {
          if ((error as { code?: string }).code !== '53300') throw error
          return false
        }
      }
      if (count !== undefined) {
        // A probe may hold a slot for a moment, or its watch until the next run.
        const taken = async (): Promise<boolean> => open.size >= count || ((await takeOne()) && open.size >= count)
        await waitFor(taken, { everyMs: 0, what: `${count} slots of ${node.name} are taken` })
        return
      }
      // A slot given back by a probe just now is taken as well.
      for (let refused = 0; refused < 10;)
        if (!(await takeOne())) {
          refused++
          await sleep(10)
        }
      feeding = feed(login, sated.signal)
    },
    hold: async (sql: string, database: string): Promise<void> => {
      const client = await connect({ user: 'postgres', password: '' }, database)
      await client.query(sql)
    },
    close: async (): Promise<void> => {
      sated.abort()
      await feeding
      feeding = undefined
      sated = new AbortController()
      await Promise.all([...open].map(client => client.end().catch(() => undefined)))
      open.clear()
      // The server is slower to forget them.
      if (node.running() && !node.paused())
        await waitFor(async () => (await node.query('select 1')).length === 1, { what: `${node.name} has free slots` })
    },
  }
}
