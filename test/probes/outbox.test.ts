import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { Client } from 'pg'
import type { Observation } from '../../src/core/probe.ts'
import { outbox } from '../../src/probes/outbox/index.ts'
import type { OutboxRows, OutboxSeen } from '../../src/probes/outbox/observe.ts'
import { beginSql, rowsSql } from '../../src/probes/outbox/sql.ts'
import type { OutboxTarget } from '../../src/probes/outbox/target.ts'
import type { Ran } from '../../src/monitor/run.ts'
import { languageInstall, speaking } from '../servers/locales.ts'
import { pgbouncerBinary, pgbouncerInstall, startPgbouncer } from '../servers/pgbouncer.ts'
import { startCluster, type Cluster, type PostgresNode } from '../servers/postgres.ts'
import { needs, waitFor } from '../servers/processes.ts'
import { postgresOpening, probeContract } from './contract.ts'
import { env, look } from './look.ts'
import { valueOf } from './values.ts'

const table = 'app.outbound_emails'
const target = (fields: Record<string, unknown> = {}): OutboxTarget =>
  outbox.target.parse({
    name: 'mails',
    cluster: 'kb',
    ...(fields['host'] === undefined && { url: { env: 'URL' } }),
    table,
    created: 'created_at',
    pending: "sent_at is null and status in ('queued', 'retry')",
    ...fields,
  })
const judged = (seen: Partial<OutboxSeen>, fields: Record<string, unknown> = {}) =>
  outbox.judge({ address: '10.0.0.10:5432', ...seen }, target(fields))

const now = 1_800_000_000
const rows = (fields: Partial<OutboxRows> = {}): OutboxRows => ({
  pending: 0,
  oldestPendingSeconds: undefined,
  lastSentSeconds: undefined,
  sending: undefined,
  oldestSendingSeconds: undefined,
  failed: undefined,
  standby: false,
  now,
  ...fields,
})
const waiting = (seconds: number, fields: Partial<OutboxRows> = {}): OutboxRows =>
  rows({ pending: 3, oldestPendingSeconds: seconds, ...fields })
const codesOf = ({ reasons }: Pick<Observation, 'reasons'>): string[] => reasons.map(({ code }) => code)

describe('the judgement of an outbox', () => {
  const all = {
    sent: 'sent_at',
    sending: "status = 'sending'",
    failed: 'attempts >= 5',
    quiet_after: '24h',
    limit: 100,
  }
  it.each<[string, OutboxRows, string[]]>([
    ['nothing that waits', rows(), []],
    ['a mail that waits just now', waiting(299.9), []],
    ['one that waits for late_after', waiting(300), ['outbox_late']],
    ['one that waits for just less than stuck_after', waiting(899.9), ['outbox_late']],
    ['one that waits for stuck_after', waiting(900), ['outbox_stuck']],
    ['a clock that is a little behind', waiting(-2), []],
    ['mails of the next hour', waiting(-3_600), ['outbox_unreadable']],
    ['mails without a time', rows({ pending: 3 }), ['outbox_unreadable']],
    ['one that is being sent', rows({ sending: 1, oldestSendingSeconds: 899 }), []],
    ['one that is being sent for ever', rows({ sending: 1, oldestSendingSeconds: 900 }), ['outbox_stuck']],
    ['mails being sent without a time', rows({ sending: 1 }), ['outbox_unreadable']],
    ['just less than the limit', waiting(1, { pending: 99 }), []],
    ['the limit', waiting(1, { pending: 100 }), ['outbox_growing']],
    ['more than the limit, for too long', waiting(1_000, { pending: 101 }), ['outbox_stuck', 'outbox_growing']],
    ['mails given up', rows({ failed: 2 }), ['outbox_given_up']],
    ['none given up', rows({ failed: 0 }), []],
    ['a day without mail', rows({ lastSentSeconds: 86_400 }), ['outbox_quiet']],
    ['a day without mail, where one just came', waiting(20, { lastSentSeconds: 86_400 }), ['outbox_quiet']],
    ['a day without mail, since the sender hangs', waiting(86_000, { lastSentSeconds: 86_400 }), ['outbox_stuck']],
    ['a last mail in the next hour', rows({ lastSentSeconds: -3_600 }), ['outbox_unreadable']],
    ['a standby that follows', waiting(1, { standby: true }), []],
    ['a standby that was cut off just now', waiting(1, { standby: true, detachedSeconds: 200 }), []],
    ['a standby that is a little behind', waiting(1, { standby: true, behindSeconds: 299 }), []],
    ['a standby that replays nothing', rows({ standby: true, behindSeconds: 300 }), ['outbox_unreadable']],
    // The mails may have been sent since.
    ['a standby of long ago', waiting(9_000, { standby: true, behindSeconds: 9_000 }), ['outbox_unreadable']],
    [
      'a standby that was cut off long ago',
      waiting(9_000, { standby: true, detachedSeconds: 9_000 }),
      ['outbox_unreadable'],
    ],
    ['a standby that was cut off', rows({ standby: true, detachedSeconds: 300 }), ['outbox_unreadable']],
  ])('%s', (_, seen, codes) => {
    const found = judged({ rows: seen.lastSentSeconds === undefined ? { ...seen, lastSentSeconds: 60 } : seen }, all)
    expect(codesOf(found)).toEqual(codes)
    // No evidence is never ok, and gives no figures.
    if (codes.includes('outbox_unreadable')) expect(found.samples).toEqual([])
    else expect(valueOf(found, 'mailpath_outbox_pending')).toBe(seen.pending)
  })

  it('is stuck also where another row has a strange time', () => {
    for (const strange of [
      { lastSentSeconds: -86_400 },
      { timeless: 1 },
      { sending: 1, oldestSendingSeconds: -86_400 },
    ]) {
      const found = judged({ rows: waiting(1_000, strange) }, all)
      expect(codesOf(found)).toEqual(['outbox_stuck', 'outbox_unreadable'])
      expect(found.verdict).toBe('fail')
      expect(found.reasons[0]?.remedy).not.toContain('The sender works')
    }
  })

  it('asks for the time zone before anything is restarted', () => {
    const remedy = (fields: Partial<OutboxRows>) => judged({ rows: waiting(1_000, fields) }).reasons[0]?.remedy
    expect(remedy({ zoneless: true })).toMatch(/^First see whether `created` is in UTC .* Restart it/)
    expect(remedy({ zoneless: false })).not.toContain('UTC')
  })

  it('is quiet if no mail was ever sent', () => {
    expect(codesOf(judged({ rows: rows() }, { sent: 'sent_at', quiet_after: '24h' }))).toEqual(['outbox_quiet'])
    expect(codesOf(judged({ rows: rows() }, { sent: 'sent_at' }))).toEqual([])
  })

  it('says what is the matter with one row where the sender works', () => {
    const remedy = (lastSentSeconds: number | undefined): string | undefined =>
      judged({ rows: waiting(1_000, { lastSentSeconds }) }, { sent: 'sent_at' }).reasons[0]?.remedy
    expect(remedy(20)).toContain('The sender works')
    expect(remedy(1_000)).not.toContain('The sender works')
    expect(remedy(undefined)).not.toContain('The sender works')
  })

  it('warns before a mail is sent twice', () => {
    const { reasons } = judged({ rows: rows({ sending: 2, oldestSendingSeconds: 1_000 }) }, all)
    expect(reasons[0]?.text).toContain('2 mails are being sent, the oldest was put there 16 minutes ago')
    expect(reasons[0]?.remedy).toContain('see in the log of the relay whether it has left already')
  })

  it('has evidence that says where the figures are from', () => {
    const seen = waiting(42, { lastSentSeconds: 7_300, zoneless: true, standby: true })
    expect(judged({ rows: seen }).evidence).toBe(
      `10.0.0.10:5432, ${table}: 3 mails wait, the oldest for 42 s; the last was sent 2 hours ago; \`created\` has no time zone and is taken as UTC; read on a standby`,
    )
    expect(judged({ rows: waiting(42, { pending: 10_001 }) }).evidence).toContain('more than 10000 mails wait')
    expect(judged({ rows: waiting(42, { pending: 1 }) }).evidence).toContain('1 mail waits, for 42 s')
  })

  it('gives times by the clock of the server, and none that it does not know', () => {
    const found = judged({ rows: waiting(60, { lastSentSeconds: 30, sending: 2, oldestSendingSeconds: 5, failed: 7 }) })
    expect(valueOf(found, 'mailpath_outbox_oldest_pending_timestamp_seconds')).toBe(now - 60)
    expect(valueOf(found, 'mailpath_outbox_last_sent_timestamp_seconds')).toBe(now - 30)
    expect(valueOf(found, 'mailpath_outbox_sending')).toBe(2)
    expect(valueOf(found, 'mailpath_outbox_failed')).toBe(7)
    expect(judged({ rows: rows() }).samples.map(({ metric }) => metric.name)).toEqual(['mailpath_outbox_pending'])
  })

  it('names the index of a costly scan, and what cannot be in one', () => {
    const costly = (index: string): string | undefined =>
      judged({ rows: rows(), costly: { cost: 23_456.7, index } }).reasons[0]?.remedy
    expect(costly('create index concurrently on "t" ("c") where (sent_at is null)')).toContain('(sent_at is null)')
    expect(costly('create index concurrently on "t" ("c") where (sent_at is null)')).not.toContain('now()')
    expect(costly('create index concurrently on "t" ("c") where (run_at <= now())')).toContain('cannot hold that')
  })
})

describe('the configuration of an outbox', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['a column that is an expression', { created: 'created_at::timestamp' }, 'expected the name of a column'],
    ['a column with a quote', { sent: 'a"b' }, 'expected the name of a column'],
    ['a table that is a query', { table: '(select 1)' }, 'expected the name of a table'],
    ['quiet_after without sent', { quiet_after: '24h' }, 'goes together with sent'],
    ['late after stuck', { late_after: '1h' }, 'must not be more than stuck_after'],
    ['a database beside the URL', { database: 'app' }, 'a url says it itself'],
    ['two lines', { pending: 'a\nb' }, 'an SQL condition'],
  ])('refuses %s', (_, fields, message) => {
    expect(() => target(fields)).toThrow(message)
  })
})

probeContract(
  outbox,
  port => target({ host: '127.0.0.1', port, user: 'mailpath', database: 'app', password: { env: 'PASSWORD' } }),
  { opening: postgresOpening },
)

const binDir = speaking('de_DE')

describe('on a real server', () => {
  let cluster: Cluster
  const one = 'db-postgres-01'
  const node = (name = one): PostgresNode => cluster.node(name)
  const sql = (text: string): Promise<unknown> => node().query(text, [], cluster.database)
  const role = (): string => cluster.logins.plain.user

  beforeAll(async () => {
    cluster = await startCluster({ standbys: 1 })
    await sql(`
      create schema app;
      create table app.outbound_emails (
        id bigint generated always as identity primary key,
        recipient text not null,
        status text not null default 'queued',
        attempts int not null default 0,
        created_at timestamptz default now(),
        sent_at timestamptz
      );
      grant usage on schema app to ${role()};
      grant select (created_at, sent_at, status, attempts) on app.outbound_emails to ${role()}`)
  })
  afterAll(() => cluster.stop())

  const put = (ago: string, more = ''): Promise<unknown> =>
    sql(`insert into app.outbound_emails (recipient, created_at ${more === '' ? '' : `, ${more.split('=')[0] ?? ''}`})
      values ('anna@example.com', now() - interval '${ago}' ${more === '' ? '' : `, ${more.split('=')[1] ?? ''}`})`)

  const seen = async (fields: Record<string, unknown> = {}, at = node(), timeoutMs = 5_000): Promise<Ran> => {
    const url = at.url(cluster.logins.plain, cluster.database)
    const found = await look(outbox, target(fields), { references: env({ URL: url, PASSWORD: 'other' }), timeoutMs })
    if (!found) throw new Error('the run was not recorded')
    return found
  }
  /** For tests that leave rows or settings. */
  const afterwards = (text: string): void =>
    onTestFinished(async () => {
      await sql(text)
    })
  const empty = 'truncate app.outbound_emails'

  it('counts what waits, is being sent and was given up, and knows when', async () => {
    afterwards(empty)
    await put('10 s')
    await put('20 minutes')
    await put('30 minutes', "status='sending'")
    await put('1 day', "sent_at=now() - interval '1 minute'")
    await put('2 days', "sent_at=now() - interval '1 day'")
    await sql(`insert into app.outbound_emails (recipient, status, attempts) values ('b@example.com', 'failed', 5)`)
    const found = await seen({ sent: 'sent_at', sending: "status = 'sending'", failed: 'attempts >= 5' })
    expect(codesOf(found)).toEqual(['outbox_stuck', 'outbox_stuck', 'outbox_given_up'])
    expect(found.evidence).toContain('2 mails wait, the oldest for 20 minutes; the last was sent 60 s ago')
    const ago = (metric: string): number => Date.now() / 1000 - (valueOf(found, `mailpath_outbox_${metric}`) ?? NaN)
    expect(ago('oldest_pending_timestamp_seconds')).toBeCloseTo(1_200, -1)
    expect(ago('last_sent_timestamp_seconds')).toBeCloseTo(60, -1)
    expect(valueOf(found, 'mailpath_outbox_failed')).toBe(1)
    expect(valueOf(found, 'mailpath_outbox_sending')).toBe(1)
  })

  it('is ok while it is empty', async () => {
    const found = await seen()
    expect(found.verdict).toBe('ok')
    expect(valueOf(found, 'mailpath_outbox_pending')).toBe(0)
  })

  it('stops counting at the limit, and still finds the oldest', async () => {
    afterwards(empty)
    await sql(`insert into app.outbound_emails (recipient, created_at)
      select 'anna@example.com', now() - make_interval(mins => i) from generate_series(1, 200) i`)
    const found = await seen({ limit: 50 })
    expect(valueOf(found, 'mailpath_outbox_pending')).toBe(51)
    expect(found.evidence).toContain('more than 50 mails wait, the oldest for 3 hours')
    expect(codesOf(found)).toEqual(['outbox_stuck', 'outbox_growing'])
  })

  it('needs the grants of its columns only, with which no recipient can be read and nothing written', async () => {
    afterwards(empty)
    await put('1 s')
    expect((await seen()).verdict).toBe('ok')
    const client = new Client({ connectionString: node().url(cluster.logins.plain, cluster.database) })
    await client.connect()
    onTestFinished(() => client.end())
    for (const refused of [
      'select recipient from app.outbound_emails',
      'select * from app.outbound_emails',
      `insert into app.outbound_emails (recipient) values ('b@example.com')`,
      'delete from app.outbound_emails',
    ])
      await expect(client.query(refused)).rejects.toMatchObject({ code: '42501' })
    // Even a role that may write cannot do so by a condition.
    const found = await seen({ pending: `recipient like 'anna%'` })
    expect(found.reasons[0]).toMatchObject({ code: 'outbox_unreadable', verdict: 'unknown' })
    expect(found.reasons[0]?.text).toContain('SQLSTATE 42501')
    expect(found.reasons[0]?.remedy).toContain('Grant')
  })

  it.each<[string, Record<string, unknown>, string, RegExp]>([
    ['a second statement', { pending: 'true); delete from app.outbound_emails; --' }, '42601', /no SQL/],
    [
      'a second statement after the whole of the first',
      { failed: 'true) as x) as y; select 1; --' },
      '42601',
      /no SQL/,
    ],
    ['half a condition', { pending: 'status =' }, '42601', /no SQL/],
    ['a parameter', { pending: 'status = $1' }, '08P01', /refuses the statement/],
    ['something that writes', { pending: `nextval('app.outbound_emails_id_seq') > 0` }, '42501', /Grant/],
    ['a lock', { pending: 'exists (select from app.outbound_emails for update)' }, '42501', /Grant/],
    ['no condition', { pending: 'attempts' }, '42804', /true or false/],
    ['a column that is not there', { pending: 'state is null' }, '42703', /no such column/],
    ['a table that is not there', { table: 'app.outbox' }, '42P01', /no such table/],
    ['a table out of its search path', { table: 'outbound_emails' }, '42P01', /no such table/],
    ['a time that is a text', { created: 'status' }, '42883', /timestamp/],
    ['a time that is a number', { created: 'attempts' }, '42883', /timestamp/],
    ['a sleep', { pending: 'pg_sleep(60) is not null' }, '57014', /too long/],
  ])('cannot read with %s, and says so', async (_, fields, code, remedy) => {
    afterwards(empty)
    await put('1 s')
    const found = await seen(fields)
    expect(codesOf(found)).toEqual(['outbox_unreadable'])
    expect(found.verdict).toBe('unknown')
    expect(found.reasons[0]?.text).toContain(`SQLSTATE ${code}`)
    expect(found.reasons[0]?.remedy).toMatch(remedy)
    expect(found.samples).toEqual([])
    expect(await sql('select from app.outbound_emails')).toHaveLength(1)
  })

  it('says so where the server asks for a password, and there is none', async () => {
    // The password of the application is for its own role, and is not sent with another one.
    const found = await seen({ user: cluster.logins.monitor.user })
    expect(codesOf(found)).toEqual(['outbox_unreadable'])
    expect(found.reasons[0]?.remedy).toContain('Set `password`')
  })

  it('lets no condition write, not even for the owner of the table', async () => {
    afterwards(`${empty}; drop function app.write()`)
    await put('1 s')
    await sql(`create function app.write() returns boolean language sql volatile as
      $$ update app.outbound_emails set sent_at = now(); select true $$`)
    const owner = node().url({ user: 'postgres', password: 'x' }, cluster.database)
    const found = await look(outbox, target({ pending: 'app.write()' }), { references: env({ URL: owner }) })
    expect(found?.reasons[0]?.text).toContain('SQLSTATE 25006')
    expect(found?.reasons[0]?.remedy).toContain('may only read')
    expect(await sql('select from app.outbound_emails where sent_at is not null')).toEqual([])
  })

  it('has a comment in a condition end there', async () => {
    afterwards(empty)
    await put('1 s')
    const found = await seen({ pending: 'sent_at is null -- not sent yet' })
    expect(found.verdict).toBe('ok')
    expect(valueOf(found, 'mailpath_outbox_pending')).toBe(1)
  })

  it('shows nothing of a row, whatever a condition does', async () => {
    afterwards(
      `${empty}; revoke select (recipient) on app.outbound_emails from ${role()}; drop function app.tell(text)`,
    )
    await sql(`grant select (recipient) on app.outbound_emails to ${role()};
      create function app.tell(text) returns boolean language plpgsql as
      $$ begin raise warning 'warned of %', $1; raise exception 'refused %', $1; end $$`)
    await put('1 s')
    for (const pending of [
      'recipient::int > 0',
      'app.tell(recipient)',
      `recipient = 'anna@example.com' and status = 1`,
      `recipient = 'anna@example.com' and`,
    ]) {
      const found = await seen({ pending })
      expect(codesOf(found)).toEqual(['outbox_unreadable'])
      const { config: _, ...shown } = found
      expect(JSON.stringify([shown, found.transcript()])).not.toContain('anna@example')
    }
  })

  describe('with locks', () => {
    const holding = async (text: string): Promise<void> => {
      const client = new Client({ connectionString: node().url({ user: 'postgres', password: 'x' }, cluster.database) })
      await client.connect()
      onTestFinished(() => client.end())
      await client.query(`begin; ${text}`)
    }

    it('waits for none longer than its limit', async () => {
      await holding('lock table app.outbound_emails')
      const from = performance.now()
      const found = await seen()
      expect(performance.now() - from).toBeLessThan(2_000)
      expect(found.reasons[0]?.text).toContain('SQLSTATE 55P03')
      expect(found.reasons[0]?.remedy).toContain('holds a lock on the table')
    })

    it('reads beside a writer, and rows that are locked', async () => {
      afterwards(empty)
      await put('1 s')
      await holding('lock table app.outbound_emails in row exclusive mode; select from app.outbound_emails for update')
      expect((await seen()).verdict).toBe('ok')
    })

    const ours = `select pid, state, wait_event from pg_stat_activity
      where application_name = 'mailpath-exporter' and backend_type = 'client backend'`

    it('holds none after its time, even if its own process stops in between', async () => {
      afterwards(empty)
      // What the exporter sends, by a client that then says nothing more.
      const client = new Client({ connectionString: node().url(cluster.logins.plain, cluster.database) })
      client.on('error', () => undefined)
      await client.connect()
      onTestFinished(() => client.end().catch(() => undefined))
      await client.query(beginSql(300, 100))
      await client.query({ text: rowsSql(target()), queryMode: 'extended' } as { text: string })
      const held = `select from pg_locks where relation = 'app.outbound_emails'::regclass`
      expect(await sql(held)).toHaveLength(1)
      await waitFor(async () => ((await sql(held)) as unknown[]).length === 0, { what: 'the lock is gone' })
    })

    it('leaves no session and no statement behind', async () => {
      await seen({ pending: 'pg_sleep(60) is not null' })
      await waitFor(async () => ((await sql(ours)) as unknown[]).length === 0, { what: 'our sessions have ended' })
    })

    it('hears of a limit of the server before a short run ends', async () => {
      afterwards(empty)
      await put('1 s')
      const found = await seen({ pending: 'pg_sleep(60) is not null' }, node(), 700)
      expect(found.reasons[0]?.text).toContain('SQLSTATE 57014')
      expect(found.timedOut).toBe(false)
    })
  })

  it('counts no rollback for a round that went well', async () => {
    const count = async (): Promise<number> => {
      const [row] = (await sql(`select xact_rollback::int as rolled from pg_stat_database
        where datname = current_database()`)) as { rolled: number }[]
      return row?.rolled ?? NaN
    }
    await seen()
    const before = await count()
    await seen()
    await seen()
    expect(await count()).toBe(before)
  })

  it('does not take rows that a policy hides for none', async () => {
    afterwards(`${empty}; alter table app.outbound_emails disable row level security;
      drop policy own on app.outbound_emails; drop view app.mailpath_outbox`)
    await put('20 minutes')
    await sql(`alter table app.outbound_emails enable row level security;
      create policy own on app.outbound_emails using (false);
      create view app.mailpath_outbox as select created_at, sent_at, status from app.outbound_emails;
      grant select on app.mailpath_outbox to ${role()}`)
    const found = await seen()
    expect(codesOf(found)).toEqual(['outbox_unreadable'])
    expect(found.reasons[0]?.remedy).toContain('Row-level security')
    expect(codesOf(await seen({ table: 'app.mailpath_outbox' }))).toEqual(['outbox_stuck'])
  })

  describe('with times of other kinds', () => {
    const column = async (type: string, ...values: readonly string[]): Promise<void> => {
      onTestFinished(async () => {
        await sql('drop table app.times')
      })
      await sql(`create table app.times (made ${type}, sent_at timestamptz);
        grant select on app.times to ${role()};
        insert into app.times values ${values.map(value => `(${value})`).join(', ')}`)
    }
    const times = (fields: Record<string, unknown> = {}): Promise<Ran> =>
      seen({ table: 'app.times', created: 'made', pending: 'sent_at is null', ...fields })
    const zones = async (zone: string): Promise<void> => {
      onTestFinished(async () => {
        await sql(`alter role ${role()} reset timezone`)
      })
      await sql(`alter role ${role()} set timezone = '${zone}'`)
    }

    it.each(['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata'])(
      'takes a time without zone as UTC, and one with a zone as it is, in %s',
      async zone => {
        await zones(zone)
        await column('timestamp', `now() at time zone 'UTC' - interval '6 minutes'`)
        const found = await times()
        expect(codesOf(found)).toEqual(['outbox_late'])
        expect(found.evidence).toContain('1 mail waits, for 6 minutes; `created` has no time zone and is taken as UTC')
        await sql('alter table app.times alter made type timestamptz')
        await sql(`update app.times set made = now() - interval '6 minutes'`)
        expect((await times()).evidence).toMatch(/1 mail waits, for 6 minutes$/)
      },
    )

    it('is not fooled by local times in the east', async () => {
      await column('timestamp', `now() at time zone 'Asia/Kolkata' - interval '20 minutes'`)
      const found = await times()
      expect(codesOf(found)).toEqual(['outbox_unreadable'])
      expect(found.evidence).toContain('in the future')
      expect(found.reasons[0]?.remedy).toContain('`timestamptz`')
    })

    it.each<[string, string]>([
      ['date', 'current_date'],
      ['bigint', 'extract(epoch from now())::bigint * 1000'],
      ['interval', `interval '1 hour'`],
      ['time', 'current_time'],
      ['jsonb', `'"2026-01-01"'`],
      ['text', `'2026-01-01'`],
    ])('refuses a column of type %s', async (type, value) => {
      await column(type, value)
      const found = await times()
      expect(codesOf(found)).toEqual(['outbox_unreadable'])
      expect(found.reasons[0]?.remedy).toContain('timestamptz')
    })

    it.each<[string, readonly string[], string[]]>([
      ['only infinity', [`'infinity'`], ['outbox_unreadable']],
      ['only -infinity', [`'-infinity'`], ['outbox_unreadable']],
      ['null', ['null', 'null'], ['outbox_unreadable']],
      ['null beside a time', ['null', `now() - interval '20 minutes'`], ['outbox_stuck', 'outbox_unreadable']],
      ['null beside one that came just now', ['null', 'now()'], ['outbox_unreadable']],
      [
        'infinities beside a time',
        [`'-infinity'`, `'infinity'`, `now() - interval '6 minutes'`],
        ['outbox_unreadable'],
      ],
      ['the year 4713 before Christ', [`'4713-01-01 00:00:00+00 BC'`], ['outbox_stuck']],
      ['the year 294276', [`'294276-12-31 00:00:00+00'`], ['outbox_unreadable']],
      ['the zero time of Go', [`'0001-01-01 00:00:00+00'`], ['outbox_stuck']],
    ])('is not broken by %s', async (_, values, codes) => {
      await column('timestamptz', ...values)
      const found = await times()
      expect(codesOf(found)).toEqual(codes)
      for (const { value } of found.samples) expect(Number.isFinite(value)).toBe(true)
    })

    it('takes the newest finite time as that of the last mail', async () => {
      await column('timestamptz', 'now()')
      await sql(
        `insert into app.times values (now(), now() - interval '1 hour'), (now(), 'infinity'), (now(), '-infinity')`,
      )
      expect((await times({ sent: 'sent_at' })).evidence).toContain('the last was sent 60 minutes ago')
    })

    it('reads names with capital letters, as Prisma makes them', async () => {
      afterwards('drop table app."OutboundEmail"')
      await sql(`create table app."OutboundEmail" ("createdAt" timestamp(3) not null default current_timestamp, "sentAt" timestamp(3));
        insert into app."OutboundEmail" default values; grant select on app."OutboundEmail" to ${role()}`)
      const found = await seen({
        table: 'app.OutboundEmail',
        created: 'createdAt',
        sent: 'sentAt',
        pending: '"sentAt" is null',
      })
      expect(found.verdict).toBe('ok')
      expect(valueOf(found, 'mailpath_outbox_pending')).toBe(1)
    })
  })

  describe('and what it costs', () => {
    /** To this server, reading a page is as expensive as on a slow disk: 20,000 rows are as costly as a million. */
    const many = async (): Promise<void> => {
      afterwards(`${empty}; alter role ${role()} reset seq_page_cost`)
      await sql(`alter role ${role()} set seq_page_cost = 100;
        insert into app.outbound_emails (recipient, status, created_at, sent_at)
        select 'x', 'sent', now() - interval '1 day', now() - interval '1 day' from generate_series(1, 20000);
        analyze app.outbound_emails`)
    }

    it('names an index, and is content once it is there', async () => {
      await many()
      afterwards('drop index if exists app.waiting, app.sent')
      const fields = target({ sent: 'sent_at' })
      const again = async (): Promise<Ran | undefined> =>
        look(outbox, fields, { references: env({ URL: node().url(cluster.logins.plain, cluster.database) }) })
      const found = await again()
      expect(found && codesOf(found)).toEqual(['outbox_scan_costly'])
      const remedy = found?.reasons[0]?.remedy ?? ''
      const [, first = '', second = ''] = /: (create index .*); (create index .*)\.$/.exec(remedy) ?? []
      await sql(first.replace('concurrently', 'waiting'))
      await sql(second.replace('concurrently', 'sent'))
      expect((await again())?.verdict).toBe('ok')
    })

    it('names what is behind a view, which has no index of its own', async () => {
      await many()
      afterwards('drop view app.mails')
      await sql(`create view app.mails as select * from app.outbound_emails;
        grant select (created_at, sent_at, status) on app.mails to ${role()}`)
      const [reason] = (await seen({ table: 'app.mails' })).reasons
      expect(reason?.remedy).toContain('create index concurrently on <the table behind "app"."mails"> ("created_at")')
    })

    it('asks for the cost once, and not again for an hour', async () => {
      const fields = target()
      const asked = async (): Promise<number> => {
        const found = await look(outbox, fields, {
          references: env({ URL: node().url(cluster.logins.plain, cluster.database) }),
        })
        return found?.transcript().filter(({ text }) => text.includes('explain')).length ?? NaN
      }
      expect([await asked(), await asked(), await asked()]).toEqual([1, 0, 0])
    })
  })

  describe('on a standby', () => {
    const two = 'db-postgres-02'

    it('reads it, and says so', async () => {
      afterwards(empty)
      await put('6 minutes')
      const found = await waitFor(
        async () => {
          const one = await seen({}, node(two))
          return valueOf(one, 'mailpath_outbox_pending') === 1 && one
        },
        { what: 'the standby has the row' },
      )
      expect(codesOf(found)).toEqual(['outbox_late'])
      expect(found.evidence).toContain('read on a standby')
    })

    it('believes nothing of one that receives and does not replay, and all of one with nothing to replay', async () => {
      const fields = { late_after: '100ms' }
      await waitFor(async () => (await seen(fields, node(two))).verdict === 'ok', {
        what: 'the standby has replayed all',
      })
      onTestFinished(async () => {
        await node(two).query('select pg_wal_replay_resume()', [], cluster.database)
        await sql(empty)
      })
      await node(two).query('select pg_wal_replay_pause()', [], cluster.database)
      // On the primary this waits.
      await put('20 minutes')
      const found = await waitFor(
        async () => {
          const one = await seen(fields, node(two))
          return codesOf(one).includes('outbox_unreadable') && one
        },
        { what: 'the standby is behind' },
      )
      expect(found.evidence).toContain('this standby does not replay what it receives')
      expect(found.reasons[0]?.remedy).toContain('pg_is_wal_replay_paused')
    })

    it('believes nothing of one that receives nothing', async () => {
      onTestFinished(() => cluster.restoreReceiver(two))
      await cluster.cutReceiver(two)
      const found = await waitFor(
        async () => {
          const one = await seen({ late_after: '100ms' }, node(two))
          return codesOf(one).includes('outbox_unreadable') && one
        },
        { what: 'the standby receives nothing' },
      )
      expect(found.evidence).toContain('this standby receives nothing from its primary')
      expect((await seen({}, node(two))).verdict).toBe('ok')
    })
  })

  describe('by its login', () => {
    const application = (): string => node().url(cluster.logins.backend, cluster.database)
    const by = async (url: string, fields: Record<string, unknown>): Promise<Ran> => {
      const found = await look(outbox, target(fields), {
        references: env({ URL: url, PASSWORD: cluster.logins.plain.password }),
      })
      if (!found) throw new Error('the run was not recorded')
      return found
    }

    it('takes the database of the application, and its own role', async () => {
      const found = await by(application(), { user: role(), password: { env: 'PASSWORD' } })
      expect(found.verdict).toBe('ok')
      expect(JSON.stringify(found.transcript())).toContain(`logging in as ${role()}, database ${cluster.database}`)
    })

    it('does not send the password of the application with its own role', async () => {
      await sql(`alter role ${role()} password '${cluster.logins.backend.password}'`)
      afterwards(`alter role ${role()} password '${cluster.logins.plain.password}'`)
      const found = await by(application(), { user: role() })
      expect(codesOf(found)).toEqual(['outbox_unreadable'])
    })

    it('takes host, port and the rest as well', async () => {
      const { host, port } = node()
      const more = { host, port, user: role(), database: cluster.database, password: { env: 'PASSWORD' } }
      expect((await by('', more)).verdict).toBe('ok')
    })

    it.each<[string, string, string, RegExp]>([
      ['a wrong password', 'x', '28P01', /Check user and password/],
      ['no such database', '', '3D000', /name of the database/],
    ])('says what is wrong: %s', async (_, password, code, remedy) => {
      const login = { ...cluster.logins.plain, ...(password !== '' && { password }) }
      const found = await by(node().url(login, password === '' ? 'nowhere' : cluster.database), {})
      expect(codesOf(found)).toEqual(['outbox_unreadable'])
      expect(found.reasons[0]?.text).toContain(code)
      expect(found.reasons[0]?.remedy).toMatch(remedy)
    })

    it('asks for the driver where it would make another table', async () => {
      const url = `${node().url(cluster.logins.plain, cluster.database)}?schema=app`
      const found = await by(url, { table: 'outbound_emails' })
      expect(found.evidence).toContain('Set `driver`')
      expect((await by(url, { table: 'outbound_emails', driver: 'prisma' })).verdict).toBe('ok')
      expect((await by(url, {})).verdict).toBe('ok')
    })

    it.skipIf(!needs('PgBouncer', pgbouncerBinary(), pgbouncerInstall))(
      'costs PgBouncer no session of its own, also where the statement is refused',
      async () => {
        const { user, password } = cluster.logins.plain
        const pgbouncer = await startPgbouncer({ to: node(), logins: [cluster.logins.plain], pooling: 'transaction' })
        onTestFinished(() => pgbouncer.stop())
        const url = `postgres://${user}:${password}@127.0.0.1:${pgbouncer.port}/${cluster.database}`
        const sessions = async () =>
          (await pgbouncer.admin('SHOW SERVERS')).map(one => ({ user: one['user'], process: one['remote_pid'] }))
        await by(url, {})
        const before = await sessions()
        expect(before).toHaveLength(1)
        for (const pending of ['state is null', 'attempts'])
          expect(codesOf(await by(url, { pending }))).toEqual(['outbox_unreadable'])
        expect(await sessions()).toEqual(before)
      },
    )
    it.skipIf(!needs('PgBouncer', pgbouncerBinary(), pgbouncerInstall))(
      'goes through PgBouncer in all its modes',
      async () => {
        for (const pooling of ['session', 'transaction'] as const) {
          const pgbouncer = await startPgbouncer({ to: node(), logins: [cluster.logins.plain], pooling })
          const { user, password } = cluster.logins.plain
          const found = await by(`postgres://${user}:${password}@127.0.0.1:${pgbouncer.port}/${cluster.database}`, {})
          await pgbouncer.stop()
          expect(found.verdict, found.evidence).toBe('ok')
        }
      },
    )
  })
})

describe.skipIf(!needs('a server that speaks German', binDir, languageInstall('de_DE')))('on a German server', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await startCluster({
      standbys: 0,
      settings: { lc_messages: 'de_DE.UTF-8' },
      ...(binDir !== undefined && { binDir }),
    })
  })
  afterAll(() => cluster.stop())

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['a table', { table: 'app.outbox' }, /no such table/],
    ['a column', { created: 'made' }, /no such column/],
    ['a grant', { pending: 'true' }, /Grant/],
    ['time', { table: 'pg_class', created: 'relname', pending: 'pg_sleep(60) is not null' }, /timestamp/],
  ])('says what it lacks: %s', async (_, fields, remedy) => {
    const [node] = cluster.nodes
    const url = node?.url(cluster.logins.plain, cluster.database) ?? ''
    const found = await look(outbox, target({ table: 'public.outbound_email', ...fields }), {
      references: env({ URL: url }),
    })
    expect(found && codesOf(found)).toEqual(['outbox_unreadable'])
    expect(found?.reasons[0]?.remedy).toMatch(remedy)
  })
})
