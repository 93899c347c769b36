import * as z from 'zod'
import { shownIn, type Shown } from '../../clients/certificates.ts'
import { sessionFailure, type SessionFailure } from '../../clients/postgres-errors.ts'
import {
  askFacts,
  factsSql,
  maybe,
  ofAnyServer,
  columnsOfAnyServer,
  type FactGroup,
  type RefusedFacts,
} from '../../clients/postgres-facts.ts'
import { ownPlan } from '../../clients/postgres-target.ts'
import {
  applicationName,
  openOwnSession,
  openWatch,
  planText,
  watchThatAnswers,
  type Session,
} from '../../clients/postgres.ts'
import { Unresolved, oneLine } from '../../core/errors.ts'
import type { Look, Watch } from '../../core/probe.ts'
import type { PostgresTarget } from './target.ts'

/** A session that is older than this was not opened for one statement: a pool, or a person, keeps it. */
export const settledSeconds = 5
/** The most pairs of role and database that a node is asked for: those with most settled sessions. */
export const mostSessionGroups = 50

/**
 * All facts of a node, in one statement. Functions that raise 55000 on a primary or on a standby are behind CASE. It
 * uses the functions below the views (pg_settings, pg_stat_replication, pg_stat_wal_receiver, whose columns are NULL
 * without pg_monitor): a session is new each time, and the first use of a view costs the server more than its result.
 * https://www.postgresql.org/docs/current/monitoring-stats.html
 */
const groups: readonly FactGroup[] = [
  ...ofAnyServer,
  {
    about: 'the version',
    sql: `select current_setting('server_version') as version`,
    instead: ['show server_version'],
  },
  {
    about: 'the WAL position and the timeline of a primary',
    sql: `
select pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, '0/0')::float8 as wal_lsn,
  case when not pg_is_in_recovery() then substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) end as wal_file_timeline`,
  },
  {
    about: 'the WAL receiver',
    sql: `
select receiver.pid is not null as receiver_running,
  receiver.status as receiver_status,
  receiver.received_tli as received_timeline,
  receiver.sender_host as upstream_host,
  receiver.sender_port as upstream_port,
  extract(epoch from clock_timestamp() - receiver.last_msg_receipt_time)::float8 as receiver_silent_seconds,
  pg_wal_lsn_diff(receiver.latest_end_lsn, pg_last_wal_replay_lsn())::float8 as replay_lag_bytes
from (select 1) as one
left join pg_stat_get_wal_receiver() as receiver on receiver.pid is not null`,
  },
  {
    about: 'the replay of WAL',
    sql: `
select extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float8 as last_replay_seconds,
  case when pg_is_in_recovery() then pg_is_wal_replay_paused() end as replay_paused`,
  },
  {
    about: 'the number of sessions',
    sql: `select (select sum(pg_stat_get_db_numbackends(oid)) from pg_database)::int as connections`,
  },
  {
    about: 'the limit of sessions',
    sql: `select current_setting('max_connections')::int as max_connections`,
  },
  {
    about: 'whether the role is a member of pg_monitor',
    sql: `select pg_has_role(current_user, 'pg_monitor', 'usage') as monitor`,
  },
  {
    about: 'the synchronous standbys',
    sql: `
select current_setting('synchronous_standby_names') <> '' as synchronous,
  (select count(*) from pg_stat_get_wal_senders() where sync_state in ('sync', 'quorum'))::int as sync_standbys`,
  },
  // https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND
  {
    about: 'the age of transaction IDs and multixacts',
    sql: `
select max(age(datfrozenxid))::float8 as transaction_id_age,
  max(mxid_age(datminmxid))::float8 as multixact_age,
  (array_agg(datname::text order by age(datfrozenxid) desc))[1] as oldest_database
from pg_database`,
  },
  // https://www.postgresql.org/docs/current/view-pg-replication-slots.html
  {
    about: 'replication slots',
    sql: `
select (select coalesce(json_agg(slot), '[]') from (
  select slot_name as name, active, wal_status, safe_wal_size::float8,
    pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, restart_lsn)::float8 as kept
  from pg_get_replication_slots() where not temporary order by kept desc nulls last limit 20) as slot) as slots`,
  },
  // https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ARCHIVER-VIEW
  {
    about: 'the archiver',
    sql: `
select case when current_setting('archive_mode') <> 'off' then
    coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) end as archive_failing,
  last_failed_wal as archive_failed_file,
  extract(epoch from clock_timestamp() - coalesce(last_archived_time, stats_reset))::float8 as archived_seconds
from pg_stat_get_archiver()`,
  },
  // https://www.postgresql.org/docs/current/view-pg-prepared-xacts.html
  {
    about: 'prepared transactions',
    sql: `
select coalesce(max(extract(epoch from clock_timestamp() - prepared)), 0)::float8 as prepared_seconds,
  coalesce(max(age(transaction)), 0)::float8 as prepared_age,
  left((array_agg(gid order by prepared))[1], 100) as oldest_prepared
from pg_prepared_xact()`,
  },
  // Without pg_monitor this shows our own sessions only. The list of sessions is read once: it may have thousands of rows.
  {
    about: 'what the oldest transaction holds back, and the sessions by role and database',
    sql: `
with activity as materialized (
  select pid, usesysid, datid, application_name, state, backend_type, backend_start, xact_start, backend_xmin, backend_xid
  from pg_stat_get_activity(null) where pid <> pg_backend_pid())
select coalesce(max(extract(epoch from clock_timestamp() - xact_start)) filter (where backend_type = 'client backend'), 0)::float8 as transaction_seconds,
  coalesce(max(age(backend_xmin)), 0)::float8 as horizon_age,
  (array_agg(pid order by xact_start) filter (where backend_type = 'client backend'))[1] as oldest_pid,
  case when pg_has_role(current_user, 'pg_read_all_stats', 'usage') then (select coalesce(json_agg(one), '[]') from (
    select pg_get_userbyid(usesysid) as role,
      (select datname from pg_database where oid = datid) as database,
      count(*)::int as count,
      (count(*) filter (where state = 'idle'))::int as idle,
      (count(*) filter (where backend_start < clock_timestamp() - interval '${settledSeconds} s'))::int as settled,
      extract(epoch from clock_timestamp() - min(backend_start))::float8 as oldest_seconds
    from activity
    where backend_type = 'client backend' and usesysid is not null and datid is not null
      and application_name not like '${applicationName}%'
    group by usesysid, datid order by settled desc, count desc limit ${mostSessionGroups}) as one) end as sessions
from activity
where backend_type <> 'autovacuum worker' and (backend_xmin is not null or backend_xid is not null)`,
  },
]
export const nodeSql = factsSql(groups)

const slot = z.object({
  name: z.string(),
  active: z.boolean(),
  wal_status: z.string().nullable(),
  /** Bytes that can still be written before WAL it needs may go; null if nothing limits it. */
  safe_wal_size: z.number().nullable(),
  /** Bytes of WAL it keeps back. */
  kept: z.number().nullable(),
})
export type Slot = z.output<typeof slot>

/** The sessions of clients of one role in one database, without ours. */
const sessionGroup = z.object({
  role: z.string(),
  database: z.string(),
  count: z.number(),
  idle: z.number(),
  /** How many are older than a few seconds. */
  settled: z.number(),
  oldest_seconds: z.number(),
})
export type SessionGroup = z.output<typeof sessionGroup>

const row = z
  .object({
    ...columnsOfAnyServer,
    // It becomes a label, so it must have a safe form.
    version: z
      .string()
      .optional()
      .transform(text => oneLine(text ?? '').slice(0, 64)),
    server_version: z.string().optional(),
    wal_lsn: maybe(z.number()),
    wal_file_timeline: maybe(z.string()),
    receiver_running: maybe(z.boolean()),
    receiver_status: maybe(z.string()),
    received_timeline: maybe(z.number()),
    /** Where the WAL receiver is connected to, as in primary_conninfo: a name or an address. */
    upstream_host: maybe(z.string()),
    upstream_port: maybe(z.number()),
    receiver_silent_seconds: maybe(z.number()),
    replay_lag_bytes: maybe(z.number()),
    last_replay_seconds: maybe(z.number()),
    replay_paused: maybe(z.boolean()),
    connections: maybe(z.number()),
    max_connections: maybe(z.number()),
    monitor: maybe(z.boolean()),
    synchronous: maybe(z.boolean()),
    sync_standbys: maybe(z.number()),
    transaction_id_age: maybe(z.number()),
    multixact_age: maybe(z.number()),
    oldest_database: maybe(z.string()),
    slots: maybe(z.array(slot)),
    archive_failing: maybe(z.boolean()),
    archive_failed_file: maybe(z.string()),
    archived_seconds: maybe(z.number()),
    prepared_seconds: maybe(z.number()),
    prepared_age: maybe(z.number()),
    oldest_prepared: maybe(z.string()),
    transaction_seconds: maybe(z.number()),
    horizon_age: maybe(z.number()),
    oldest_pid: maybe(z.number()),
    sessions: maybe(z.array(sessionGroup)),
  })
  .transform(({ in_hot_standby, transaction_read_only, server_version, ...seen }, context) => {
    const in_recovery = seen.in_recovery ?? (in_hot_standby && in_hot_standby === 'on')
    const read_only = seen.read_only ?? (transaction_read_only && transaction_read_only === 'on')
    if (in_recovery === undefined || read_only === undefined) {
      context.addIssue('the server does not say whether it is a standby')
      return z.NEVER
    }
    return { ...seen, in_recovery, read_only, version: seen.version || oneLine(server_version ?? '').slice(0, 64) }
  })

/** Facts of a node; null if it has none, or refuses to say. */
export type NodeFacts = z.output<typeof row>

export interface PostgresSeen {
  /** Where we connected to: `host:port`. */
  readonly address: string
  /** Why the URL leads nowhere: then nothing was seen. */
  readonly notUnderstood?: string | undefined
  readonly facts?: NodeFacts | undefined
  /** Facts that the server refused. */
  readonly refused?: readonly RefusedFacts[] | undefined
  /** The certificates of the server, if the session has TLS. */
  readonly certificates?: Shown | undefined
  readonly failure?: SessionFailure | undefined
}

/** One connection and one statement; more only if the server refuses a part of it. */
export async function observe(target: PostgresTarget, look: Look): Promise<PostgresSeen> {
  const plan = await ownPlan(target, look)
  if (typeof plan === 'string') return { address: 'url', notUnderstood: plan }
  const address = planText(plan)
  try {
    const session = await openOwnSession(look, plan)
    try {
      return await seenIn(session, look)
    } finally {
      await session.close()
    }
  } catch (error) {
    return { address, certificates: shownIn(error), failure: sessionFailure(error, look, address) }
  }
}

async function seenIn(session: Session, look: Look): Promise<PostgresSeen> {
  const { address, certificates } = session
  const { row: columns, refused } = await look.phase('query', () => askFacts(session, look, groups))
  const [first] = refused
  // Without its role nothing is known of a node.
  if (first && !('in_recovery' in columns || 'in_hot_standby' in columns))
    throw Object.assign(new Error(first.text), { code: first.code })
  return { address, facts: row.parse(columns), refused, certificates }
}

/** Opens a watch with the login of a run. */
export async function watch(target: PostgresTarget, look: Look): Promise<Watch<PostgresSeen>> {
  const plan = await ownPlan(target, look)
  if (typeof plan === 'string') throw new Unresolved(`url: ${plan}`)
  const session = await openWatch(look, plan)
  const { address } = session
  return watchThatAnswers(
    session,
    run => seenIn(session, run),
    // A run that got no answer has no time left for a login.
    (error, run) => (run.signal.aborted ? { address, failure: sessionFailure(error, run, address) } : undefined),
  )
}
