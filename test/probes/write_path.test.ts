import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Observation } from '../../src/core/probe.ts'
import { writePath } from '../../src/probes/write_path/index.ts'
import type { Landing, WritePathSeen, Rung } from '../../src/probes/write_path/observe.ts'
import type { WritePathTarget } from '../../src/probes/write_path/target.ts'
import { haproxyBinary, haproxyInstall, startHaproxy } from '../servers/haproxy.ts'
import { pgbouncerBinary, pgbouncerInstall, startPgbouncer } from '../servers/pgbouncer.ts'
import { startCluster, type Cluster, type PostgresNode } from '../servers/postgres.ts'
import { freePort, needs, waitFor } from '../servers/processes.ts'
import { startRouter, type Router } from '../servers/router.ts'
import { postgresOpening, probeContract } from './contract.ts'
import { env, look } from './look.ts'
import { valueOf } from './values.ts'

const target = (fields: Partial<WritePathTarget> = {}): WritePathTarget =>
  writePath.target.parse({
    name: 'app',
    cluster: 'kb',
    ...(fields.host === undefined && { url: { env: 'URL' } }),
    ...fields,
  })

const landing: Landing = {
  in_recovery: false,
  read_only: false,
  read_only_source: 'default',
  server_address: '10.0.0.120',
  server_port: 5432,
  postmaster_start: '2026-01-12T08:00:00.000000',
  system_identifier: '7000000000000000001',
  wal_file_timeline: '00000001',
  backend_pid: 42,
  backend_age_seconds: 0.01,
  role: 'kb_backend',
  database: 'keybuzz_backend',
  role_valid_until: null,
  role_valid_seconds: null,
  pooled: false,
}
const rung = (name: Rung['rung'], fields: Partial<Rung> = {}): Rung => ({
  rung: name,
  ok: true,
  hung: false,
  seconds: 0.002,
  code: undefined,
  text: '',
  syncWait: false,
  ...fields,
})
const refused = (name: Rung['rung'], code: string | undefined, text: string): Rung =>
  rung(name, { ok: false, code, text })
const climbed = [rung('xid'), rung('commit')]
const seen = (fields: Partial<WritePathSeen>): WritePathSeen => ({
  address: '10.0.0.10:5432',
  addressOnly: undefined,
  landings: [landing],
  ladder: climbed,
  failure: undefined,
  ...fields,
})

describe('the judgement of a write path', () => {
  const onStandby = { ...landing, in_recovery: true, read_only: true }
  it.each<[string, Partial<WritePathSeen>, string | undefined, { writable: 0 | 1; cause?: string }]>([
    ['a committed write', {}, undefined, { writable: 1 }],
    [
      'a standby',
      { landings: [onStandby], ladder: [refused('xid', '25006', 'cannot execute')] },
      'write_path_read_only',
      { writable: 0, cause: 'standby' },
    ],
    [
      'read-only by role',
      { landings: [{ ...landing, read_only: true, read_only_source: 'user' }] },
      'write_path_read_only',
      { writable: 0, cause: 'role' },
    ],
    [
      'read-only by role, all of them',
      { landings: [{ ...landing, read_only: true, read_only_source: 'global' }] },
      'write_path_read_only',
      { writable: 0, cause: 'role' },
    ],
    [
      'read-only by database',
      { landings: [{ ...landing, read_only: true, read_only_source: 'database' }] },
      'write_path_read_only',
      { writable: 0, cause: 'database' },
    ],
    [
      'read-only by file',
      { landings: [{ ...landing, read_only: true, read_only_source: 'configuration file' }] },
      'write_path_read_only',
      { writable: 0, cause: 'server' },
    ],
    [
      'read-only by session',
      { landings: [{ ...landing, read_only: true, read_only_source: 'client' }] },
      'write_path_read_only',
      { writable: 0, cause: 'session' },
    ],
    [
      'one session of two on a standby',
      { landings: [landing, onStandby] },
      'write_path_read_only',
      { writable: 0, cause: 'standby' },
    ],
    [
      'a full disk',
      { ladder: [rung('xid'), refused('commit', '53100', 'could not extend file: No space left on device')] },
      'write_path_disk_full',
      { writable: 0 },
    ],
    [
      'a full data volume',
      {
        ladder: [refused('xid', '53100', 'could not write to file: No space left on device')],
      },
      'write_path_disk_full',
      { writable: 0 },
    ],
    [
      'a commit that hangs',
      { ladder: [rung('xid'), rung('commit', { ok: false, hung: true, syncWait: true })] },
      'write_path_commit_stuck',
      { writable: 0 },
    ],
    [
      'a deadline before the commit',
      { ladder: [rung('xid', { ok: false, hung: true, text: 'no answer within 5 s' })] },
      'write_path_no_answer',
      { writable: 0 },
    ],
    [
      'a heartbeat whose commit hangs',
      { ladder: [...climbed, rung('heartbeat', { ok: false, hung: true, syncWait: true })] },
      'write_path_commit_stuck',
      { writable: 0 },
    ],
    [
      'an earlier commit that hangs',
      { ladder: [rung('xid'), refused('commit', '55P03', 'canceling statement due to lock timeout')] },
      'write_path_commit_stuck',
      { writable: 0 },
    ],
    [
      'an odd refusal',
      { ladder: [rung('xid'), refused('commit', 'XX000', 'cannot make new WAL entries during recovery')] },
      'write_path_write_refused',
      { writable: 0 },
    ],
    ...(
      [
        ['XX000', 'GetNewTransactionId', 'cannot assign TransactionIds during recovery'],
        ['XX000', 'XLogBeginInsert', 'cannot make new WAL entries during recovery'],
        ['25006', 'PreventCommandDuringRecovery', 'cannot execute pg_current_xact_id() during recovery'],
      ] as const
    ).map(([code, routine, text]): [string, Partial<WritePathSeen>, string, { writable: 0; cause: string }] => [
      `a pooler that goes on with a standby (${code}, ${routine})`,
      { ladder: [rung('xid'), { ...refused('commit', code, text), routine }] },
      'write_path_read_only',
      { writable: 0, cause: 'standby' },
    ]),
    [
      'a connection lost on the way',
      { ladder: [refused('xid', undefined, 'Connection terminated unexpectedly')] },
      'write_path_write_refused',
      { writable: 0 },
    ],
    [
      'a locked heartbeat table',
      { ladder: [...climbed, refused('heartbeat', '55P03', 'canceling statement due to lock timeout')] },
      'write_path_heartbeat_refused',
      { writable: 0 },
    ],
    ['no rung climbed', { ladder: [] }, 'write_path_write_refused', { writable: 0 }],
  ])('%s', (_, fields, code, { writable, cause }) => {
    const found = writePath.judge(seen(fields), target())
    expect(found.verdict).toBe(code ? 'fail' : 'ok')
    expect(found.reasons.map(reason => reason.code)).toEqual(code ? [code] : [])
    expect(valueOf(found, 'mailpath_write_path_reachable')).toBe(1)
    expect(valueOf(found, 'mailpath_write_path_writable')).toBe(writable)
    expect(valueOf(found, 'mailpath_write_path_read_only')).toBe(Number(cause !== undefined))
    for (const one of ['standby', 'role', 'database', 'server', 'session'])
      expect(valueOf(found, 'mailpath_write_path_read_only_cause', { cause: one })).toBe(Number(one === cause))
    expect(valueOf(found, 'mailpath_write_path_pooled')).toBe(0)
  })

  it('has no verdict on a write where there is no user to try one with', () => {
    const found = writePath.judge(
      seen({ addressOnly: { peer: '10.0.0.122', port: 5432 }, landings: [], ladder: [] }),
      target(),
    )
    expect(found).toMatchObject({ verdict: 'unknown', reasons: [{ code: 'write_path_not_tried' }] })
    expect(valueOf(found, 'mailpath_write_path_writable')).toBeUndefined()
  })

  it('a failed connection says nothing of read-only', () => {
    const failure = { phase: 'connect', code: 'ECONNREFUSED', text: '10.0.0.10:5432: refused', timedOut: false }
    const found = writePath.judge(seen({ landings: [], ladder: [], failure }), target())
    expect(found.reasons.map(reason => reason.code)).toEqual(['write_path_unreachable'])
    expect(found.samples.map(sample => sample.metric.name)).toEqual([
      'mailpath_write_path_reachable',
      'mailpath_write_path_writable',
    ])
    expect(found.samples.map(sample => sample.value)).toEqual([0, 0])
  })

  it.each<[string | undefined, string, string]>([
    ['08P01', 'no more connections allowed (max_client_conn)', 'write_path_pooler_refused'],
    ['08P01', 'server login has been failing, try again later (server_login_retry)', 'write_path_pooler_refused'],
    ['08P01', 'query_wait_timeout', 'write_path_pooler_refused'],
    ['08P01', 'database "app" is disabled', 'write_path_pooler_refused'],
    ['08P01', 'server conn crashed?', 'write_path_pooler_refused'],
    ['08P01', 'Rolle »app« existiert nicht', 'write_path_pooler_refused'],
    ['53300', 'zu viele Verbindungen für Rolle »app«', 'write_path_too_many_connections'],
    ['ECONNREFUSED', 'connect ECONNREFUSED 10.0.0.10:6432', 'write_path_unreachable'],
    ['28P01', 'password authentication failed for user "pgbouncer"', 'write_path_login_failed'],
  ])('tells by what is said, not by the name of the host, what a pooler refuses (%s %s)', (code, said, expected) => {
    const failure = { phase: 'login', code, text: `pgbouncer-01:6432: ${said} (phase login)`, timedOut: false }
    const found = writePath.judge(seen({ landings: [], ladder: [], failure }), target())
    expect(found.reasons.map(reason => reason.code)).toEqual([expected])
  })
})

probeContract(writePath, port => target({ host: '127.0.0.1', port, user: 'kb_backend', password: { env: 'CANARY' } }), {
  opening: postgresOpening,
})

describe('on a real cluster', () => {
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
  const urlOf = (port: number) => {
    const { user, password } = cluster.logins.backend
    return `postgres://${user}:${password}@127.0.0.1:${port}/${cluster.database}`
  }

  async function seenThrough(
    port: number,
    fields: Partial<WritePathTarget> = {},
    timeoutMs = 5000,
  ): Promise<Observation> {
    const observation = await look(writePath, target(fields), { timeoutMs, references: env({ URL: urlOf(port) }) })
    if (!observation) throw new Error('the run was not recorded')
    return observation
  }
  const codes = (observation: Observation) => observation.reasons.map(reason => reason.code)
  const ours = async (node: PostgresNode) => {
    const [row] = await node.query<{ count: number }>(
      `select count(*)::int from pg_stat_activity where application_name = 'mailpath-exporter'`,
    )
    return row?.count
  }

  it('proves a write on the primary by a commit, and leaves no row and no session', async () => {
    const before = await first().query('select count(*)::int from pg_class')
    const observation = await seenThrough(first().port)
    expect(observation.verdict).toBe('ok')
    expect(valueOf(observation, 'mailpath_write_path_writable')).toBe(1)
    expect(valueOf(observation, 'mailpath_write_path_commit_duration_seconds')).toBeGreaterThan(0)
    expect(Object.keys(observation.phases)).toEqual(
      expect.arrayContaining(['references', 'connect', 'login', 'landing', 'xid', 'commit']),
    )
    expect(await first().query('select count(*)::int from pg_class')).toEqual(before)
    await waitFor(async () => (await ours(first())) === 0, { timeoutMs: 2000, what: 'the session is gone' })
  })

  it('names SQLSTATE 25006 on a standby', async () => {
    const observation = await seenThrough(second().port)
    expect(codes(observation)).toEqual(['write_path_read_only'])
    expect(observation.evidence).toContain('a standby: a write fails with SQLSTATE 25006 (cannot execute')
  })

  it.each(['server', 'database', 'role'] as const)('finds default_transaction_read_only of the %s', async scope => {
    await cluster.setReadOnly(scope, true)
    onTestFinished(() => cluster.setReadOnly(scope, false))
    const observation = await seenThrough(first().port)
    expect(codes(observation)).toEqual(['write_path_read_only'])
    expect(valueOf(observation, 'mailpath_write_path_read_only_cause', { cause: scope })).toBe(1)
    expect(observation.reasons[0]?.remedy).toContain(`for the ${scope}`)
  })

  it('sees with several sessions that an endpoint alternates', async () => {
    router.route([first(), second()], 'round-robin')
    const observation = await seenThrough(router.port, { sessions: 3 })
    expect(observation.evidence).toMatch(/[12] of 3 sessions land on a standby/)
  })

  it('tells a proxy with no server up from one that hangs', async () => {
    router.noBackend()
    expect(codes(await seenThrough(router.port))).toEqual(['write_path_closed'])
    router.hold()
    expect(codes(await seenThrough(router.port, {}, 500))).toEqual(['write_path_no_answer'])
  })

  describe('with synchronous replication stuck', () => {
    beforeAll(() => cluster.stickSyncCommit())
    afterEach(() => router.cut())
    afterAll(() => cluster.unstickSyncCommit())

    it('says that the commit waits for a standby, and cancels it', async () => {
      const observation = await seenThrough(first().port, {}, 700)
      expect(codes(observation)).toEqual(['write_path_commit_stuck'])
      expect(observation.evidence).toContain('waits for a synchronous standby')
      expect(observation.finishedAt - observation.startedAt).toBeLessThan(1500)
      await waitFor(async () => (await ours(first())) === 0, { timeoutMs: 2000, what: 'the session is gone' })
    })

    it('leaves at most one backend behind where cancel requests do not get through, however long it lasts', async () => {
      for (let round = 0; round < 3; round++) {
        router.route([first()])
        const looks = [seenThrough(router.port, {}, 800), seenThrough(router.port, { name: 'other' }, 800)]
        // After the sessions are open, the router takes no new connection: the cancel request is lost.
        const opened = router.accepted() + 2
        await waitFor(() => router.accepted() >= opened, { timeoutMs: 2000, what: 'both sessions are open' }).catch(
          () => undefined,
        )
        setTimeout(() => router.noBackend(), 300)
        for (const observation of await Promise.all(looks))
          expect(codes(observation)).toEqual(['write_path_commit_stuck'])
        router.cut()
        await waitFor(async () => ((await ours(first())) ?? 9) <= 1, {
          timeoutMs: 2000,
          what: 'at most one backend is left',
        })
      }
      expect(await ours(first())).toBe(1)
    })
  })

  it('writes its row where there is a heartbeat table, and names what is wrong with it', async () => {
    const fields = { heartbeat: { table: 'mailpath_heartbeat' } }
    expect((await seenThrough(first().port, fields)).reasons).toMatchObject([
      { code: 'write_path_heartbeat_refused', text: expect.stringContaining('42P01') as string },
    ])
    await first().query(
      'create table mailpath_heartbeat (target text primary key, beat timestamptz not null)',
      [],
      cluster.database,
    )
    expect((await seenThrough(first().port, fields)).reasons).toMatchObject([
      { text: expect.stringContaining('42501') as string },
    ])
    await first().query(
      `grant select, insert, update on mailpath_heartbeat to ${cluster.logins.backend.user}`,
      [],
      cluster.database,
    )
    expect((await seenThrough(first().port, fields)).verdict).toBe('ok')
    await seenThrough(first().port, fields)
    const rows = await first().query('select target from mailpath_heartbeat', [], cluster.database)
    expect(rows).toEqual([{ target: 'app' }])
  })

  describe.skipIf(!needs('HAProxy', haproxyBinary(), haproxyInstall))('behind HAProxy', () => {
    it('lands where HAProxy sends it: a role-blind check alternates, and no server up is closed', async () => {
      const servers = [first(), second()].map(({ name, host, port }) => ({ name, host, port }))
      const haproxy = await startHaproxy({ servers, check: 'tcp' })
      onTestFinished(() => haproxy.stop())
      const observation = await waitFor(
        async () => {
          const now = await seenThrough(haproxy.write, { sessions: 4 })
          return now.evidence.includes('of 4 sessions') && now
        },
        { timeoutMs: 8000, what: 'HAProxy uses both servers' },
      )
      expect(observation.evidence).toContain('2 of 4 sessions land on a standby')
      expect(valueOf(observation, 'mailpath_write_path_pooled')).toBe(0)
      expect(codes(await seenThrough(haproxy.noBackend))).toEqual(['write_path_closed'])
    })
  })

  describe.skipIf(!needs('PgBouncer', pgbouncerBinary(), pgbouncerInstall))('behind PgBouncer', () => {
    it.each(['session', 'transaction'] as const)('sees the pooler, and a paused one (%s pooling)', async pooling => {
      const pgbouncer = await startPgbouncer({ to: first(), logins: [cluster.logins.backend], pooling })
      onTestFinished(() => pgbouncer.stop())
      const observation = await seenThrough(pgbouncer.port)
      expect(observation.verdict).toBe('ok')
      expect(valueOf(observation, 'mailpath_write_path_pooled')).toBe(1)
      await pgbouncer.pause()
      expect((await seenThrough(pgbouncer.port, {}, 700)).verdict).toBe('fail')
      await pgbouncer.resume()
      await pgbouncer.retarget(second())
      const moved = await waitFor(
        async () => {
          const now = await seenThrough(pgbouncer.port)
          return now.verdict === 'fail' && now
        },
        { timeoutMs: 8000, what: 'PgBouncer sends us to the standby' },
      )
      expect(codes(moved)).toEqual(['write_path_read_only'])
    })

    it('is sure that nobody gets in, whatever the driver, once the server behind is gone', async () => {
      const moving = await startPgbouncer({ to: first(), logins: [cluster.logins.backend] })
      onTestFinished(() => moving.stop())
      expect((await seenThrough(moving.port)).verdict).toBe('ok')
      await moving.retarget({ host: '127.0.0.1', port: await freePort() })
      for (let run = 0; run < 4; run++) expect((await seenThrough(moving.port, {}, 2000)).verdict).toBe('fail')
    })

    it('names what the pooler refuses, though it has one SQLSTATE for everything', async () => {
      const pgbouncer = await startPgbouncer({ to: first(), logins: [cluster.logins.backend] })
      onTestFinished(() => pgbouncer.stop())
      const { user, password } = cluster.logins.backend
      const at = { url: undefined, host: '127.0.0.1', port: pgbouncer.port, database: cluster.database }
      const refused = async (fields: Partial<WritePathTarget>, secret: string) => {
        const observation = await look(writePath, target({ ...at, ...fields }), { references: env({ SECRET: secret }) })
        return observation && codes(observation)
      }
      const login = { user, password: { env: 'SECRET' } }
      expect(await refused(login, 'wrong')).toEqual(['write_path_login_failed'])
      expect(await refused({ ...login, user: 'nobody' }, password)).toEqual(['write_path_login_failed'])
      // The server says that, in its language, and PgBouncer keeps its SQLSTATE to itself.
      expect(await refused({ ...login, database: 'missing' }, password)).toEqual(['write_path_pooler_refused'])
    })
  })
})
