import { afterAll, beforeAll, expect, it } from 'vitest'
import { haproxyBinary, haproxyInstall, startHaproxy } from '../servers/haproxy.ts'
import { startCluster, type Cluster, type PostgresNode } from '../servers/postgres.ts'
import { needs } from '../servers/processes.ts'
import { startRouter } from '../servers/router.ts'
import { watchCluster, wrongs, type Endpoint } from './watch.ts'

let cluster: Cluster
beforeAll(async () => {
  cluster = await startCluster({ standbys: 2 })
})
afterAll(() => cluster.stop())

async function watched(endpoint: Endpoint, stopEndpoint: () => Promise<void>, to: string): Promise<void> {
  const exporter = await watchCluster(cluster, endpoint)
  try {
    const failover = await exporter.failOver(to)
    expect(wrongs(failover, 1_000), JSON.stringify(failover.said, null, 1)).toEqual([])
    // The outage was seen while it lasted, with the path, its cluster or the node behind it to blame, and nothing else.
    const roots = new Set(failover.said.flatMap(one => one.root ?? []))
    expect(failover.said.map(one => one.mail)).toContain('fail')
    for (const root of roots) expect(root).toMatch(/^(write_path\/app|cluster\/kb|postgres\/db-postgres-\d+) /)
    expect(failover.said.at(-1)).toMatchObject({ mail: 'ok', primary: to, splitBrain: false, writePath: 'ok' })
  } finally {
    await exporter.stop()
    await stopEndpoint()
  }
}

it('a failover is seen as one outage and one new primary, by way of a router', async () => {
  const router = await startRouter()
  const follow = (node: PostgresNode): void => router.route([node])
  follow(await cluster.primary())
  await watched({ port: router.port, follow }, () => router.close(), 'db-postgres-02')
}, 60_000)

it.skipIf(!needs('HAProxy', haproxyBinary(), haproxyInstall))(
  'and by way of HAProxy',
  async () => {
    const primary = await cluster.primary()
    const haproxy = await startHaproxy({ servers: [primary], check: 'tcp' })
    await watched(
      { port: haproxy.write, follow: node => haproxy.route([node]) },
      () => haproxy.stop(),
      'db-postgres-03',
    )
  },
  60_000,
)
