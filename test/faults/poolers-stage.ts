import { haproxyBinary, haproxyInstall, startHaproxy, type Haproxy } from '../servers/haproxy.ts'
import { pgbouncerBinary, pgbouncerInstall, startPgbouncer, type Pgbouncer } from '../servers/pgbouncer.ts'
import { clusterName, one, startClusterStage, type ClusterStage } from './cluster-stage.ts'
import { without } from './skip.ts'

/** Write paths through HAProxy (`haproxy-write`) and through PgBouncer (`pgbouncer`). */
export interface PoolersStage extends ClusterStage {
  readonly haproxy: Haproxy
  readonly pgbouncer: Pgbouncer
}

/** Why there is no such stage here. */
export const noPoolers =
  without('HAProxy', haproxyBinary(), haproxyInstall) ?? without('PgBouncer', pgbouncerBinary(), pgbouncerInstall)

/** Server connections PgBouncer may have for us. */
const poolSize = 2

export async function startPoolersStage(): Promise<PoolersStage> {
  const stage = await startClusterStage({
    sections: {
      write_path: [
        { name: 'haproxy-write', cluster: clusterName, url: { env: 'HAPROXY_URL' }, sessions: 3 },
        { name: 'pgbouncer', cluster: clusterName, url: { env: 'PGBOUNCER_URL' } },
      ],
    },
  })
  const { cluster } = stage
  const first = cluster.node(one)
  const haproxy = await startHaproxy({ servers: [first] })
  const settings = { default_pool_size: poolSize, max_client_conn: 20, query_wait_timeout: 30, server_login_retry: 0.2 }
  const pgbouncer = await startPgbouncer({ to: first, logins: [cluster.logins.backend], pooling: 'session', settings })
  const { user, password } = cluster.logins.backend
  const urlTo = (port: number): string => `postgres://${user}:${password}@127.0.0.1:${port}/${cluster.database}`
  Object.assign(stage.env, { HAPROXY_URL: urlTo(haproxy.write), PGBOUNCER_URL: urlTo(pgbouncer.port) })
  return {
    ...stage,
    haproxy,
    pgbouncer,
    async stop() {
      await haproxy.stop()
      await pgbouncer.stop()
      await stage.stop()
    },
  }
}
