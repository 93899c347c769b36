import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectionProblem } from '../../src/clients/postgres-errors.ts'
import type { Observation } from '../../src/core/probe.ts'
import { postgres } from '../../src/probes/postgres/index.ts'
import type { PostgresTarget } from '../../src/probes/postgres/target.ts'
import type { NodeFacts, Slot } from '../../src/probes/postgres/observe.ts'
import { wellKept } from '../status/looked.ts'
import { startCluster, type Cluster, type PostgresNode } from '../servers/postgres.ts'
import { waitFor } from '../servers/processes.ts'
import { postgresOpening, probeContract } from './contract.ts'
import { env, look } from './look.ts'
import { valueOf } from './values.ts'

const target = (fields: Partial<PostgresTarget> = {}): PostgresTarget =>
  postgres.target.parse({ name: 'db-1', cluster: 'kb', url: 'postgres://mailpath@db-1:5432/postgres', ...fields })

const standby: NodeFacts = {
  in_recovery: true,
  read_only: true,
  read_only_source: 'default',
  version: '18.4',
  server_address: '10.0.0.121',
  server_port: 5432,
  postmaster_start: '2026-01-12T08:00:00.000000',
  system_identifier: '7000000000000000001',
  wal_lsn: 4096,
  wal_file_timeline: null,
  receiver_running: true,
  receiver_status: 'streaming',
  received_timeline: 3,
  upstream_host: '10.0.0.120',
  upstream_port: 5432,
  receiver_silent_seconds: 1,
  replay_lag_bytes: 0,
  last_replay_seconds: 900,
  replay_paused: false,
  connections: 12,
  max_connections: 100,
  monitor: true,
  synchronous: false,
  sync_standbys: 0,
  ...wellKept,
}
const primary: NodeFacts = {
  ...standby,
  in_recovery: false,
  read_only: false,
  wal_file_timeline: '0000000A',
  receiver_running: false,
  receiver_status: null,
  received_timeline: null,
  upstream_host: null,
  upstream_port: null,
  receiver_silent_seconds: null,
  replay_lag_bytes: null,
  last_replay_seconds: null,
  replay_paused: null,
}

/** Of a standby, and more than it may be for one that nobody reads. */
const slot = (fields: Partial<Slot>): Slot => ({
  name: 'standby_2',
  active: true,
  wal_status: 'reserved',
  safe_wal_size: null,
  kept: 2e8,
  ...fields,
})

const judged = (facts: NodeFacts | undefined, fields: Partial<PostgresTarget> = {}) =>
  postgres.judge({ address: '10.0.0.121:5432', facts, failure: undefined }, target(fields))

describe('the judgement of a node', () => {
  it.each<[string, NodeFacts, string, string[]]>([
    ['a primary', primary, 'ok', []],
    ['a streaming standby', standby, 'ok', []],
    [
      'a standby without a receiver',
      { ...standby, receiver_running: false, receiver_status: null },
      'fail',
      ['postgres_receiver_down'],
    ],
    ['a standby whose receiver waits', { ...standby, receiver_status: 'waiting' }, 'fail', ['postgres_receiver_down']],
    ['a standby that hears nothing', { ...standby, receiver_silent_seconds: 61 }, 'fail', ['postgres_receiver_down']],
    ['a standby that is late', { ...standby, replay_lag_bytes: 9, last_replay_seconds: 31 }, 'warn', ['postgres_lag']],
    ['a standby whose primary is quiet', { ...standby, last_replay_seconds: 86_400 }, 'ok', []],
    ['a paused replay', { ...standby, replay_paused: true }, 'warn', ['postgres_replay_paused']],
    [
      'a read-only primary',
      { ...primary, read_only: true, read_only_source: 'database' },
      'warn',
      ['postgres_read_only'],
    ],
    ['a full server', { ...primary, connections: 90 }, 'warn', ['postgres_connections_high']],
    [
      'a primary without its synchronous standby',
      { ...primary, synchronous: true },
      'warn',
      ['postgres_sync_standby_missing'],
    ],
    ['a primary with its synchronous standby', { ...primary, synchronous: true, sync_standbys: 1 }, 'ok', []],
    ['old transaction IDs', { ...primary, transaction_id_age: 1.1e9 }, 'warn', ['postgres_transaction_ids_old']],
    ['those of the primary on a standby', { ...standby, transaction_id_age: 1.1e9, multixact_age: 1.1e9 }, 'ok', []],
    ['old multixacts', { ...primary, multixact_age: 1.1e9 }, 'warn', ['postgres_multixacts_old']],
    ['a slot that nobody reads', { ...primary, slots: [slot({ active: false })] }, 'warn', ['postgres_slot_holds_wal']],
    ['a slot that is read, within limits', { ...primary, slots: [slot({})] }, 'ok', []],
    [
      'a slot that is read, beyond max_wal_size',
      { ...primary, slots: [slot({ wal_status: 'extended' })] },
      'warn',
      ['postgres_slot_holds_wal'],
    ],
    [
      'two slots that lose WAL',
      { ...primary, slots: [slot({ wal_status: 'lost', kept: null }), slot({ wal_status: 'unreserved', kept: 1 })] },
      'warn',
      ['postgres_slot_holds_wal'],
    ],
    ['an idle slot that keeps little', { ...primary, slots: [slot({ active: false, kept: 1e6 })] }, 'ok', []],
    [
      'an archiver that fails',
      { ...primary, archive_failing: true, archived_seconds: 60 },
      'warn',
      ['postgres_archiver_failing'],
    ],
    ['an archiver that failed just now', { ...primary, archive_failing: true, archived_seconds: 2 }, 'ok', []],
    [
      'a prepared transaction',
      { ...primary, prepared_seconds: 301, oldest_prepared: 'xa-1' },
      'warn',
      ['postgres_prepared_transaction_old'],
    ],
    [
      'a long transaction',
      { ...primary, transaction_seconds: 3601, oldest_pid: 7 },
      'warn',
      ['postgres_transaction_long'],
    ],
    [
      'a role without pg_monitor',
      { ...standby, monitor: false, receiver_status: null, received_timeline: null },
      'warn',
      ['postgres_role_lacks_pg_monitor'],
    ],
  ])('%s', (_, facts, verdict, codes) => {
    const found = judged(facts)
    expect(found.verdict).toBe(verdict)
    expect(found.reasons.map(reason => reason.code)).toEqual(codes)
    expect(valueOf(found, 'mailpath_postgres_reachable')).toBe(1)
    expect(valueOf(found, 'mailpath_postgres_in_recovery')).toBe(Number(facts.in_recovery))
    expect(valueOf(found, 'mailpath_postgres_read_only')).toBe(Number(facts.read_only))
    expect(valueOf(found, 'mailpath_postgres_connections')).toBe(facts.connections)
    expect(valueOf(found, 'mailpath_postgres_max_connections')).toBe(100)
    expect(valueOf(found, 'mailpath_postgres_wal_lsn_bytes')).toBe(4096)
    expect(valueOf(found, 'mailpath_postgres_info')).toBe(1)
  })

  it('nothing seen is a failure, with nothing but reachable 0', () => {
    const found = judged(undefined)
    expect(found.verdict).toBe('fail')
    expect(found.samples.map(sample => [sample.metric.name, sample.value])).toEqual([
      ['mailpath_postgres_reachable', 0],
    ])
  })

  it('the lag of a receiver that is down, silent or invisible is absent, never 0', () => {
    const lag = (facts: NodeFacts) => [
      valueOf(judged(facts), 'mailpath_postgres_replay_lag_seconds'),
      valueOf(judged(facts), 'mailpath_postgres_replay_lag_bytes'),
    ]
    expect(lag(standby)).toEqual([0, 0])
    expect(lag({ ...standby, receiver_running: false })).toEqual([undefined, undefined])
    expect(lag({ ...standby, receiver_silent_seconds: 120 })).toEqual([undefined, undefined])
    expect(lag({ ...standby, monitor: false, receiver_status: null })).toEqual([undefined, undefined])
    expect(lag(primary)).toEqual([undefined, undefined])
  })

  it('reads the timeline out of the WAL file name of a primary, in hexadecimal', () => {
    expect(valueOf(judged(primary), 'mailpath_postgres_timeline')).toBe(10)
    expect(valueOf(judged(standby), 'mailpath_postgres_timeline')).toBe(3)
    expect(valueOf(judged({ ...standby, received_timeline: null }), 'mailpath_postgres_timeline')).toBeUndefined()
    expect(valueOf(judged(standby), 'mailpath_postgres_wal_receiver_streaming')).toBe(1)
  })
})

describe('connection problems', () => {
  const failure = (code: string | undefined, text: string, timedOut = false) => ({
    phase: 'login',
    code,
    text,
    timedOut,
  })
  const ofServer = (code: string, routine: string, text: string, tlsNotAsked = false) => ({
    ...failure(code, text),
    routine,
    tlsNotAsked,
  })
  it.each([
    ['unreachable', failure('ECONNREFUSED', 'connect ECONNREFUSED 10.0.0.1:5432')],
    ['unreachable', failure('ENOTFOUND', 'getaddrinfo ENOTFOUND db-1')],
    ['no_answer', failure(undefined, 'no answer within 5 s', true)],
    ['closed', failure(undefined, 'Connection terminated unexpectedly')],
    ['closed', failure('ECONNRESET', 'read ECONNRESET')],
    ['closed', failure('EPIPE', 'write EPIPE')],
    ['tls_failed', failure(undefined, 'The server does not support SSL connections')],
    ['tls_failed', failure('CERT_HAS_EXPIRED', 'certificate has expired')],
    [
      'tls_failed',
      ofServer('28000', 'ClientAuthentication', 'kein pg_hba.conf-Eintrag für …, keine Verschlüsselung', true),
    ],
    ['login_failed', ofServer('28000', 'ClientAuthentication', 'kein pg_hba.conf-Eintrag für …, SSL-Verschlüsselung')],
    ['login_failed', ofServer('28000', 'InitializeSessionUserId', 'Rolle »a« existiert nicht', true)],
    ['login_failed', ofServer('42501', 'CheckMyDatabase', 'keine Berechtigung für Datenbank »b«')],
    ['login_failed', ofServer('55000', 'InitPostgres', 'database "b" is not currently accepting connections')],
    ['login_failed', failure('28P01', 'password authentication failed for user "a"')],
    ['database_missing', failure('3D000', 'database "b" does not exist')],
    ['too_many_connections', failure('53300', 'sorry, too many clients already')],
    ['starting_up', failure('57P03', 'the database system is starting up')],
    ['refused_statement', { ...failure('42501', 'permission denied for function pg_control_system'), phase: 'query' }],
    ['setting_refused', failure('42704', 'unrecognized configuration parameter "no_such"')],
    ['setting_refused', failure('08P01', 'unsupported startup parameter: options')],
    ['protocol_error', failure(undefined, 'received invalid response: 48')],
    // PgBouncer 1.18, which has one SQLSTATE for everything.
    ['login_failed', failure('08P01', 'db-1:6432: SASL authentication failed (phase login)')],
    ['login_failed', failure('08P01', 'db-1:6432: password authentication failed (phase login)')],
    ['login_failed', failure('08P01', 'no such user')],
    ['database_missing', failure('08P01', 'no such database: b')],
    ['tls_failed', failure('08P01', 'SSL required')],
    ['pooler_refused', failure('08P01', 'server conn crashed?')],
    // What a server says, passed on: the same whatever its language.
    ['pooler_refused', failure('08P01', 'password authentication failed for user "a"')],
    ['pooler_refused', failure('08P01', 'Passwort-Authentifizierung für Benutzer »a« fehlgeschlagen')],
    ['pooler_refused', failure('08P01', 'too many connections for role "a"')],
    ['protocol_error', ofServer('08P01', 'ProcessStartupPacket', 'invalid startup packet layout')],
  ])('%s', (problem, seen) => {
    expect(connectionProblem(seen)).toBe(problem)
  })
})

describe('the watch of a node', () => {
  const refused = (code: string, routine: string | undefined, text: string) => ({
    facts: undefined,
    failure: { phase: 'login', code, routine, text, timedOut: false },
  })
  it.each([
    ['open', 'that let us in', { facts: primary, failure: undefined }],
    ['open', 'with few slots left but some', { facts: { ...primary, connections: 89 }, failure: undefined }],
    ['no_room', 'with a tenth of its slots left', { facts: { ...primary, connections: 90 }, failure: undefined }],
    ['no_room', 'that is full', refused('53300', 'InitProcess', 'sorry, too many clients already')],
    [
      'no_room',
      'that is full',
      refused('53300', 'InitPostgres', 'remaining connection slots are reserved for roles with …'),
    ],
    [
      'in_the_way',
      'where our role may have no more',
      refused('53300', 'InitializeSessionUserId', 'too many connections for role'),
    ],
    ['in_the_way', 'behind a pooler that says so', refused('53300', undefined, 'too many connections')],
    [
      'closed',
      'that is shutting down',
      refused('57P03', 'ProcessStartupPacket', 'the database system is shutting down'),
    ],
    ['closed', 'that refuses the login', refused('28P01', 'auth_failed', 'password authentication failed')],
  ])('is %s at one %s', (stance, _, seen) => {
    expect(postgres.watch?.stance({ address: 'db-1:5432', ...seen })).toBe(stance)
  })
})

probeContract(
  postgres,
  port => target({ url: `postgres://mailpath@127.0.0.1:${port}/postgres`, password: { env: 'CANARY' } }),
  { opening: postgresOpening },
)

describe('on a real cluster', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await startCluster({ standbys: 1 })
  })
  afterAll(() => cluster.stop())

  async function seenOn(node: PostgresNode, login = cluster.logins.monitor, timeoutMs = 5000): Promise<Observation> {
    const fields = {
      name: node.name,
      url: `postgres://${login.user}@127.0.0.1:${node.port}/postgres`,
      password: { env: 'PASSWORD' },
    }
    const observation = await look(postgres, target(fields), {
      timeoutMs,
      references: env({ PASSWORD: login.password }),
    })
    if (!observation) throw new Error('the run was not recorded')
    return observation
  }
  const [first, second] = [() => cluster.node('db-postgres-01'), () => cluster.node('db-postgres-02')]

  it('tells the primary from the standby, and finds one cluster', async () => {
    const [one, two] = [await seenOn(first()), await seenOn(second())]
    expect(one).toMatchObject({
      verdict: 'ok',
      evidence: expect.stringMatching(/primary, timeline 1, \d+ of 40 connections/) as string,
    })
    expect(two).toMatchObject({
      verdict: 'ok',
      evidence: expect.stringContaining('standby, streaming, timeline 1') as string,
    })
    expect(valueOf(one, 'mailpath_postgres_in_recovery')).toBe(0)
    expect(valueOf(two, 'mailpath_postgres_in_recovery')).toBe(1)
    expect(valueOf(two, 'mailpath_postgres_wal_receiver_streaming')).toBe(1)
    const identifier = (seen: Observation) =>
      seen.samples.find(sample => sample.metric.name === 'mailpath_postgres_info')?.labels['system_identifier']
    expect(identifier(one)).toBe(identifier(two))
  })

  it('works with a role that can do nothing but log in, and says what it cannot see', async () => {
    const seen = await seenOn(second(), cluster.logins.plain)
    expect(seen.reasons.map(reason => reason.code)).toEqual(['postgres_role_lacks_pg_monitor'])
    expect(valueOf(seen, 'mailpath_postgres_in_recovery')).toBe(1)
    expect(valueOf(seen, 'mailpath_postgres_replay_lag_seconds')).toBeUndefined()
  })

  it('names a wrong password by its SQLSTATE, and does not repeat the password', async () => {
    const seen = await seenOn(first(), { user: 'mailpath', password: 'not-the-password' })
    expect(seen.reasons[0]).toMatchObject({
      code: 'postgres_login_failed',
      text: expect.stringContaining('SQLSTATE 28P01') as string,
    })
    expect(JSON.stringify(seen)).not.toContain('not-the-password')
  })

  it('does not call a dead receiver lag 0', async () => {
    await cluster.cutReceiver('db-postgres-02')
    const seen = await waitFor(
      async () => {
        const now = await seenOn(second())
        return now.verdict === 'fail' && now
      },
      { timeoutMs: 5000, what: 'the receiver is seen to be down' },
    )
    expect(seen.reasons[0]?.code).toBe('postgres_receiver_down')
    expect(valueOf(seen, 'mailpath_postgres_wal_receiver_streaming')).toBe(0)
    expect(valueOf(seen, 'mailpath_postgres_replay_lag_seconds')).toBeUndefined()
    await cluster.restoreReceiver('db-postgres-02')
  })

  it('needs one connection and at most four statements, under its own name', async () => {
    const node = first()
    await node.query(`alter system set log_statement = 'all'`)
    await node.query(`alter system set log_connections = 'on'`)
    await node.query('select pg_reload_conf()')
    await waitFor(
      async () =>
        (await node.query<{ on: string }>('show log_statement')).at(0) && node.log().includes('log_statement'),
      { timeoutMs: 3000, what: 'the log is on' },
    )
    await seenOn(node)
    const ours = node
      .log()
      .split('\n')
      .filter(line => line.includes('mailpath-exporter'))
    expect(ours.filter(line => line.includes('connection authorized'))).toHaveLength(1)
    const statements = ours.filter(line => line.includes('statement:')).length
    expect(statements).toBeGreaterThan(0)
    expect(statements).toBeLessThanOrEqual(4)
  })

  it('is cut off at its deadline by a stopped postmaster', async () => {
    first().pause()
    const seen = await seenOn(first(), cluster.logins.monitor, 600)
    first().resume()
    expect(seen.reasons[0]).toMatchObject({
      code: 'postgres_no_answer',
      text: expect.stringContaining('(phase startup)') as string,
    })
    expect(seen.finishedAt - seen.startedAt).toBeLessThan(1500)
  })
})
