import { Client } from 'pg'
import { freePort } from '../servers/processes.ts'
import { one, three, two, type ClusterStage } from './cluster-stage.ts'
import type { Area, Fault } from './fault.ts'
import { noPoolers, startPoolersStage, type PoolersStage } from './poolers-stage.ts'
import { failOverUnfenced } from './postgres-follow.ts'
import { runnable, type Runnable } from './runner.ts'

const series =
  (target: string) =>
  (metric: string, labels = '') =>
    `mailpath_write_path_${metric}{target="${target}",postgres_cluster="kb"${labels}}`
const [haproxy, pgbouncer] = [series('haproxy-write'), series('pgbouncer')]

const haproxyFaults: readonly Fault<PoolersStage>[] = [
  {
    name: 'HAProxy and PgBouncer: as they should be',
    inject: () => Promise.resolve(),
    heal: () => Promise.resolve(),
    seen: {
      verdict: 'ok',
      samples: {
        [haproxy('pooled')]: 0,
        [haproxy('landed_info', `,node="${one}"`)]: 1,
        [pgbouncer('pooled')]: 1,
        [pgbouncer('on_primary')]: 1,
      },
    },
  },
  {
    name: 'HAProxy: the write backend holds a standby',
    inject: ({ haproxy, cluster }) => haproxy.route([cluster.node(two)]),
    heal: routeToPrimary,
    seen: {
      verdict: 'fail',
      root: 'write_path/haproxy-write write_path_read_only',
      not: ['write_path/pgbouncer write_path_read_only'],
      samples: { [haproxy('on_primary')]: 0, [haproxy('landed_info', `,node="${two}"`)]: 1 },
    },
  },
  {
    name: 'HAProxy: no server up (accepts, then closes)',
    inject: async ({ haproxy }) => haproxy.route([{ name: 'dead', host: '127.0.0.1', port: await freePort() }]),
    heal: routeToPrimary,
    seen: {
      verdict: 'fail',
      root: 'write_path/haproxy-write write_path_closed',
      samples: { [haproxy('reachable')]: 0, [haproxy('writable')]: 0, [haproxy('read_only')]: null },
    },
  },
  {
    name: 'HAProxy: pgsql-check, blind to roles, round robin over all nodes',
    inject: ({ haproxy, cluster }) => haproxy.route(cluster.nodes),
    heal: routeToPrimary,
    seen: {
      verdict: 'fail',
      root: 'write_path/haproxy-write write_path_read_only',
      samples: {
        [haproxy('on_primary')]: 0,
        [haproxy('landed_info', `,node="${one}"`)]: 1,
        [haproxy('landed_info', `,node="${two}"`)]: 1,
        [haproxy('landed_info', `,node="${three}"`)]: 1,
      },
    },
  },
  {
    name: 'HAProxy: gone',
    inject: ({ haproxy }) => haproxy.process.stop('SIGKILL'),
    heal: routeToPrimary,
    seen: { verdict: 'fail', root: 'write_path/haproxy-write write_path_unreachable' },
  },
  {
    name: 'HAProxy: still writing to the old primary after a failover',
    async inject(stage) {
      await failOverUnfenced(stage)
      await stage.pgbouncer.retarget(stage.cluster.node(two))
    },
    heal: healBoth,
    seen: {
      verdict: 'fail',
      root: 'cluster/kb cluster_split_brain',
      reasons: ['write_path/haproxy-write write_path_old_primary'],
      not: ['write_path/pgbouncer write_path_old_primary'],
      samples: { [haproxy('on_primary')]: 0, [haproxy('writable')]: 1, [pgbouncer('on_primary')]: 1 },
    },
  },
]

const undecided: Fault<PoolersStage> = {
  name: 'HAProxy and PgBouncer: each writes to another primary, and the standby follows neither',
  async inject(stage) {
    await stage.cluster.cutReceiver(three)
    await stage.cluster.splitBrain(two)
    await stage.haproxy.route([stage.cluster.node(two)])
  },
  heal: healBoth,
  seen: {
    verdict: 'fail',
    root: 'cluster/kb cluster_split_brain',
    not: ['write_path/haproxy-write write_path_old_primary', 'write_path/pgbouncer write_path_old_primary'],
    samples: { [haproxy('on_primary')]: null, [pgbouncer('on_primary')]: null, [haproxy('writable')]: 1 },
  },
}

const pgbouncerFaults: readonly Fault<PoolersStage>[] = [
  {
    name: 'PgBouncer: paused',
    inject: stage => stage.pgbouncer.pause(),
    heal: stage => stage.pgbouncer.resume(),
    seen: {
      verdict: 'fail',
      root: 'write_path/pgbouncer write_path_no_answer',
      not: ['write_path/haproxy-write write_path_no_answer'],
      samples: { [pgbouncer('writable')]: 0 },
    },
  },
  {
    name: 'PgBouncer: points at a standby',
    inject: ({ pgbouncer, cluster }) => pgbouncer.retarget(cluster.node(two)),
    heal: retargetToPrimary,
    seen: {
      verdict: 'fail',
      root: 'write_path/pgbouncer write_path_read_only',
      samples: { [pgbouncer('landed_info', `,node="${two}"`)]: 1, [pgbouncer('pooled')]: 1 },
    },
  },
  {
    name: 'PgBouncer: its server is gone',
    inject: async ({ pgbouncer }) => pgbouncer.retarget({ host: '127.0.0.1', port: await freePort() }),
    heal: retargetToPrimary,
    seen: { verdict: 'fail', root: 'write_path/pgbouncer write_path_no_answer' },
  },
  {
    name: 'PgBouncer: all server connections of the pool taken',
    inject: stage => fill(stage, 2),
    heal: empty,
    seen: { verdict: 'fail', root: 'write_path/pgbouncer write_path_no_answer' },
  },
  {
    name: 'PgBouncer: no more client connections (max_client_conn)',
    inject: stage => fill(stage, 20),
    heal: empty,
    seen: { verdict: 'fail', root: 'write_path/pgbouncer write_path_pooler_refused' },
  },
  {
    name: 'PgBouncer: sessions kept on the old primary after a failover',
    async inject(stage) {
      await failOverUnfenced(stage)
      await stage.haproxy.route([stage.cluster.node(two)])
    },
    heal: healBoth,
    seen: {
      verdict: 'fail',
      root: 'cluster/kb cluster_split_brain',
      reasons: ['write_path/pgbouncer write_path_old_primary'],
      not: ['write_path/haproxy-write write_path_old_primary'],
      samples: { [pgbouncer('on_primary')]: 0, [pgbouncer('pooled')]: 1, [haproxy('on_primary')]: 1 },
    },
  },
]

function routeToPrimary({ haproxy, cluster }: PoolersStage): Promise<void> {
  return haproxy.route([cluster.node(one)])
}

function retargetToPrimary({ pgbouncer, cluster }: PoolersStage): Promise<void> {
  return pgbouncer.retarget(cluster.node(one))
}

async function healBoth(stage: PoolersStage): Promise<void> {
  await stage.heal()
  await routeToPrimary(stage)
  await retargetToPrimary(stage)
}

const clients = new WeakMap<ClusterStage, Client[]>()

/** Clients that ask for a server connection and keep it, or wait for one. */
async function fill(stage: PoolersStage, count: number): Promise<void> {
  const opened: Client[] = []
  clients.set(stage, opened)
  while (opened.length < count) {
    const client = new Client({ connectionString: stage.env['PGBOUNCER_URL'] })
    client.on('error', () => undefined)
    await client.connect()
    opened.push(client)
    client.query('select 1').catch(() => undefined)
  }
}

async function empty(stage: PoolersStage): Promise<void> {
  const sockets = clients.get(stage) ?? []
  // A client that waits for a server would wait for its goodbye as well.
  for (const client of sockets) client.connection.stream.destroy()
  clients.delete(stage)
  return Promise.resolve()
}

const poolers: Area<PoolersStage> = {
  name: 'HAProxy and PgBouncer',
  start: startPoolersStage,
  faults: [...haproxyFaults, ...pgbouncerFaults, undecided].map(fault => ({ ...fault, skip: noPoolers })),
}

export const poolerAreas: readonly Runnable[] = [runnable(poolers)]
