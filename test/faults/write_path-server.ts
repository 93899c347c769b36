import { setTimeout as sleep } from 'node:timers/promises'
import type { ReadOnlyScope } from '../servers/postgres.ts'
import { one, two, type ClusterStage } from './cluster-stage.ts'
import type { Fault } from './fault.ts'
import { grant, revoke, type WritePathStage } from './write_path-stage.ts'

const app = (metric: string, labels = ''): string =>
  `mailpath_write_path_${metric}{target="app",postgres_cluster="kb"${labels}}`

/** Paths that lead to a server where a write does not go through. */
export const serverFaults: readonly Fault<WritePathStage>[] = [
  {
    name: 'Write path: DATABASE_URL names a standby (25006)',
    inject: stage => stage.writeEnv(`DATABASE_URL=${stage.url(two)}\n`),
    heal: stage => stage.reset(),
    seen: {
      verdict: 'fail',
      root: 'write_path/app write_path_read_only',
      not: ['write_path/secret PGHOST write_path_read_only', 'cluster/kb cluster_no_primary'],
      samples: {
        [app('reachable')]: 1,
        [app('writable')]: 0,
        [app('read_only')]: 1,
        [app('on_primary')]: 0,
        [app('read_only_cause', ',cause="standby"')]: 1,
        [app('read_only_cause', ',cause="role"')]: 0,
        [app('landed_info', `,node="${two}"`)]: 1,
        [app('landed_info', `,node="${one}"`)]: null,
        [app('commit_duration_seconds')]: null,
      },
    },
  },
  readOnlyBy('role'),
  readOnlyBy('database'),
  readOnlyBy('server'),
  {
    name: 'Write path: commits wait for a synchronous standby that is not there',
    inject: stage => stage.cluster.stickSyncCommit(),
    meanwhile: atMostOneLeft,
    seen: {
      verdict: 'fail',
      root: 'write_path/app write_path_commit_stuck',
      reasons: ['write_path/secret PGHOST write_path_commit_stuck', `postgres/${one} postgres_sync_standby_missing`],
      samples: { [app('reachable')]: 1, [app('writable')]: 0, [app('read_only')]: 0, [app('on_primary')]: 1 },
    },
  },
  {
    name: 'Write path: a role that may not write temporary files (53400)',
    inject: stage => limitTemporaryFiles(stage, '= 0'),
    heal: stage => limitTemporaryFiles(stage, 'to default'),
    seen: { verdict: 'ok', samples: { [app('writable')]: 1 } },
  },
  {
    name: 'Write path: heartbeat table locked (55P03)',
    inject: stage => stage.holdSession('begin; lock table mailpath_heartbeat', stage.cluster.database),
    seen: {
      verdict: 'fail',
      root: 'write_path/app write_path_heartbeat_refused',
      not: ['write_path/app write_path_commit_stuck'],
      samples: { [app('writable')]: 0 },
    },
  },
  {
    name: 'Write path: permission missing on the heartbeat table (42501)',
    inject: revoke,
    heal: grant,
    seen: { verdict: 'fail', root: 'write_path/app write_path_heartbeat_refused' },
  },
]

function readOnlyBy(scope: ReadOnlyScope): Fault<WritePathStage> {
  return {
    name: `Write path: default_transaction_read_only on for the ${scope}`,
    inject: stage => stage.cluster.setReadOnly(scope, true),
    heal: stage => stage.cluster.setReadOnly(scope, false),
    seen: {
      verdict: 'fail',
      root: 'write_path/app write_path_read_only',
      reasons: [
        'write_path/secret PGHOST write_path_read_only',
        ...(scope === 'server' ? [`postgres/${one} postgres_read_only`] : []),
      ],
      samples: {
        [app('writable')]: 0,
        [app('read_only')]: 1,
        [app('on_primary')]: 1,
        [app('read_only_cause', `,cause="${scope}"`)]: 1,
        [app('read_only_cause', ',cause="standby"')]: 0,
      },
    },
  }
}

/** A probe must not make an outage worse: of the runs that are over at most one backend may be left on the server. */
async function atMostOneLeft({ cluster }: ClusterStage): Promise<void> {
  const left = `select count(*)::int as left from pg_stat_activity
    where application_name = 'mailpath-exporter' and clock_timestamp() - backend_start > interval '1.2 s'`
  const until = Date.now() + 3_000
  while (Date.now() < until) {
    await sleep(100)
    const [row] = await cluster.node(one).query<{ left: number }>(left)
    if ((row?.left ?? 0) > 1) throw new Error(`${row?.left ?? 0} backends of the exporter are left on the server`)
  }
}

async function limitTemporaryFiles({ cluster }: ClusterStage, limit: string): Promise<void> {
  await cluster.node(one).query(`alter role ${cluster.logins.backend.user} set temp_file_limit ${limit}`)
}
