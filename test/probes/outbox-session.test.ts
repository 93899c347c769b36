import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { Row } from '../../src/clients/postgres.ts'
import { startLook } from '../../src/monitor/look.ts'
import type { Ran } from '../../src/monitor/run.ts'
import { createTurn, runTurn } from '../../src/monitor/turn.ts'
import { outbox } from '../../src/probes/outbox/index.ts'
import { createReferences } from '../../src/references/index.ts'
import { pgbouncerBinary, pgbouncerInstall, startPgbouncer } from '../servers/pgbouncer.ts'
import { startCluster, type Cluster, type PostgresNode } from '../servers/postgres.ts'
import { needs, waitFor } from '../servers/processes.ts'
import { valueOf } from './values.ts'

// Rounds of an outbox with `login_interval`, in the session that its watch keeps open, on a real server.

let cluster: Cluster
let node: PostgresNode
const reader = { user: 'outbox_reader', password: 'outbox-reader-pw' }
/** A condition whose cost can be changed while a session is open. */
const slowly = (ms: number): string => `create or replace function app.waits(text) returns boolean language plpgsql as
  $$ begin ${ms > 0 ? `perform pg_sleep(${ms / 1_000});` : ''} return $1 = 'queued'; end $$`

const sql = <T extends Row = Row>(text: string): Promise<T[]> => node.query<T>(text, [], cluster.database)
/** For tests that change the role. */
const afterwards = (text: string): void =>
  onTestFinished(async () => {
    await sql(text)
  })
const grant = `
  create role ${reader.user} login password '${reader.password}';
  grant usage on schema app to ${reader.user};
  grant select (created_at, sent_at, status) on app.outbound_emails to ${reader.user}`

beforeAll(async () => {
  cluster = await startCluster({ standbys: 0 })
  node = await cluster.primary()
  await sql(`
    create schema app;
    create table app.outbound_emails (
      recipient text not null default 'anna@example.com', status text not null default 'queued',
      created_at timestamptz not null default now(), sent_at timestamptz
    );
    ${slowly(0)};
    ${grant}`)
})
beforeEach(async () => {
  await sql('insert into app.outbound_emails default values')
})
afterEach(async () => {
  await cluster.heal()
  await sql(`truncate app.outbound_emails; ${slowly(0)}`)
}, 30_000)
afterAll(() => cluster.stop())

/** Every 200 ms is a round due: a watch is opened no more often. */
const intervalMs = 200

/** The check of a target that logs in with this URL. */
function checkOf(fields: Record<string, unknown>, url: string, timeoutMs = 5_000) {
  const target = outbox.target.parse({
    name: 'mails',
    cluster: 'kb',
    url: { env: 'URL' },
    table: 'app.outbound_emails',
    created: 'created_at',
    pending: 'app.waits(status)',
    sent: 'sent_at',
    watch: true,
    login_interval: '1h',
    ...fields,
  })
  const references = createReferences({ env: { URL: url }, vaults: [], kubernetes: undefined })
  return { check: { ...outbox.bind(target), target: target.name, intervalMs, timeoutMs, needs: [] }, references }
}

/** Rounds of the daemon: each tends the watch. None is a login, unless the session does not answer. */
function rounds(
  fields: Record<string, unknown> = {},
  { url = node.url(reader, cluster.database), timeoutMs = 5_000 } = {},
) {
  const { check, references } = checkOf(fields, url, timeoutMs)
  const turn = createTurn(check, () => references)
  onTestFinished(async () => {
    turn.stop.abort(new Error('the test has ended'))
    await turn.keeper.ended()
  })
  const round = async (): Promise<Ran> => {
    const ran = await runTurn(turn, () => references, turn.stop.signal, false)
    if (!ran) throw new Error('the run was not recorded')
    void turn.keeper.after(ran).then(isLost => isLost && turn.keeper.endWas(true))
    return ran
  }
  return {
    round,
    /** Logs in, and waits for the session that is kept. */
    begun: async (): Promise<number> => {
      const ran = await round()
      if (ran.verdict !== 'ok') throw new Error(ran.evidence)
      return (await idle()).pid
    },
  }
}

type Kept = Row & { readonly pid: number }

/** The session that is kept, once it idles outside of any transaction. */
const idle = (): Promise<Kept> =>
  waitFor(
    async () => {
      const [one] = await sql<Kept>(`select pid from pg_stat_activity
        where application_name = 'mailpath-exporter watch' and state = 'idle' and xact_start is null`)
      return one ?? false
    },
    { what: 'the session idles' },
  )

const said = (ran: Ran): string =>
  ran
    .transcript()
    .map(({ text }) => text)
    .join('\n')
const loggedIn = (ran: Ran): boolean => said(ran).includes('logging in')
const codesOf = ({ reasons }: Ran): string[] => reasons.map(({ code }) => code)

describe('a round in the session that is kept open', () => {
  it('sees as much as one with a login, and leaves no transaction and no lock', async () => {
    const { round, begun } = rounds()
    const pid = await begun()
    await sql(`insert into app.outbound_emails (created_at) values (now() - interval '20 minutes')`)
    const found = await round()
    expect(loggedIn(found)).toBe(false)
    expect(codesOf(found)).toEqual(['outbox_stuck'])
    expect(valueOf(found, 'mailpath_outbox_pending')).toBe(2)
    expect(await idle()).toEqual({ pid })
    expect(await sql(`select from pg_locks where pid = ${pid}`)).toEqual([])
    await sql('delete from app.outbound_emails')
    const next = await round()
    expect(loggedIn(next)).toBe(false)
    expect(valueOf(next, 'mailpath_outbox_pending')).toBe(0)
  })

  it('is a login after login_interval, and always without it', async () => {
    const some = rounds({ login_interval: '1s' })
    await some.begun()
    expect(loggedIn(await some.round())).toBe(false)
    await sleep(1_000)
    expect(loggedIn(await some.round())).toBe(true)
    const none = rounds({ login_interval: undefined })
    await none.begun()
    expect(loggedIn(await none.round())).toBe(true)
  })

  it('has one read-only transaction with its limits, and one statement by the extended protocol', async () => {
    const { round, begun } = rounds()
    await begun()
    const text = said(await round())
    for (const part of [
      'read only',
      'set local statement_timeout = 2000',
      'set local lock_timeout = 500',
      'set local idle_in_transaction_session_timeout = 2000',
    ])
      expect(text).toContain(part)
    expect(text.match(/^> (?:begin|select|commit)/gm)).toEqual(['> begin', '> select', '> commit'])
  })

  it.each([
    ['a second statement', 'true); delete from app.outbound_emails; --'],
    ['something that writes', 'app.empties()'],
  ])('lets a condition do no harm: %s', async (_, pending) => {
    await sql(`create or replace function app.empties() returns boolean language sql volatile as
      $$ delete from app.outbound_emails; select true $$`)
    const { check, references } = checkOf({ pending }, node.url({ user: 'postgres', password: 'x' }, cluster.database))
    // The daemon opens none after a login that was refused this statement.
    const stop = new AbortController()
    const begin = () => startLook(check, references, stop.signal).look
    const watch = await check.watch?.open(begin())
    onTestFinished(() => watch?.close())
    expect(await watch?.ask?.(begin())).toBeUndefined()
    await idle()
    expect(await sql('select from app.outbound_emails')).toHaveLength(1)
  })

  it('shows nothing of a row that the server quotes', async () => {
    const { round, begun } = rounds()
    await begun()
    await sql(`create or replace function app.waits(text)
      returns boolean language plpgsql as $$ begin raise exception 'anna@example.com: %', $1; end $$`)
    const found = await round()
    expect(codesOf(found)).toEqual(['outbox_unreadable'])
    const { config: _, ...shown } = found
    expect(JSON.stringify([shown, found.transcript()])).not.toContain('anna@example')
  })
})

describe('the limits hold in the session that is kept open', () => {
  it('of a lock: the round ends soon, says so without a login, and leaves no transaction', async () => {
    const { round, begun } = rounds()
    const pid = await begun()
    const holder = new Client({ connectionString: node.url({ user: 'postgres', password: 'x' }, cluster.database) })
    await holder.connect()
    onTestFinished(() => holder.end())
    await holder.query('begin; lock table app.outbound_emails')
    const from = performance.now()
    const found = await round()
    expect(performance.now() - from).toBeLessThan(2_000)
    expect(found.reasons[0]?.text).toContain('SQLSTATE 55P03')
    expect(found.reasons[0]?.remedy).toContain('holds a lock on the table')
    expect(loggedIn(found)).toBe(false)
    await waitFor(async () => (await sql(`select from pg_locks where pid = ${pid}`)).length === 0, {
      what: 'it waits for no lock',
    })
    await holder.query('rollback')
    expect((await round()).verdict).toBe('ok')
  })

  it('of the statement: the round hears of it before it ends itself', async () => {
    const { round, begun } = rounds({}, { timeoutMs: 1_500 })
    await begun()
    await sql(slowly(60_000))
    const found = await round()
    expect(found.reasons[0]?.text).toContain('SQLSTATE 57014')
    expect(found.timedOut).toBe(false)
    expect(loggedIn(found)).toBe(false)
    await sql(slowly(0))
    expect((await round()).verdict).toBe('ok')
  })

  it('of a run without an answer: the transaction ends on the server, and the next round sees again', async () => {
    const { round, begun } = rounds({}, { timeoutMs: 2_000 })
    const pid = await begun()
    await sql(slowly(60_000))
    const under = round()
    const sleeping = `select from pg_stat_activity where pid = ${pid} and wait_event = 'PgSleep'`
    await waitFor(async () => (await sql(sleeping)).length === 1, { everyMs: 10, what: 'the statement runs' })
    process.kill(pid, 'SIGSTOP')
    const found = await under
    process.kill(pid, 'SIGCONT')
    expect(found.timedOut).toBe(true)
    expect(codesOf(found)).toEqual(['outbox_unreadable'])
    expect(loggedIn(found)).toBe(false)
    await sql(slowly(0))
    await waitFor(
      async () =>
        (await sql(`select from pg_stat_activity where xact_start is not null and usename = '${reader.user}'`))
          .length === 0,
      { what: 'no transaction of ours is open' },
    )
    expect(await waitFor(async () => (await round()).verdict === 'ok', { what: 'it is read again' })).toBe(true)
  })
})

describe('a session that fails leaves the round to a login', () => {
  it('if it was terminated; and another one is opened', async () => {
    const { round, begun } = rounds()
    const pid = await begun()
    await sql(`select pg_terminate_backend(${pid}, 5000)`)
    const found = await round()
    expect(found.verdict).toBe('ok')
    expect(loggedIn(found)).toBe(true)
    await waitFor(async () => !loggedIn(await round()), { what: 'a session is kept again' })
  })

  it('if the server was restarted, which is seen while it is down', async () => {
    const { round, begun } = rounds()
    await begun()
    await node.stop('fast')
    const down = await round()
    expect(codesOf(down)).toEqual(['outbox_unreadable'])
    expect(loggedIn(down)).toBe(false)
    expect(down.evidence).toContain('ECONNREFUSED')
    await node.start()
    expect((await round()).verdict).toBe('ok')
    await waitFor(async () => !loggedIn(await round()), { what: 'a session is kept again' })
  })

  it('if the role was dropped: the login says so', async () => {
    const { round, begun } = rounds()
    await begun()
    afterwards(grant)
    await sql(`drop owned by ${reader.user}; drop role ${reader.user}`)
    const found = await round()
    expect(codesOf(found)).toEqual(['outbox_unreadable'])
    expect(found.reasons[0]?.text).toMatch(/SQLSTATE 28/)
    // Nothing of ours is left there.
    await waitFor(
      async () =>
        (await sql(`select from pg_stat_activity where application_name like 'mailpath%' and pid <> pg_backend_pid()`))
          .length === 0,
      { what: 'our session has ended' },
    )
  })

  it('if a grant was taken away, and keeps no session while that lasts', async () => {
    const { round, begun } = rounds()
    await begun()
    afterwards(`grant select (status) on app.outbound_emails to ${reader.user}`)
    await sql(`revoke select (status) on app.outbound_emails from ${reader.user}`)
    const found = await round()
    expect(found.reasons[0]?.text).toContain('SQLSTATE 42501')
    expect(said(found)).toContain('> rollback')
    await waitFor(
      async () => (await sql(`select from pg_stat_activity where usename = '${reader.user}'`)).length === 0,
      {
        what: 'no session is open',
      },
    )
  })
})

it('never takes the only connection of its role from a round', async () => {
  afterwards(`alter role ${reader.user} connection limit -1`)
  await sql(`alter role ${reader.user} connection limit 1`)
  // Each round logs in.
  const { round } = rounds({ login_interval: undefined })
  for (const _ of [1, 2, 3]) {
    const found = await round()
    expect(found.verdict, found.evidence).toBe('ok')
    await sleep(2 * intervalMs)
  }
})

describe.skipIf(!needs('PgBouncer', pgbouncerBinary(), pgbouncerInstall))(
  'behind PgBouncer in transaction mode',
  () => {
    it('keeps no session of the server, leaves it as it was, and survives a restart of the pooler', async () => {
      const pgbouncer = await startPgbouncer({ to: node, logins: [reader], pooling: 'transaction' })
      onTestFinished(() => pgbouncer.stop())
      const url = `postgres://${reader.user}:${reader.password}@127.0.0.1:${pgbouncer.port}/${cluster.database}`
      const { round } = rounds({}, { url })
      await waitFor(async () => !loggedIn(await round()), { what: 'a session is kept' })
      await sql(`insert into app.outbound_emails (created_at) values (now() - interval '20 minutes')`)
      const found = await round()
      expect(loggedIn(found)).toBe(false)
      expect(codesOf(found)).toEqual(['outbox_stuck'])
      const pool = (await pgbouncer.admin('SHOW POOLS')).find(({ user }) => user === reader.user)
      expect(pool).toMatchObject({ sv_active: 0 })
      // Another client gets the same session of the server: no limit of ours is left there.
      const other = new Client({ connectionString: url })
      await other.connect()
      onTestFinished(() => other.end().catch(() => undefined))
      const left = await other.query<Record<string, string>>(
        `select current_setting('lock_timeout') as lock, current_setting('row_security') as rows, current_setting('transaction_read_only') as read_only`,
      )
      expect(left.rows).toEqual([{ lock: '0', rows: 'on', read_only: 'off' }])
      await other.end()
      await pgbouncer.process.stop('SIGKILL')
      expect(codesOf(await round())).toEqual(['outbox_unreadable'])
    })
  },
)
