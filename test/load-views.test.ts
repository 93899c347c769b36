/** What Patroni, HAProxy and PgBouncer are asked, counted on their side: once for each target and round, and never unasked. */
import { createServer } from 'node:http'
import { setMaxListeners } from 'node:events'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { parseConfig } from '../src/config/load.ts'
import { createLog } from '../src/core/log.ts'
import { createMonitor } from '../src/monitor/index.ts'
import type { Status } from '../src/monitor/ledger.ts'
import { createReferences } from '../src/references/index.ts'
import { listen, type Listening } from './servers/hostile.ts'
import { startPatroniDouble, type PatroniKnobs } from './servers/patroni-double.ts'
import {
  administrator,
  pgbouncerBinary,
  pgbouncerInstall,
  startPgbouncer,
  type Pgbouncer,
} from './servers/pgbouncer.ts'
import { startCluster, type Cluster } from './servers/postgres.ts'
import { needs, waitFor } from './servers/processes.ts'
import { startRouter, type Router } from './servers/router.ts'

const rounds = 3
const csv = '# pxname,svname,scur,status,lastchg,type,check_status,check_code,\nwrite,n1,0,UP,60,2,L7OK,200,\n'

let cluster: Cluster
let patroni: PatroniKnobs & Listening
let statistics: Listening
let requests: string[] = []
/** In front of PgBouncer, where sessions are counted. */
let door: Router | undefined
let pgbouncer: Pgbouncer | undefined

beforeAll(async () => {
  cluster = await startCluster({ standbys: 0 })
  patroni = await startPatroniDouble()
  const server = createServer((request, response) => {
    requests.push(`${request.method ?? ''} ${request.url ?? ''}`)
    response.end(csv)
  })
  statistics = await listen(server)
  if (!needs('PgBouncer', pgbouncerBinary(), pgbouncerInstall)) return
  pgbouncer = await startPgbouncer({ to: first(), logins: [cluster.logins.backend] })
  door = await startRouter()
  door.route([pgbouncer])
})
afterAll(async () => {
  await door?.close()
  await pgbouncer?.stop()
  await statistics.close()
  await patroni.close()
  await cluster.stop()
})
beforeEach(() => {
  patroni.requests.length = 0
  requests = []
})

function first() {
  const [node] = cluster.nodes
  if (!node) throw new Error('a cluster has a node')
  return node
}

/** Runs the monitor for some rounds, and gives how often each check ran. */
async function runsWith(sections: Readonly<Record<string, unknown>>): Promise<ReadonlyMap<string, number>> {
  const text = JSON.stringify({
    interval: '1s',
    timeout: '900ms',
    postgres: [{ name: 'n1', cluster: 'kb', url: { env: 'NODE' } }],
    write_path: [{ name: 'app', cluster: 'kb', url: { env: 'APP' } }],
    smtp: [{ name: 'relay', host: '127.0.0.1', port: 1, security: 'none' }],
    ...sections,
  })
  const { backend, monitor: role } = cluster.logins
  const env = {
    NODE: first().url(role),
    APP: first().url(backend, cluster.database),
    CONSOLE: `postgres://${administrator.user}:${administrator.password}@127.0.0.1:${door?.port ?? 0}/pgbouncer`,
  }
  const config = parseConfig(text, 'mailpath.yml')
  const references = createReferences({ env, vaults: [], kubernetes: undefined })
  const monitor = createMonitor(
    config,
    references,
    createLog('error', 'json', () => undefined),
  )
  const stop = new AbortController()
  setMaxListeners(0, stop.signal)
  const running = monitor.run(stop.signal)
  const enough = (): boolean => [...runsIn(monitor.status()).values()].every(runs => runs >= rounds)
  await waitFor(() => monitor.ready() && enough(), { timeoutMs: 60_000, what: `${rounds} rounds` })
  stop.abort(new Error('enough rounds'))
  await running
  return runsIn(monitor.status())
}

const runsIn = ({ records }: Status): ReadonlyMap<string, number> =>
  new Map([...records].map(([id, { runs }]) => [id, runs]))

/** The last run is not recorded if the end of the monitor cut it off. */
const onceIn =
  (runs = 0) =>
  (asked: number): boolean =>
    asked === runs || asked === runs + 1

describe('without targets of theirs', () => {
  it('Patroni, HAProxy and PgBouncer are asked nothing', async () => {
    await runsWith({})
    expect(patroni.requests).toEqual([])
    expect(requests).toEqual([])
    expect(door?.accepted() ?? 0).toBe(0)
  })
})

describe('with a target', () => {
  it('Patroni gets one request in each round, and one for its members in 5 minutes', async () => {
    const target = { name: 'n1', cluster: 'kb', url: `http://127.0.0.1:${patroni.port}` }
    const runs = (await runsWith({ patroni: [target] })).get('patroni/n1')
    const lines = patroni.requests.map(({ line }) => line.replace(/ HTTP.*$/u, ''))
    expect(lines.filter(line => line === 'GET /leader').length).toSatisfy(onceIn(runs))
    expect(lines.filter(line => line !== 'GET /leader')).toEqual(['GET /cluster'])
  })

  it('HAProxy gets one request in each round', async () => {
    const target = { name: 'lb-1', url: `http://127.0.0.1:${statistics.port}/stats;csv` }
    const runs = (await runsWith({ haproxy: [target] })).get('haproxy/lb-1')
    expect(requests.length).toSatisfy(onceIn(runs))
    expect(new Set(requests)).toEqual(new Set(['GET /stats;csv']))
  })

  it.skipIf(pgbouncerBinary() === undefined)('PgBouncer gets one session in each round', async () => {
    const before = door?.accepted() ?? 0
    const runs = (await runsWith({ pgbouncer: [{ name: 'pool-1', url: { env: 'CONSOLE' } }] })).get('pgbouncer/pool-1')
    expect((door?.accepted() ?? 0) - before).toSatisfy(onceIn(runs))
  })
})
