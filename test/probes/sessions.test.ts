/** Sessions that an application keeps open, as a node tells them, and what a write path makes of them. */
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { CheckStatus } from '../../src/assess/assessment.ts'
import { seenBy, type Probe, type Target } from '../../src/core/probe.ts'
import { postgres } from '../../src/probes/postgres/index.ts'
import type { SessionGroup } from '../../src/probes/postgres/observe.ts'
import { writePath } from '../../src/probes/write_path/index.ts'
import type { WritePathTarget } from '../../src/probes/write_path/target.ts'
import { assessed, checkOf, type Looked } from '../status/looked.ts'
import { pgbouncerBinary, pgbouncerInstall, startPgbouncer } from '../servers/pgbouncer.ts'
import { startCluster, type Cluster, type PostgresNode } from '../servers/postgres.ts'
import { needs, waitFor } from '../servers/processes.ts'
import { startRouter, type Router } from '../servers/router.ts'
import { env, look } from './look.ts'

let cluster: Cluster
let router: Router
beforeAll(async () => {
  cluster = await startCluster({ standbys: 1 })
  router = await startRouter()
})
afterAll(async () => {
  await router.close()
  await cluster.stop()
})
const [first, second] = [() => cluster.node('db-postgres-01'), () => cluster.node('db-postgres-02')]

async function looked<T extends Target, Seen>(probe: Probe<T, Seen>, target: T, password: string): Promise<Looked> {
  const observation = await look(probe, target, { references: env({ PASSWORD: password }) })
  if (!observation) throw new Error('the run was not recorded')
  return { check: checkOf(probe, target), observation }
}

const lookAt = (node: PostgresNode, { user, password } = cluster.logins.monitor): Promise<Looked> => {
  const url = `postgres://${user}@127.0.0.1:${node.port}/postgres`
  return looked(
    postgres,
    postgres.target.parse({ name: node.name, cluster: 'kb', url, password: { env: 'PASSWORD' } }),
    password,
  )
}

const lookThrough = (port: number, fields: Partial<WritePathTarget> = {}): Promise<Looked> => {
  const { user, password } = cluster.logins.backend
  const url = `postgres://${user}@127.0.0.1:${port}/${cluster.database}`
  const target = writePath.target.parse({
    name: 'write',
    cluster: 'kb',
    url,
    driver: 'libpq',
    password: { env: 'PASSWORD' },
    ...fields,
  })
  return looked(writePath, target, password)
}

/** A session of the application. */
async function session(port: number, fields: { application_name?: string } = {}): Promise<Client> {
  const { backend } = cluster.logins
  const client = new Client({ host: '127.0.0.1', port, database: cluster.database, ...backend, ...fields })
  client.on('error', () => undefined)
  await client.connect()
  onTestFinished(() => client.end().catch(() => undefined))
  return client
}

/** The sessions of the application's role in its database, as the node tells them. */
async function sessionsOn(
  node: PostgresNode,
  login = cluster.logins.monitor,
): Promise<SessionGroup | null | undefined> {
  const { observation } = await lookAt(node, login)
  const sessions = seenBy(postgres, observation)?.seen.facts?.sessions
  return sessions && sessions.find(({ role, database }) => role === 'kb_backend' && database === cluster.database)
}
const none = (node: PostgresNode): Promise<unknown> =>
  waitFor(async () => (await sessionsOn(node)) === undefined, {
    what: `the application has no session on ${node.name}`,
  })
const settled = (node: PostgresNode): Promise<unknown> =>
  waitFor(async () => ((await sessionsOn(node))?.settled ?? 0) > 0, { timeoutMs: 10_000, what: 'a session is settled' })

/** The write path, as it is assessed with both nodes. */
async function assessedThrough(port: number, fields: Partial<WritePathTarget> = {}) {
  const all = [await lookAt(first()), await lookAt(second()), await lookThrough(port, fields)]
  const { checks, samples } = assessed(all, { now: Date.now() })
  const path = checks.find(({ probe }) => probe === 'write_path')
  if (!path) throw new Error('there is no write path')
  const count = (node: PostgresNode): number | undefined =>
    samples.find(({ metric, labels }) => metric.name === 'mailpath_postgres_sessions' && labels['target'] === node.name)
      ?.value
  return { path, counts: [count(first()), count(second())] }
}
const codesOf = ({ reasons }: CheckStatus): string[] => reasons.map(({ code }) => code)

describe('the sessions of an application', () => {
  it('are counted without ours, by age and by what they do', async () => {
    await none(first())
    const [busy] = [await session(first().port), await session(first().port)]
    await session(first().port, { application_name: 'mailpath-exporter watch' })
    await busy.query('begin')
    expect(await sessionsOn(first())).toMatchObject({ count: 2, idle: 1, settled: 0 })
    await settled(first())
    const later = await sessionsOn(first())
    expect(later).toMatchObject({ count: 2, idle: 1 })
    expect(later?.oldest_seconds).toBeGreaterThan(5)
    expect(later?.oldest_seconds).toBeLessThan(60)
  })

  it('are not known without pg_monitor, and no session of ours is one', async () => {
    await none(first())
    expect(await sessionsOn(first(), cluster.logins.plain)).toBeNull()
    const { path, counts } = await assessedThrough(first().port)
    expect(path.verdict).toBe('ok')
    expect(counts).toEqual([0, 0])
  })

  it('are found on the node that was the primary, after a switchover, and not once the pool has let go of them', async () => {
    await cluster.failover('db-postgres-02')
    await cluster.rejoin('db-postgres-01')
    // The balancer has not noticed yet: the pool comes back, and lands on the old primary.
    router.route([first()])
    const pooled = await session(router.port)
    router.route([second()])
    expect((await assessedThrough(router.port)).path.verdict).toBe('ok')
    await settled(first())
    await expect(pooled.query(`insert into outbound_email (recipient) values ('x@example.com')`)).rejects.toMatchObject(
      { code: '25006' },
    )
    const { path, counts } = await assessedThrough(router.port)
    expect(path.verdict).toBe('warn')
    expect(codesOf(path)).toEqual(['write_path_sessions_on_standby'])
    expect(path.evidence).toMatch(
      /the primary is db-postgres-02, but .* 1 on db-postgres-01 \(1 idle, the oldest for \d+ s\)/,
    )
    expect(counts).toEqual([1, 0])
    expect((await assessedThrough(router.port, { pooled: true })).path.verdict).toBe('fail')
    expect((await assessedThrough(router.port, { pooled: false })).path.verdict).toBe('ok')
    await pooled.end()
    await none(first())
    expect((await assessedThrough(router.port)).path.verdict).toBe('ok')
  })
})

describe.skipIf(!needs('PgBouncer', pgbouncerBinary(), pgbouncerInstall))('behind PgBouncer', { tags: 'slow' }, () => {
  const variants = [
    ['transaction', {}],
    ['transaction', { application_name_add_host: 1, server_reset_query_always: 1 }],
    ['session', { application_name_add_host: 1 }],
  ] as const
  it.each(variants)(
    'the session that we leave in its pool is one of the application, and no fault (%s, %j)',
    async (pooling, settings) => {
      const [primary, standby] = [await cluster.primary(), (await cluster.standbys())[0] ?? first()]
      await none(primary)
      const pgbouncer = await startPgbouncer({ to: primary, logins: [cluster.logins.backend], pooling, settings })
      onTestFinished(() => pgbouncer.stop())
      await lookThrough(pgbouncer.port)
      await settled(primary)
      const names = await primary.query(`select application_name from pg_stat_activity where usename = 'kb_backend'`)
      expect(JSON.stringify(names)).not.toContain('mailpath')
      const { path } = await assessedThrough(pgbouncer.port)
      expect(path.verdict).toBe('ok')
      expect([await sessionsOn(primary), await sessionsOn(standby)]).toMatchObject([{ count: 1 }, undefined])
    },
  )

  it.each(variants)(
    'a server session of its pool that stayed on a standby is found, and RECONNECT ends it (%s, %j)',
    async (pooling, settings) => {
      const [primary, standby] = [await cluster.primary(), (await cluster.standbys())[0] ?? first()]
      await none(standby)
      router.route([standby])
      const pgbouncer = await startPgbouncer({ to: router, logins: [cluster.logins.backend], pooling, settings })
      onTestFinished(() => pgbouncer.stop())
      const busy = await session(pgbouncer.port)
      await busy.query('begin')
      router.route([primary])
      await settled(standby)
      const { path } = await assessedThrough(pgbouncer.port)
      expect(path).toMatchObject({
        verdict: 'warn',
        evidence: expect.stringContaining(`1 on ${standby.name} (0 idle`) as string,
      })
      expect(codesOf(path)).toEqual(['write_path_sessions_on_standby'])
      expect(path.reasons[0]?.remedy).toContain('RECONNECT')
      await pgbouncer.admin('RECONNECT')
      await (pooling === 'session' ? busy.end() : busy.query('commit'))
      await none(standby)
      expect((await assessedThrough(pgbouncer.port)).path.verdict).toBe('ok')
    },
  )

  it('without anything of the application, what only we left on a standby is said once, as a path that lands there', async () => {
    const standby = (await cluster.standbys())[0] ?? first()
    await none(standby)
    const pgbouncer = await startPgbouncer({ to: standby, logins: [cluster.logins.backend] })
    onTestFinished(() => pgbouncer.stop())
    await lookThrough(pgbouncer.port)
    await settled(standby)
    expect(codesOf((await assessedThrough(pgbouncer.port)).path)).toEqual(['write_path_read_only'])
  })
})
