import * as z from 'zod'
import { shownIn, type Shown } from '../../clients/certificates.ts'
import { sessionFailure, type SessionFailure } from '../../clients/postgres-errors.ts'
import {
  askFacts,
  factsSql,
  maybe,
  noTimeout,
  ofAnyServer,
  columnsOfAnyServer,
  naming,
  type FactGroup,
} from '../../clients/postgres-facts.ts'
import { routineOf, type ServerMessage } from '../../clients/postgres-messages.ts'
import type { Plan } from '../../clients/postgres-url/plan.ts'
import { endpointText, openSession, openWatch, planText, quoted, type Session } from '../../clients/postgres.ts'
import { openSocket } from '../../clients/socket.ts'
import { Unresolved, describeError, codeOf } from '../../core/errors.ts'
import type { Look, Watch } from '../../core/probe.ts'
import { choose, type DriverProblem } from './drivers.ts'
import type { WritePathTarget } from './target.ts'
import { compare, type Arrival } from './rivals.ts'

/**
 * Where the session is, and whether its transactions are read-only: the first rung, in one statement. It uses the
 * functions below the views, since the first use of a view in a session costs the server more.
 * https://www.postgresql.org/docs/current/functions-info.html
 */
const groups: readonly FactGroup[] = [
  ...ofAnyServer,
  {
    about: 'the timeline',
    sql: `
select case when not pg_is_in_recovery() then substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) end as wal_file_timeline`,
  },
  {
    about: 'the process of the session',
    sql: `
select pg_backend_pid() as backend_pid,
  (select extract(epoch from clock_timestamp() - backend_start)::float8 from pg_stat_get_activity(pg_backend_pid())) as backend_age_seconds`,
  },
  // Behind a pooler they may be others than those of the login.
  {
    about: 'its role and its database',
    sql: `select session_user::text as role, current_database()::text as database`,
  },
  {
    about: 'until when the password of the role is valid',
    sql: `
select case when isfinite(rolvaliduntil) then extract(epoch from rolvaliduntil)::float8 end as role_valid_until,
  case when isfinite(rolvaliduntil) then extract(epoch from rolvaliduntil - clock_timestamp())::float8 end as role_valid_seconds
from pg_roles where rolname = session_user`,
  },
]
export const landingSql = factsSql(groups)

const row = z
  .object({
    ...columnsOfAnyServer,
    wal_file_timeline: maybe(z.string()),
    backend_pid: maybe(z.number()),
    backend_age_seconds: maybe(z.number()),
    /** Of the session on the server. */
    role: maybe(z.string()),
    database: maybe(z.string()),
    /** Seconds since the epoch, and from now by the clock of the server; null if it never ends. */
    role_valid_until: maybe(z.number()),
    role_valid_seconds: maybe(z.number()),
  })
  // If the server gives neither, the rungs of the ladder show it.
  .transform(({ in_hot_standby, transaction_read_only, ...seen }) => ({
    ...seen,
    in_recovery: seen.in_recovery ?? in_hot_standby === 'on',
    read_only: seen.read_only ?? transaction_read_only === 'on',
  }))
/** Where one session landed. */
export interface Landing extends z.output<typeof row> {
  /** A pooler is in between: its process ID is not that of the backend, or the backend is older than our connection. */
  readonly pooled: boolean
}

/** The result of one rung of the write ladder. */
export interface Rung {
  readonly rung: 'xid' | 'commit' | 'heartbeat'
  readonly ok: boolean
  /** It did not finish before the deadline. */
  readonly hung: boolean
  readonly seconds: number
  /** SQLSTATE, if the server refused, and the function in it that did; a pooler names none. */
  readonly code: string | undefined
  readonly routine?: string | undefined
  readonly text: string
  /** Asked to cancel, the server said that the commit waited for a synchronous standby. */
  readonly syncWait: boolean
}

export interface WritePathSeen {
  /** Where we connected to: `host:port`. */
  readonly address: string
  /** Set if it is unknown how the application connects, or if its driver refuses to. Nothing else was seen then. */
  readonly driver?: DriverProblem | undefined
  /** No user is configured, so only the address was checked. */
  readonly addressOnly?: { readonly peer: string; readonly port: number } | undefined
  /** Every place of the plan, in order, if there are several: then `address` is the one that let us in. */
  readonly places?: readonly string[] | undefined
  /** The driver itself looks for a server of some kind (`target_session_attrs`). */
  readonly seeksKind?: boolean | undefined
  readonly landings: readonly Landing[]
  readonly ladder: readonly Rung[]
  /** Warnings of the server while our statements ran. */
  readonly warnings?: readonly ServerMessage[] | undefined
  /** The certificates of the server, if the last session had TLS. */
  readonly certificates?: Shown | undefined
  readonly failure?: SessionFailure | undefined
}

/** What a run has found so far. */
interface Finding extends Pick<WritePathSeen, 'places' | 'seeksKind'> {
  address: string
  readonly landings: Landing[]
  readonly ladder: Rung[]
  readonly warnings: ServerMessage[]
  certificates?: Shown | undefined
  /** Where the first session landed, and how it got there. */
  arrival?: Arrival | undefined
}

/** Opens fresh sessions one after the other, climbs the write ladder on the first, and notes where the others land. */
export async function observe(target: WritePathTarget, look: Look): Promise<WritePathSeen> {
  const nothing = { landings: [], ladder: [] }
  const choice = await choose(target, look)
  if ('kind' in choice) return { ...nothing, address: 'url', driver: choice }
  const { plan } = choice.own
  const { arrival, ...seen } = await observeBy(plan, target, look)
  const readOnly = seen.landings.some(landing => landing.in_recovery || landing.read_only)
  const wrote = !readOnly && seen.ladder.some(({ rung, ok }) => rung === 'commit' && ok)
  const driver = await compare(target, look, choice, { at: arrival, failure: seen.failure, wrote })
  return driver ? { ...nothing, address: seen.address, driver } : seen
}

/** What the driver chooses by itself. */
const choiceOf = ({ endpoints, targetSessionAttrs }: Plan): Pick<WritePathSeen, 'places' | 'seeksKind'> => ({
  ...(endpoints.length > 1 && { places: endpoints.map(endpointText) }),
  ...(targetSessionAttrs !== 'any' && { seeksKind: true }),
})

async function observeBy(plan: Plan, target: WritePathTarget, look: Look): Promise<WritePathSeen & Finding> {
  const found: Finding = { address: planText(plan), ...choiceOf(plan), landings: [], ladder: [], warnings: [] }
  try {
    if (plan.user === '') return { ...found, addressOnly: await peerOf(plan, look) }
    for (let n = 0; n < target.sessions; n++) await lookThrough(target, plan, look, found, n === 0)
    return found
  } catch (error) {
    const failure = sessionFailure(error, look, found.address)
    return { ...found, certificates: found.certificates ?? shownIn(error), failure }
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
  seen.certificates = session.certificates
  // Messages at the login go to all logins, so they are not about our statements.
  const saidAtLogin = session.notices.length
  try {
    const { row: columns } = await look.phase('landing', () => askFacts(session, look, [...groups, naming(session)]))
    const landing = row.parse(columns)
    const older = (landing.backend_age_seconds ?? 0) > (performance.now() - openedAt) / 1000 + 0.05
    const other = landing.backend_pid !== null && landing.backend_pid !== session.backendPid
    seen.landings.push({ ...landing, pooled: older || other })
    seen.arrival ??= { ...landing, address: session.address, tls: session.tls }
    if (climbIt) await climb(target, look, session, landing, seen.ladder)
  } finally {
    seen.warnings.push(...session.notices.slice(saidAtLogin).filter(isWarning))
    await session.close()
  }
}

/** Class 01 are warnings by SQLSTATE; other classes are about the statement. */
const isWarning = ({ severity, code }: ServerMessage): boolean => severity === 'WARNING' && code.startsWith('01')

/**
 * Only one of our sessions at a time is in a commit on a server: the others wait for this lock, and the server ends
 * their wait (lock_timeout). So if commits hang and cancel requests do not get through, at most one backend of ours
 * stays behind, however long the outage. statement_timeout does not end the wait for a synchronous standby.
 * https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION
 */
const commitLock = 0x6d61696c // "mail"

/**
 * The rungs after `transaction_read_only`. None leaves a row.
 * First a transaction that takes an ID, which a standby refuses. It also spills some 200 kB to a temporary file next to
 * the tables: on a full data volume a commit still works, and an INSERT that needs a new page does not. It waits for no
 * disk and no standby, so it can be committed; a rollback would count in pg_stat_database, for which people have
 * alerts. It proves nothing about default_transaction_read_only, disk and standby, so a real commit follows: a logical
 * message, which needs no table and which any role may write.
 * The statements of one message are one transaction. The server has no time limit for them: ours ends them.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT
 * https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-REPLICATION
 * https://www.postgresql.org/docs/current/disk-full.html
 */
export function ladderSql(
  target: Pick<WritePathTarget, 'name' | 'heartbeat'>,
  timeoutMs: number,
): [Rung['rung'], string][] {
  const lockTimeout = Math.max(100, Math.round(timeoutMs * 0.6))
  const inTransaction = (...statements: string[]): string =>
    [noTimeout, `set local lock_timeout = ${lockTimeout}`, ...statements].join('; ')
  const sql: [Rung['rung'], string][] = [
    ['xid', [noTimeout, 'set local synchronous_commit = off', spillSql].join('; ')],
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

/** More rows than work_mem holds, so they go to a temporary file, which is freed when the transaction ends. */
const spillSql = `set local work_mem = '64kB'; set local temp_tablespaces = ''; select pg_current_xact_id(), count(*) from generate_series(1, 10000)`

async function climb(
  target: WritePathTarget,
  look: Look,
  session: Session,
  landing: z.output<typeof row>,
  ladder: Rung[],
): Promise<void> {
  if (landing.in_recovery) return void ladder.push(await look.phase('xid', () => tryOnStandby(look, session)))
  for (const [rung, statement] of ladderSql(target, look.timeoutMs)) {
    const result = await look.phase(rung, () => tryRung(rung, statement, look, session))
    // It may not write temporary files (53400) or run the functions. The next rungs show whether it may write.
    const passed = rung === 'xid' && (result.code === '53400' || isNotAllowed(result))
    ladder.push(passed ? { ...result, ok: true, code: undefined, text: '' } : result)
    // The heartbeat row is proof as well, if the role may not run the function of the commit.
    if (!result.ok && !passed && !(rung === 'commit' && isNotAllowed(result))) return
  }
}

/** The role may not run a function (42501, or there is none, 42883), or somebody ended the statement (57014). */
export const isNotAllowed = ({ code = '' }: Pick<Rung, 'code'>): boolean => ['42501', '42883', '57014'].includes(code)

/**
 * The one rung on a standby, which refuses it. Rolls back a savepoint and commits, since a failed transaction would
 * count as a rollback in pg_stat_database in every round.
 */
async function tryOnStandby(look: Look, session: Session): Promise<Rung> {
  const attempt = `begin; ${noTimeout}; savepoint attempt; select pg_current_xact_id()`
  const tried = await tryRung('xid', attempt, look, session)
  if (tried.ok) await session.query('commit')
  if (tried.code === '25006') await session.query('rollback to attempt; commit')
  return tried
}

/** Runs a rung. A refusal is a fact; a statement that hangs until the deadline is cancelled first. */
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
      routine: hung ? undefined : routineOf(error),
      text: hung ? describeError(look.signal.reason) : error === undefined ? '' : describeError(error),
      syncWait: session.notices.some(isSyncWait),
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

/** The server's message about a commit whose wait for a standby was cancelled. */
export const isSyncWait = ({ severity, routine }: ServerMessage): boolean =>
  severity === 'WARNING' && routine === 'SyncRepWaitForLSN'

const heartbeatSql = (table: string, name: string): string =>
  `insert into ${quoted(table)} (target, beat) values ('${name.replaceAll("'", "''")}', now()) on conflict (target) do update set beat = excluded.beat`

/** The address of a path without a login. Nothing is sent, so the server logs no complaint. */
async function peerOf({ endpoints: [first] }: Plan, look: Look): Promise<{ peer: string; port: number }> {
  if (first?.kind !== 'tcp') throw new Error('without a user only a host and its port can be looked at, and no socket')
  const host = first.address ?? first.host
  const socket = await openSocket(look, host, first.port)
  const peer = { peer: socket.remoteAddress ?? host, port: socket.remotePort ?? first.port }
  socket.destroy()
  return peer
}

/** Opens a watch the way runs connect. */
export async function watch(target: WritePathTarget, look: Look): Promise<Watch> {
  const choice = await choose(target, look)
  if ('kind' in choice) throw new Unresolved(`url: ${choice.text}`)
  return openWatch(look, choice.own.plan)
}
