import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Observation } from '../../src/core/probe.ts'
import {
  databasesIn,
  versionIn,
  type PgbouncerDatabase,
  type PgbouncerServer,
} from '../../src/probes/pgbouncer/console.ts'
import { pgbouncer } from '../../src/probes/pgbouncer/index.ts'
import type { PgbouncerSeen } from '../../src/probes/pgbouncer/observe.ts'
import type { PgbouncerTarget } from '../../src/probes/pgbouncer/target.ts'
import { pgbouncerBinary, pgbouncerInstall, startPgbouncer, type Pgbouncer } from '../servers/pgbouncer.ts'
import { startPgbouncerDouble } from '../servers/pgbouncer-double.ts'
import { startCluster, type Cluster } from '../servers/postgres.ts'
import { needs, waitFor } from '../servers/processes.ts'
import { expectSamples, postgresOpening, probeContract } from './contract.ts'
import { env, look } from './look.ts'
import { valueOf } from './values.ts'

const target = (fields: Partial<PgbouncerTarget> = {}): PgbouncerTarget => ({
  ...pgbouncer.target.parse({ name: 'pool-1', url: 'postgres://stats@pool-1:6432/pgbouncer' }),
  ...fields,
})

const database = (name: string, more: Partial<PgbouncerDatabase> = {}): PgbouncerDatabase => ({
  name,
  host: '10.0.0.1',
  port: 5432,
  paused: false,
  disabled: false,
  active: 2,
  waiting: 0,
  maxWaitSeconds: 0,
  servers: [{ address: '10.0.0.1', port: 5432, connections: 5, connecting: 1 }],
  ...more,
})

describe('judge', () => {
  const seen = (over: Partial<PgbouncerSeen>): PgbouncerSeen => ({ address: 'pool-1:6432', version: '1.18.0', ...over })
  const failure = (code: string, text: string) =>
    seen({ failure: { phase: 'login', code, text: `pool-1:6432: ${text}`, timedOut: false } })
  const waits = database('app', { waiting: 3, maxWaitSeconds: 5, servers: [] })

  it.each<[string, PgbouncerSeen, Observation['verdict'], readonly string[]]>([
    ['databases', seen({ databases: [database('app')] }), 'ok', []],
    ['no databases', seen({ databases: [] }), 'ok', []],
    ['one that is paused', seen({ databases: [database('app', { paused: true })] }), 'warn', ['pgbouncer_paused']],
    ['one that is disabled', seen({ databases: [database('app', { disabled: true })] }), 'warn', ['pgbouncer_paused']],
    ['clients that wait', seen({ databases: [waits] }), 'warn', ['pgbouncer_clients_wait']],
    ['clients that wait, for a moment', seen({ databases: [{ ...waits, maxWaitSeconds: 4.9 }] }), 'ok', []],
    [
      'clients that wait for the pause',
      seen({ databases: [{ ...waits, paused: true }] }),
      'warn',
      ['pgbouncer_paused'],
    ],
    ['another server', seen({}), 'unknown', ['pgbouncer_not_pgbouncer']],
    ['a wrong password', failure('08P01', 'SASL authentication failed'), 'fail', ['pgbouncer_login_failed']],
    ['no such database', failure('08P01', 'no such database: console'), 'unknown', ['pgbouncer_not_pgbouncer']],
    ['a refusal', failure('ECONNREFUSED', 'refused'), 'fail', ['pgbouncer_unreachable']],
    ['a URL that says too much', seen({ notUnderstood: 'has what' }), 'unknown', ['pgbouncer_url_not_understood']],
  ])('%s', (_, facts, verdict, codes) => {
    const found = pgbouncer.judge(facts, target())
    expect([found.verdict, found.reasons.map(({ code }) => code)]).toEqual([verdict, codes])
    const reachable = facts.notUnderstood === undefined ? Number(facts.databases !== undefined) : undefined
    expect(valueOf(found, 'mailpath_pgbouncer_reachable')).toBe(reachable)
  })

  it('sends to the server behind only if it has no connection to that', () => {
    const remedyFor = (servers: readonly PgbouncerServer[]) =>
      pgbouncer.judge(seen({ databases: [{ ...waits, host: 'lb-1', port: 5000, servers }] }), target()).reasons[0]
        ?.remedy
    const opening = { address: '10.0.0.1', port: 5000, connections: 1, connecting: 1 }
    for (const none of [[], [opening]])
      expect(remedyFor(none)).toMatch(
        /^It gets no connection to lb-1:5000, so the fault is probably there: .* Restart no/,
      )
    expect(remedyFor([{ ...opening, connections: 20, connecting: 0 }])).toMatch(
      /^All its server connections are in use/,
    )
  })

  it('says in one line what there is, and what is wrong', () => {
    expect(
      pgbouncer.judge(seen({ databases: [database('app'), database('b', { servers: [] })] }), target()).evidence,
    ).toBe(
      'pool-1:6432: PgBouncer 1.18.0; app: 2 active, 0 waiting, 5 server connections to 10.0.0.1:5432, 1 of them being opened; b: 2 active, 0 waiting, no server connections',
    )
    const found = pgbouncer.judge(seen({ databases: [waits, database('b', { paused: true, waiting: 1 })] }), target())
    expect(found.reasons.map(({ text }) => text)).toEqual([
      'pool-1:6432: b is paused, 1 client waits',
      'pool-1:6432: app: 3 clients wait, the first for 5.0 s; no server connections',
    ])
  })

  it('gives the series of each database, of the first 200', () => {
    const many = Array.from({ length: 500 }, (_, i) => database(`d${i}`, { waiting: 1, maxWaitSeconds: 0.25 }))
    const found = pgbouncer.judge(seen({ databases: many }), target())
    expect(found.samples.length).toBe(1 + 200 * 5)
    expect(found.evidence).toMatch(/ and 492 more; only the first 200 have metrics$/)
    const of = (metric: string) => valueOf(found, `mailpath_pgbouncer_${metric}`, { database: 'd0' })
    const all = ['paused', 'clients_active', 'clients_waiting', 'max_wait_seconds', 'server_connections']
    expect(all.map(of)).toEqual([0, 2, 1, 0.25, 5])
  })
})

describe('the console', () => {
  const ofConsole = { name: 'pgbouncer', host: null, port: 6432, database: 'pgbouncer', paused: 0, disabled: 0 }

  it('is read by the names of its columns, of all versions', () => {
    const servers = ['active', 'idle', 'new'].map(state => ({
      type: 'S',
      database: 'app',
      state,
      addr: '10.0.0.1',
      port: 5432,
    }))
    const databases = databasesIn({
      databases: [{ ...ofConsole }, { ...ofConsole, name: 'app', host: 'a,b', port: 5432, paused: 1, new_column: 'x' }],
      pools: [
        { database: 'app', user: 'a', cl_active: 1, cl_waiting: 2, maxwait: 3, maxwait_us: 500_000 },
        { database: 'app', user: 'b', cl_active: '1', cl_waiting: 0, maxwait: 0, maxwait_us: 7 },
      ],
      servers,
      allPaused: false,
    })
    expect(databases).toEqual([
      database('app', {
        host: 'a,b',
        paused: true,
        waiting: 2,
        maxWaitSeconds: 3.5,
        servers: [{ address: '10.0.0.1', port: 5432, connections: 3, connecting: 1 }],
      }),
    ])
  })

  it('shows a database by the fallback by its pools alone, while it has no connections', () => {
    const pools = [{ database: 'idle', user: 'a', cl_active: 0, cl_waiting: 0, maxwait: 0, maxwait_us: 0 }]
    const databases = databasesIn({ databases: [ofConsole], pools, servers: [], allPaused: false })
    expect(databases).toEqual([database('idle', { host: undefined, port: undefined, active: 0, servers: [] })])
    const found = pgbouncer.judge({ address: 'pool-1:6432', version: '1.18.0', databases }, target())
    expect(found.verdict).toBe('ok')
    expect(valueOf(found, 'mailpath_pgbouncer_paused')).toBeUndefined()
  })

  it('is none without the database of the console', () => {
    const none = { pools: [], servers: [], allPaused: false }
    expect(databasesIn({ ...none, databases: [] })).toBeUndefined()
    expect(databasesIn({ ...none, databases: [{ Name: 'app' }] })).toBeUndefined()
    expect(databasesIn({ ...none, databases: [ofConsole] })).toEqual([])
  })

  it.each([
    ['PgBouncer 1.18.0', '1.18.0'],
    ['PgBouncer 1.24.1 (Debian)', '1.24.1'],
    ['PostgreSQL 18.4', undefined],
    [17, undefined],
  ])('of %s has the version %s', (version, expected) => {
    expect(versionIn([{ version }])).toBe(expected)
  })
})

describe('a PgBouncer 1.24', () => {
  const databases = [
    { name: 'pgbouncer', host: null, port: 6432, paused: 0, disabled: 0 },
    { name: 'app', host: '10.0.0.1', port: 5432, paused: 0, disabled: 0 },
  ]
  const tables = (paused: 'yes' | 'no') => ({
    version: [{ version: 'PgBouncer 1.24.1' }],
    databases,
    pools: [{ database: 'app', user: 'a', cl_active: 0, cl_waiting: 2, maxwait: 9, maxwait_us: 5 }],
    servers: [{ type: 'S', database: 'app', state: 'new', addr: '10.0.0.1', port: 5432 }],
    state: [
      { key: 'active', value: paused === 'yes' ? 'no' : 'yes' },
      { key: 'paused', value: paused },
      { key: 'suspended', value: 'no' },
    ],
  })

  it.each([
    ['yes', 'pgbouncer_paused', 'app is paused, 2 clients wait'],
    ['no', 'pgbouncer_clients_wait', '1 server connection to 10.0.0.1:5432, 1 of them being opened'],
  ] as const)('says whether all of it is paused (%s), and is only asked', async (paused, code, said) => {
    const double = await startPgbouncerDouble(tables(paused))
    onTestFinished(() => double.close())
    const url = `postgres://stats@127.0.0.1:${double.port}/pgbouncer?sslmode=disable`
    const found = await look(pgbouncer, target({ url }))
    expect(found?.reasons).toMatchObject([{ code, text: expect.stringContaining(said) as string }])
    expect(double.commands).toEqual(['show version', 'show databases', 'show pools', 'show servers', 'show state'])
    expect(double.accepted).toBe(1)
  })

  it('is none where something else answers', async () => {
    const double = await startPgbouncerDouble({ ...tables('no'), version: [{ version: 'PostgreSQL 18.4' }] })
    onTestFinished(() => double.close())
    const url = `postgres://stats@127.0.0.1:${double.port}/pgbouncer?sslmode=disable`
    expect((await look(pgbouncer, target({ url })))?.reasons.map(one => one.code)).toEqual(['pgbouncer_not_pgbouncer'])
    expect(double.commands).toEqual(['show version'])
  })
})

probeContract(
  pgbouncer,
  port => target({ url: `postgres://stats@127.0.0.1:${port}/pgbouncer`, password: { env: 'CANARY' } }),
  { opening: postgresOpening },
)

describe.skipIf(!needs('PgBouncer', pgbouncerBinary(), pgbouncerInstall))('a real PgBouncer', () => {
  const stats = { user: 'stats', password: 'Kq7-stats' }
  let cluster: Cluster
  let pool: Pgbouncer
  beforeAll(async () => {
    cluster = await startCluster({ standbys: 0 })
    const [first] = cluster.nodes
    if (!first) throw new Error('the cluster has no node')
    pool = await startPgbouncer({
      to: first,
      logins: [cluster.logins.backend, stats],
      database: 'keybuzz_backend',
      pooling: 'session',
      settings: { stats_users: 'stats', default_pool_size: 1, server_login_retry: 60, query_wait_timeout: 60 },
    })
  })
  afterAll(async () => {
    await pool.stop()
    await cluster.stop()
  })

  const observed = async (fields: Partial<PgbouncerTarget> = {}) => {
    const found = await look(
      pgbouncer,
      target({ url: `postgres://stats@127.0.0.1:${pool.port}/pgbouncer`, password: { env: 'STATS' }, ...fields }),
      { references: env({ STATS: stats.password, WRONG: 'wrong' }) },
    )
    if (!found) throw new Error('the run was not recorded')
    expectSamples(found, pgbouncer)
    return { ...found, seen: found.seen as PgbouncerSeen }
  }
  const own = async () => (await observed()).seen.databases?.find(({ name }) => name === 'keybuzz_backend')
  const client = () => {
    const made = new Client({
      host: pool.host,
      port: pool.port,
      database: 'keybuzz_backend',
      ...cluster.logins.backend,
    })
    made.on('error', () => undefined)
    return made
  }

  it('says where a database leads, and who uses it', async () => {
    const user = client()
    await user.connect()
    try {
      await user.query('select 1')
      const found = await observed()
      expect(found.verdict).toBe('ok')
      expect(found.seen.version).toMatch(/^1\.\d+/)
      const port = cluster.nodes[0]?.port
      expect(found.seen.databases).toEqual([
        database('keybuzz_backend', {
          host: '127.0.0.1',
          port,
          active: 1,
          servers: [{ address: '127.0.0.1', port, connections: 1, connecting: 0 }],
        }),
      ])
    } finally {
      await user.end()
    }
  })

  it('says that clients wait, where the pool is used up', async () => {
    const [user, second] = [client(), client()]
    await user.connect()
    try {
      await user.query('select 1')
      await second.connect()
      const waiting = second.query('select 1')
      const found = await waitFor(
        async () => {
          const one = await observed({ max_wait: 100 })
          return one.verdict === 'warn' && one
        },
        { what: 'a client that waits' },
      )
      expect(found.reasons.map(({ code }) => code)).toEqual(['pgbouncer_clients_wait'])
      expect(found.reasons[0]?.text).toMatch(
        /keybuzz_backend: 1 client waits, the first for \d\.\d s; 1 server connection to 127/,
      )
      await user.end()
      await waiting
    } finally {
      await second.end()
    }
  })

  it('says that a database is paused, and that it is no longer', async () => {
    await waitFor(async () => (await own())?.active === 0, { what: 'no client' })
    await pool.admin('PAUSE keybuzz_backend')
    const found = await observed()
    expect(found.reasons.map(({ code }) => code)).toEqual(['pgbouncer_paused'])
    expect(found.reasons[0]?.text).toContain('keybuzz_backend is paused, 0 clients wait')
    await pool.admin('RESUME keybuzz_backend')
    await pool.admin('DISABLE keybuzz_backend')
    expect((await observed()).reasons[0]?.text).toContain('keybuzz_backend is disabled')
    await pool.admin('ENABLE keybuzz_backend')
    expect((await observed()).verdict).toBe('ok')
  })

  it('says that clients wait without a connection, where the server behind is dead', async () => {
    const [first] = cluster.nodes
    if (!first) throw new Error('the cluster has no node')
    await first.stop()
    const user = client()
    try {
      await user.connect()
      user.query('select 1').catch(() => undefined)
      const found = await waitFor(
        async () => {
          const one = await observed({ max_wait: 200 })
          return one.verdict === 'warn' && one
        },
        { what: 'a client that waits' },
      )
      expect(found.reasons[0]?.text).toMatch(/keybuzz_backend: 1 client waits, the first for \d\.\d s; no server conn/)
      expect((await own())?.port).toBe(first.port)
    } finally {
      await user.end().catch(() => undefined)
      await first.start()
    }
  })

  it('is not the database of an application, nor let in by another password', async () => {
    const codes = async (fields: Partial<PgbouncerTarget>) => (await observed(fields)).reasons.map(({ code }) => code)
    expect(await codes({ password: { env: 'WRONG' } })).toEqual(['pgbouncer_login_failed'])
    const { user, password } = cluster.logins.backend
    const url = `postgres://${user}@127.0.0.1:${cluster.nodes[0]?.port ?? 0}/keybuzz_backend`
    const found = await look(pgbouncer, target({ url, password: { env: 'P' } }), { references: env({ P: password }) })
    expect(found?.reasons.map(({ code }) => code)).toEqual(['pgbouncer_not_pgbouncer'])
  })
})
