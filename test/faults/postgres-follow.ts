import { conninfo } from '../servers/postgres-copy.ts'
import { waitFor } from '../servers/processes.ts'
import { three, two, type ClusterStage, type NodeName } from './cluster-stage.ts'

/** Makes a standby stream from another node, as a failover manager does. */
export async function follow({ cluster }: ClusterStage, standby: NodeName, upstream: NodeName): Promise<void> {
  const node = cluster.node(standby)
  await node.query(`alter system set primary_conninfo = '${conninfo(node, cluster.node(upstream).port)}'`)
  await node.query('select pg_reload_conf()')
}

/** Until the one standby streams from the other. */
export async function cascade(stage: ClusterStage, standby: NodeName, upstream: NodeName): Promise<void> {
  await follow(stage, standby, upstream)
  const { port } = stage.cluster.node(upstream)
  const streams = `select from pg_stat_wal_receiver where status = 'streaming' and sender_port = ${port}`
  await waitFor(async () => (await stage.cluster.node(standby).query(streams)).length === 1, {
    what: `${standby} streams from ${upstream}`,
  })
}

/** db-postgres-02 is promoted and db-postgres-03 follows it, while db-postgres-01 goes on to be a primary. */
export async function failOverUnfenced(stage: ClusterStage): Promise<void> {
  // Before the promotion: what it still got from the old primary after it would keep it from following.
  await cascade(stage, three, two)
  await stage.cluster.splitBrain(two)
}
