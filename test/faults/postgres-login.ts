import type { Login } from '../servers/postgres.ts'
import { appUrl, one, two, type ClusterStage, type NodeName } from './cluster-stage.ts'
import type { Expectation, Fault } from './fault.ts'
import { cluster, node } from './postgres-down.ts'
import { restoreHba, setHba } from './postgres-hba.ts'

/** The exporter cannot log in at a node: what it was seen to be before is no evidence now. */
const monitored = (
  name: string,
  target: NodeName,
  login: Partial<Login>,
  database: string,
  seen: Expectation,
): Fault<ClusterStage> => ({
  name,
  inject({ cluster, env }) {
    env[target] = cluster.node(target).url({ ...cluster.logins.monitor, ...login }, database)
    return Promise.resolve()
  },
  heal: stage => stage.resetEnv(),
  seen,
})

const app = (
  name: string,
  login: Partial<Login>,
  database: string | undefined,
  seen: Expectation,
): Fault<ClusterStage> => ({
  name,
  inject({ cluster, env }) {
    env['DATABASE_URL'] = cluster.node(one).url({ ...cluster.logins.backend, ...login }, database ?? cluster.database)
    return Promise.resolve()
  },
  heal: stage => stage.resetEnv(),
  seen,
})

const standbyUnseen = (code: string): Expectation => ({
  verdict: 'warn',
  reasons: [`postgres/${two} ${code}`],
  samples: { [node(two, 'reachable')]: 0, [node(two, 'in_recovery')]: null, [cluster('primaries')]: 1 },
})
const pathFails = (code: string): Expectation => ({
  verdict: 'fail',
  root: `write_path/app ${code}`,
  samples: {
    'mailpath_write_path_reachable{target="app",postgres_cluster="kb"}': 0,
    'mailpath_write_path_read_only{target="app",postgres_cluster="kb"}': null,
    [cluster('primaries')]: 1,
  },
})

/** Logins that are refused, of the exporter and of the application. */
export const loginFaults: readonly Fault<ClusterStage>[] = [
  monitored(
    'Postgres standby: wrong password of the exporter (28P01)',
    two,
    { password: 'wrong' },
    'postgres',
    standbyUnseen('postgres_login_failed'),
  ),
  monitored(
    'Postgres standby: unknown role of the exporter',
    two,
    { user: 'nobody' },
    'postgres',
    standbyUnseen('postgres_login_failed'),
  ),
  monitored(
    'Postgres standby: unknown database of the exporter (3D000)',
    two,
    {},
    'nowhere',
    standbyUnseen('postgres_database_missing'),
  ),
  monitored('Postgres primary: wrong password of the exporter (28P01)', one, { password: 'wrong' }, 'postgres', {
    // A write was committed: mail goes out. Only whether that is the one primary nobody can say.
    verdict: 'warn',
    reasons: [`postgres/${one} postgres_login_failed`, 'cluster/kb cluster_primary_unknown'],
    samples: { [cluster('primaries')]: null },
  }),
  {
    name: 'Postgres standby: monitoring role without pg_monitor',
    inject({ cluster, env }) {
      env[two] = cluster.node(two).url(cluster.logins.plain)
      return Promise.resolve()
    },
    heal: stage => stage.resetEnv(),
    seen: {
      verdict: 'warn',
      reasons: [`postgres/${two} postgres_role_lacks_pg_monitor`],
      not: [`postgres/${two} postgres_receiver_down`],
      samples: {
        [node(two, 'in_recovery')]: 1,
        [node(two, 'wal_receiver_streaming')]: null,
        [node(two, 'replay_lag_seconds')]: null,
        [node(two, 'timeline')]: null,
      },
    },
  },
  app(
    'Application login: wrong password (28P01)',
    { password: 'wrong' },
    undefined,
    pathFails('write_path_login_failed'),
  ),
  app('Application login: unknown role', { user: 'nobody' }, undefined, pathFails('write_path_login_failed')),
  app('Application login: unknown database (3D000)', {}, 'nowhere', pathFails('write_path_database_missing')),
  {
    name: 'Application login: rejected by pg_hba.conf (28000)',
    inject: stage => setHba(stage, ['host all kb_backend 127.0.0.1/32 reject']),
    heal: restoreHba,
    seen: { ...pathFails('write_path_login_failed'), not: [`postgres/${one} postgres_login_failed`] },
  },
  {
    name: 'Postgres primary: everybody rejected by pg_hba.conf (28000)',
    inject: stage => setHba(stage, ['host all kb_backend,mailpath 127.0.0.1/32 reject']),
    heal: restoreHba,
    seen: {
      verdict: 'fail',
      root: 'write_path/app write_path_login_failed',
      reasons: [`postgres/${one} postgres_login_failed`, 'cluster/kb cluster_primary_unknown'],
    },
  },
]

/** The application as it is, but with these parameters, such as `sslmode=require`. */
export async function connectWith(stage: ClusterStage, parameters: string): Promise<void> {
  stage.env['DATABASE_URL'] = `${appUrl(stage, stage.cluster.node(one))}?${parameters}`
  return Promise.resolve()
}
