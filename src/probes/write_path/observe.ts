import * as z from 'zod'
import type { Plan } from '../../clients/postgres-url/plan.ts'
import { naming, openSession, openWatch, planText, type Session } from '../../clients/postgres.ts'
import { openSocket } from '../../clients/socket.ts'
import { Unresolved, describeError, codeOf, type Failure } from '../../core/errors.ts'
import { failureOf, type Look, type Watch } from '../../core/probe.ts'
import { choose, type DriverProblem } from './drivers.ts'
import type { WritePathTarget } from './index.ts'
import { compare, type Arrival } from './rivals.ts'

/**
 * Where the session is, and whether its transactions are read-only: the first rung, in one statement.
 * Any role may run it. The functions behind the views spare the server what a view costs at its first use in a session.
 * https://www.postgresql.org/docs/current/functions-info.html
 */
export const landingSql = `
select
  pg_is_in_recovery() as in_recovery,
  current_setting('transaction_read_only') = 'on' as read_only,
  case when current_setting('default_transaction_read_only')::bool then
    (select source from pg_show_all_settings() where name = 'default_transaction_read_only') end as read_only_source,
  host(inet_server_addr()) as server_address,
  inet_server_port() as server_port,
  to_char(pg_postmaster_start_time() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') as postmaster_start,
  (select system_identifier::text from pg_control_system()) as system_identifier,
  case when not pg_is_in_recovery() then substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) end as wal_file_timeline,
  pg_backend_pid() as backend_pid,
  (select extract(epoch from clock_timestamp() - backend_start)::float8 from pg_stat_get_activity(pg_backend_pid())) as backend_age_seconds`

const row = z.object({
  in_recovery: z.boolean(),
  read_only: z.boolean(),
  read_only_source: z.string().nullable(),
  server_address: z.string().nullable(),
  server_port: z.number().nullable(),
  postmaster_start: z.string(),
  system_identifier: z.string().regex(/^\d{1,20}$/, 'the system identifier is no number'),
  wal_file_timeline: z.string().nullable(),
  backend_pid: z.number(),
  backend_age_seconds: z.number().nullable(),
})
/** Where one session landed. */
export interface Landing extends z.output<typeof row> {
  /** A pooler sits between: it gave another process ID than the backend has, or a backend older than our connect. */
  readonly pooled: boolean
}

export const rungs = ['xid', 'commit', 'heartbeat'] as const
/** One rung of the write ladder, as it went. */
export interface Rung {
  readonly rung: (typeof rungs)[number]
  readonly ok: boolean
  /** It did not come back until the deadline. */
  readonly hung: boolean
  readonly seconds: number
  /** SQLSTATE, where the server refused. */
  readonly code: string | undefined
  readonly text: string
  /** The server said, when asked to cancel, that the commit waited for a synchronous standby. */
  readonly syncWait: boolean
}

export interface WritePathSeen {
  /** Where we connected to: `host:port`. */
  readonly address: string
  /** Set where it is not known how the application connects, or its driver refuses to: nothing else was seen then. */
  readonly driver?: DriverProblem | undefined
  /** No user is configured: only the address was looked at. */
  readonly addressOnly: { readonly peer: string; readonly port: number } | undefined
  readonly landings: readonly Landing[]
  readonly ladder: readonly Rung[]
  readonly failure: Failure | undefined
}

/** What a run finds out as it goes on. */
interface Finding {
  address: string
  readonly landings: Landing[]
  readonly ladder: Rung[]
  /** Where the first session landed, and how it was had. */
  arrival: Arrival | undefined
}

/** Opens fresh sessions one after the other, climbs the write ladder on the first, and looks where the others land. */
export async function observe(target: WritePathTarget, look: Look): Promise<WritePathSeen> {
  const nothing = { addressOnly: undefined, landings: [], ladder: [], failure: undefined }
  const choice = await choose(target, look)
  if ('kind' in choice) return { ...nothing, address: 'url', driver: choice }
  const { plan } = choice.own
  const { arrival, ...seen } = await observeBy(plan, target, look)
  const driver = await compare(target, look, choice, { at: arrival, failure: seen.failure })
  return driver ? { ...nothing, address: seen.address, driver } : seen
}

async function observeBy(
  plan: Plan,
  target: WritePathTarget,
  look: Look,
): Promise<WritePathSeen & { readonly arrival: Arrival | undefined }> {
  const found: Finding = { address: planText(plan), landings: [], ladder: [], arrival: undefined }
  try {
    if (plan.user === '') return { ...found, addressOnly: await peerOf(plan, look), failure: undefined }
    for (let n = 0; n < target.sessions; n++) await lookThrough(target, plan, look, found, n === 0)
    return { ...found, addressOnly: undefined, failure: undefined }
  } catch (error) {
    return { ...found, addressOnly: undefined, failure: failureOf(error, look, found.address) }
  }
}

async function lookThrough(
  target: WritePathTarget,
  plan: Plan,
  look: Look,
  seen: Finding,
  climbIt: boolean,
): Promise<void> {
  const openedAt = performance.now()
  const session = await openSession(look, plan)
  seen.address = session.address
  try {
    const rows = await look.phase('landing', () => session.query(naming(landingSql, session)))
    const landing = row.parse(rows[0])
    const older = (landing.backend_age_seconds ?? 0) > (performance.now() - openedAt) / 1000 + 0.05
    seen.landings.push({ ...landing, pooled: older || landing.backend_pid !== session.backendPid })
    seen.arrival ??= { ...landing, address: session.address, tls: session.tls }
    if (climbIt) await climb(target, look, session, seen.ladder)
  } finally {
    await session.close()
  }
}

/**
 * At most one of our sessions at a time is in a commit on a server: the others wait for this lock, and the server itself
 * ends their wait (lock_timeout). So if commits hang there and cancel requests do not get through, one backend of ours
 * stays behind, and no more, however long the outage. Only statement_timeout does nothing for a commit that waits for a
 * synchronous standby. https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION
 */
const commitLock = 0x6d61696c // "mail"

/**
 * The rungs after `transaction_read_only`, none of which leaves a row. First an aborted transaction: it is proof for a
 * standby, and it spills some 200 kB to a temporary file where the tables of the database are, for on a full data volume
 * a commit still goes through and an INSERT that needs a new page does not. But it proves nothing for
 * default_transaction_read_only, and does not wait for a disk or a standby: so a real commit follows, of a logical
 * message, which takes no table and any role may write.
 * https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-REPLICATION
 * https://www.postgresql.org/docs/current/disk-full.html
 */
export function ladderSql(
  target: Pick<WritePathTarget, 'name' | 'heartbeat'>,
  timeoutMs: number,
): [Rung['rung'], string][] {
  const lockTimeout = Math.max(100, Math.round(timeoutMs * 0.6))
  const inTransaction = (...statements: string[]): string =>
    ['begin', `set local lock_timeout = ${lockTimeout}`, ...statements, 'commit'].join('; ')
  const sql: [Rung['rung'], string][] = [
    ['xid', `begin; select pg_current_xact_id(); ${spillSql}; rollback`],
    [
      'commit',
      inTransaction(
        `select pg_advisory_xact_lock(${commitLock})`,
        `select pg_logical_emit_message(true, 'mailpath', '')`,
      ),
    ],
  ]
  if (target.heartbeat) sql.push(['heartbeat', inTransaction(heartbeatSql(target.heartbeat.table, target.name))])
  return sql
}

async function climb(target: WritePathTarget, look: Look, session: Session, ladder: Rung[]): Promise<void> {
  for (const [rung, statement] of ladderSql(target, look.timeoutMs)) {
    const result = await look.phase(rung, () => tryRung(rung, statement, look, session))
    // A role that may not write temporary files (temp_file_limit) got as far as that: it has its transaction ID.
    const limited = rung === 'xid' && result.code === '53400'
    if (limited) await session.query('rollback')
    ladder.push(limited ? { ...result, ok: true, code: undefined, text: '' } : result)
    if (!result.ok && !limited) return
  }
}

/** More rows than work_mem holds go to a temporary file; what it needs is freed when the transaction ends. */
const spillSql = `set local work_mem = '64kB'; set local temp_tablespaces = ''; select count(*) from generate_series(1, 10000)`

/** Runs a rung. What the server refuses is a fact; what hangs until the deadline is cancelled first. */
async function tryRung(rung: Rung['rung'], sql: string, look: Look, session: Session): Promise<Rung> {
  const from = performance.now()
  const cancel = (): void => void session.cancel()
  const outcome = (error?: unknown): Rung => {
    const hung = look.signal.aborted
    return {
      rung,
      ok: error === undefined && !hung,
      hung,
      seconds: (performance.now() - from) / 1000,
      code: hung ? undefined : codeOf(error),
      text: hung ? describeError(look.signal.reason) : error === undefined ? '' : describeError(error),
      syncWait: session.notices.some(notice => notice.includes('synchronous replication')),
    }
  }
  look.signal.addEventListener('abort', cancel)
  try {
    await session.query(sql)
    return outcome()
  } catch (error) {
    return outcome(error)
  } finally {
    look.signal.removeEventListener('abort', cancel)
  }
}

const quoted = (identifier: string): string =>
  identifier
    .split('.')
    .map(part => `"${part}"`)
    .join('.')
const heartbeatSql = (table: string, name: string): string =>
  `insert into ${quoted(table)} (target, beat) values ('${name.replaceAll("'", "''")}', now()) on conflict (target) do update set beat = excluded.beat`

/** The address a path without a login leads to. Nothing is sent, so the server has nothing to complain about in its log. */
async function peerOf({ endpoints: [first] }: Plan, look: Look): Promise<{ peer: string; port: number }> {
  if (first?.kind !== 'tcp') throw new Error('without a user only a host and its port can be looked at, and no socket')
  const host = first.address ?? first.host
  const socket = await openSocket(look, host, first.port)
  const peer = { peer: socket.remoteAddress ?? host, port: socket.remotePort ?? first.port }
  socket.destroy()
  return peer
}

/** As the runs connect. */
export async function watch(target: WritePathTarget, look: Look): Promise<Watch> {
  const choice = await choose(target, look)
  if ('kind' in choice) throw new Unresolved(`url: ${choice.text}`)
  return openWatch(look, choice.own.plan)
}
