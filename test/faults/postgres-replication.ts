import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startCluster, type Cluster } from '../servers/postgres.ts'
import { appUrl, one, three, two, type ClusterStage } from './cluster-stage.ts'
import type { Fault } from './fault.ts'
import { cluster, node } from './postgres-down.ts'
import { cascade, failOverUnfenced, follow } from './postgres-follow.ts'

const lagUnknown = { [node(two, 'replay_lag_seconds')]: null, [node(two, 'replay_lag_bytes')]: null }

/** Roles, and how the standbys follow. */
export const replicationFaults: readonly Fault<ClusterStage>[] = [
  {
    name: 'Cluster: no primary, all nodes in recovery',
    async inject({ cluster }) {
      const primary = cluster.node(one)
      await primary.stop()
      await writeFile(path.join(primary.dataDir, 'standby.signal'), '')
      await primary.start()
    },
    async heal(stage) {
      await stage.cluster.node(one).stop()
      await rm(path.join(stage.cluster.node(one).dataDir, 'standby.signal'))
      await stage.heal()
    },
    seen: {
      verdict: 'fail',
      root: 'cluster/kb cluster_no_primary',
      reasons: ['write_path/app write_path_read_only', `postgres/${one} postgres_receiver_down`],
      samples: {
        [cluster('primaries')]: 0,
        [cluster('split_brain')]: 0,
        'mailpath_write_path_read_only_cause{target="app",postgres_cluster="kb",cause="standby"}': 1,
      },
    },
  },
  {
    name: 'Cluster: split brain, a standby promoted by mistake while the primary lives',
    inject: stage => stage.cluster.splitBrain(two),
    seen: {
      verdict: 'fail',
      root: 'cluster/kb cluster_split_brain',
      // The other standby follows the old primary, which is the rightful one.
      not: ['write_path/app write_path_old_primary'],
      samples: {
        [cluster('primaries')]: 2,
        [cluster('split_brain')]: 1,
        [`mailpath_cluster_primary_info{postgres_cluster="kb",node="${one}"}`]: 1,
        'mailpath_write_path_on_primary{target="app",postgres_cluster="kb"}': 1,
      },
    },
  },
  {
    name: 'Cluster: failed over without fencing, and the old primary still written to',
    inject: failOverUnfenced,
    seen: {
      verdict: 'fail',
      root: 'cluster/kb cluster_split_brain',
      // The rows that clients write are what would be lost, so that node counts, though the standby follows the other.
      not: ['write_path/app write_path_old_primary'],
      samples: {
        [cluster('primaries')]: 2,
        [cluster('split_brain')]: 1,
        [`mailpath_cluster_primary_info{postgres_cluster="kb",node="${one}"}`]: 1,
        'mailpath_write_path_on_primary{target="app",postgres_cluster="kb"}': 1,
        'mailpath_write_path_writable{target="app",postgres_cluster="kb"}': 1,
      },
    },
  },
  {
    name: 'Cluster: failed over, and a standby kept on the old timeline',
    async inject(stage) {
      const [first, second, third] = [one, two, three].map(name => stage.cluster.node(name))
      await third?.stop()
      await third?.start({ recovery_target_timeline: 'current' })
      await first?.kill()
      await second?.promote()
      await follow(stage, three, two)
      stage.env['DATABASE_URL'] = appUrl(stage, stage.cluster.node(two))
    },
    seen: {
      verdict: 'warn',
      reasons: ['cluster/kb cluster_timeline_behind', `postgres/${three} postgres_receiver_down`],
      samples: { [node(three, 'timeline')]: 1, [node(two, 'timeline')]: 2 },
    },
  },
  {
    name: 'Cluster: failed over, and a standby still looks for the old primary',
    async inject(stage) {
      await stage.cluster.node(one).kill()
      await stage.cluster.node(two).promote()
      stage.env['DATABASE_URL'] = appUrl(stage, stage.cluster.node(two))
    },
    seen: {
      verdict: 'warn',
      reasons: [`postgres/${one} postgres_unreachable`, `postgres/${three} postgres_receiver_down`],
      not: ['cluster/kb cluster_split_brain'],
      samples: {
        [`mailpath_cluster_primary_info{postgres_cluster="kb",node="${two}"}`]: 1,
        [node(three, 'replay_lag_bytes')]: null,
        'mailpath_write_path_on_primary{target="app",postgres_cluster="kb"}': 1,
      },
    },
  },
  {
    name: 'Cluster: a node of another cluster under its name (system identifier)',
    async inject(stage) {
      const other = await otherCluster()
      others.set(stage, other)
      stage.env[three] = other.node('other').url(other.logins.monitor)
    },
    heal: healOther,
    seen: {
      verdict: 'warn',
      reasons: ['cluster/kb cluster_mixed'],
      not: ['cluster/kb cluster_split_brain'],
      samples: { [cluster('primaries')]: 1, [cluster('split_brain')]: 0 },
    },
  },
  {
    name: 'Write path: leads to another cluster (system identifier)',
    async inject(stage) {
      const other = await otherCluster()
      others.set(stage, other)
      stage.env['DATABASE_URL'] = other.node('other').url(other.logins.backend, other.database)
    },
    heal: healOther,
    seen: {
      verdict: 'fail',
      root: 'write_path/app write_path_other_cluster',
      samples: { 'mailpath_write_path_on_primary{target="app",postgres_cluster="kb"}': 0 },
    },
  },
  {
    name: 'Postgres standby: replay paused, lag growing',
    async inject({ cluster }) {
      await cluster.pauseReplay(two)
      await cluster.node(one).query('update outbound_email set status = status', [], cluster.database)
      // Past max_lag, but for the one interval and deadline that are left to see it.
      await sleep(2_500)
    },
    seen: {
      verdict: 'warn',
      reasons: [`postgres/${two} postgres_replay_paused`, `postgres/${two} postgres_lag`],
      not: [`postgres/${two} postgres_receiver_down`],
      samples: { [node(two, 'wal_receiver_streaming')]: 1 },
    },
  },
  {
    name: 'Postgres standby: WAL receiver cut',
    inject: stage => stage.cluster.cutReceiver(two),
    seen: {
      verdict: 'warn',
      reasons: [`postgres/${two} postgres_receiver_down`],
      not: [`postgres/${two} postgres_lag`],
      samples: { ...lagUnknown, [node(two, 'wal_receiver_streaming')]: 0 },
    },
  },
  {
    name: 'Postgres standby: streams from another standby, as it may',
    inject: stage => cascade(stage, two, three),
    seen: { verdict: 'ok', samples: { [node(two, 'wal_receiver_streaming')]: 1 } },
  },
  {
    name: 'Postgres standby: WAL receiver connected to a standby that receives nothing',
    async inject(stage) {
      await cascade(stage, two, three)
      await stage.cluster.cutReceiver(three)
    },
    seen: {
      verdict: 'warn',
      reasons: ['cluster/kb cluster_wrong_upstream', `postgres/${three} postgres_receiver_down`],
      not: [`postgres/${two} postgres_receiver_down`],
      samples: { ...lagUnknown, [node(two, 'wal_receiver_streaming')]: 1 },
    },
  },
]

const others = new WeakMap<ClusterStage, Cluster>()
const otherCluster = (): Promise<Cluster> => startCluster({ standbys: 0, names: ['other'] })

async function healOther(stage: ClusterStage): Promise<void> {
  await stage.resetEnv()
  await others.get(stage)?.stop()
}
