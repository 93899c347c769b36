/** `npm run failovers [COUNT]`: failovers in a row on a real cluster under the exporter, with what it said of each. */
import { startCluster } from '../servers/postgres.ts'
import { startRouter } from '../servers/router.ts'
import { watchCluster, wrongs } from './watch.ts'

const count = Number(process.argv[2] ?? 50)
if (!Number.isInteger(count) || count < 1 || count > 1_000) {
  process.stderr.write('usage: npm run failovers [-- COUNT], from 1 to 1000 (default 50)\n')
  process.exit(64)
}

const cluster = await startCluster({ standbys: 2 })
const router = await startRouter()
router.route([await cluster.primary()])
const exporter = await watchCluster(cluster, {
  port: router.port,
  follow: node => router.route([node]),
})
let failed = 0
for (let n = 1; n <= count; n++) {
  const names = cluster.nodes.map(node => node.name)
  const to = names[n % names.length] ?? ''
  const failover = await exporter.failOver(to)
  const found = wrongs(failover, 500)
  failed += Number(found.length > 0)
  const writer = (failover.firstWriteAfter - failover.lastWriteBefore) / 1000
  const path = failover.said.map(one => one.mail).join(' → ')
  process.stdout.write(
    `${String(n).padStart(3)}  ${failover.from} → ${to}  outage ${writer.toFixed(2)} s, counted ${failover.outageSeconds.toFixed(2)} s  ${path}  ${found.join('; ') || 'right'}\n`,
  )
}
await exporter.stop()
await router.close()
await cluster.stop()
process.stdout.write(`${count - failed} passed, ${failed} failed\n`)
process.exitCode = failed > 0 ? 1 : 0
