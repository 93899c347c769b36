import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { waitFor } from '../servers/ports.ts'
import type { PostgresNode } from '../servers/postgres.ts'
import { three, two, one, type ClusterStage, type NodeName } from './cluster-stage.ts'
import type { Fault } from './fault.ts'

export const node = (target: NodeName, metric: string): string =>
  `mailpath_postgres_${metric}{target="${target}",postgres_cluster="kb"}`
export const cluster = (metric: string): string => `mailpath_cluster_${metric}{postgres_cluster="kb"}`

/** Connections that a node takes, three of them reserved for superusers. */
export const slots = 60

/** What the primary cannot be asked about is not known, and the standbys lose it as well. */
const primaryUnseen = {
  [node(one, 'reachable')]: 0,
  [node(one, 'in_recovery')]: null,
  [cluster('primaries')]: null,
  [cluster('split_brain')]: null,
  [cluster('nodes_unreachable')]: 1,
}

const of = ({ cluster }: ClusterStage, name: NodeName): PostgresNode => cluster.node(name)

/** Nodes that are gone, or that do not answer. */
export const downFaults: readonly Fault<ClusterStage>[] = [
  {
    name: 'Postgres primary: killed',
    inject: stage => of(stage, one).kill(),
    seen: {
      verdict: 'fail',
      root: `postgres/${one} postgres_unreachable`,
      reasons: [
        'write_path/app write_path_unreachable',
        `postgres/${two} postgres_receiver_down`,
        `postgres/${three} postgres_receiver_down`,
        'cluster/kb cluster_primary_unknown',
      ],
      samples: { ...primaryUnseen, [node(two, 'replay_lag_seconds')]: null, [node(two, 'replay_lag_bytes')]: null },
    },
  },
  {
    name: 'Postgres standby: killed',
    inject: stage => of(stage, two).kill(),
    seen: {
      verdict: 'warn',
      reasons: [`postgres/${two} postgres_unreachable`],
      not: ['write_path/app write_path_unreachable', 'cluster/kb cluster_primary_unknown'],
      samples: { [cluster('primaries')]: 1, [cluster('nodes_unreachable')]: 1, [cluster('split_brain')]: null },
    },
  },
  {
    name: 'Postgres: all nodes killed',
    async inject({ cluster }) {
      await Promise.all(cluster.nodes.map(each => each.kill()))
    },
    seen: {
      verdict: 'fail',
      root: `postgres/${one} postgres_unreachable`,
      reasons: [
        'write_path/app write_path_unreachable',
        ...[two, three].map(name => `postgres/${name} postgres_unreachable`),
      ],
      samples: { [cluster('primaries')]: null, [cluster('nodes_unreachable')]: 3 },
    },
  },
  {
    name: 'Postgres primary: postmaster stopped (SIGSTOP)',
    inject: stage => pause(of(stage, one)),
    seen: {
      verdict: 'fail',
      root: `postgres/${one} postgres_no_answer`,
      reasons: ['write_path/app write_path_no_answer', 'cluster/kb cluster_primary_unknown'],
      // What streams goes on to stream.
      not: [`postgres/${two} postgres_receiver_down`],
      samples: primaryUnseen,
    },
  },
  {
    name: 'Postgres standby: postmaster stopped (SIGSTOP)',
    inject: stage => pause(of(stage, two)),
    seen: {
      verdict: 'warn',
      reasons: [`postgres/${two} postgres_no_answer`],
      not: ['write_path/app write_path_no_answer'],
      samples: { [node(two, 'reachable')]: 0, [cluster('primaries')]: 1 },
    },
  },
  {
    name: 'Postgres standby: takes no connections while it recovers (57P03)',
    async inject(stage) {
      await of(stage, two).stop()
      await of(stage, two).start({ hot_standby: 'off' })
    },
    seen: { verdict: 'warn', reasons: [`postgres/${two} postgres_starting_up`] },
  },
  {
    name: 'Postgres primary: starting up, in recovery from an archive that is slow (57P03)',
    inject: stage => startSlowly(of(stage, one)),
    heal: async stage => {
      await of(stage, one).stop('immediate')
      await rm(path.join(of(stage, one).dataDir, 'recovery.signal'))
      await stage.heal()
    },
    seen: {
      verdict: 'fail',
      root: `postgres/${one} postgres_starting_up`,
      reasons: ['write_path/app write_path_starting_up', 'cluster/kb cluster_primary_unknown'],
      samples: primaryUnseen,
    },
  },
  {
    name: 'Postgres primary: all slots taken but the reserved ones (53300)',
    inject: stage => stage.takeSlots(stage.cluster.logins.plain),
    seen: noSlots(),
  },
  {
    name: 'Postgres primary: all slots taken, the reserved ones too (53300)',
    inject: stage => stage.takeSlots({ user: 'postgres', password: '' }),
    seen: noSlots(),
  },
  {
    name: 'Postgres primary: nearly all slots taken',
    // A run of the node has the 54th of 60, so nine tenths are taken. Of the 57 that are not reserved, three are left: for the
    // watch of the node, for its run and for that of the write path.
    inject: stage => stage.takeSlots(stage.cluster.logins.plain, 53),
    seen: {
      verdict: 'warn',
      reasons: [`postgres/${one} postgres_connections_high`],
      not: [`postgres/${one} postgres_too_many_connections`],
      samples: { [node(one, 'max_connections')]: slots },
    },
  },
  {
    name: 'Postgres primary: the role of the application has no slot left (53300)',
    inject: ({ cluster }) => limitRole(cluster.node(one), cluster.logins.backend.user, 0),
    heal: ({ cluster }) => limitRole(cluster.node(one), cluster.logins.backend.user, -1),
    seen: {
      verdict: 'fail',
      root: 'write_path/app write_path_too_many_connections',
      not: [`postgres/${one} postgres_too_many_connections`],
      samples: { [node(one, 'reachable')]: 1, [cluster('primaries')]: 1 },
    },
  },
]

function noSlots(): Fault['seen'] {
  return {
    verdict: 'fail',
    root: 'write_path/app write_path_too_many_connections',
    reasons: [`postgres/${one} postgres_too_many_connections`, 'cluster/kb cluster_primary_unknown'],
    samples: { [node(one, 'connections')]: null, [cluster('primaries')]: null },
  }
}

async function limitRole(primary: PostgresNode, role: string, limit: number): Promise<void> {
  await primary.query(`alter role ${role} connection limit ${limit}`)
}

/** Comes up as far as its archive, which takes longer than any fault here; nobody waits for it. */
async function startSlowly(primary: PostgresNode): Promise<void> {
  await primary.stop()
  await writeFile(path.join(primary.dataDir, 'recovery.signal'), '', { mode: 0o644 })
  void primary.start({ restore_command: 'sleep 20; false' }).catch(() => undefined)
  const startsUp = (): Promise<boolean> =>
    primary.query('select 1').then(
      () => false,
      (error: unknown) => (error as { code?: string }).code === '57P03',
    )
  await waitFor(startsUp, { what: `${primary.name} starts up` })
}

function pause(node: PostgresNode): Promise<void> {
  node.pause()
  return Promise.resolve()
}
