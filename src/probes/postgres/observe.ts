import * as z from 'zod'
import { readTarget } from '../../clients/postgres-target.ts'
import type { Plan, Reading } from '../../clients/postgres-url/plan.ts'
import { openOwnSession, openWatch, planText, type Session } from '../../clients/postgres.ts'
import { Unresolved, oneLine, type Failure } from '../../core/errors.ts'
import { failureOf, type Look, type Watch } from '../../core/probe.ts'
import type { PostgresTarget } from './index.ts'

/**
 * Everything there is to know of a node, in one statement. What only a primary or only a standby can answer stands
 * behind CASE, or it would raise 55000. Asked are the functions behind the views (pg_settings, pg_stat_replication,
 * pg_stat_wal_receiver, whose columns are NULL without pg_monitor): a session is new each time, and to look a view up for
 * the first time costs the server more than what it shows. https://www.postgresql.org/docs/current/monitoring-stats.html
 */
export const nodeSql = `
select
  pg_is_in_recovery() as in_recovery,
  current_setting('transaction_read_only') = 'on' as read_only,
  case when current_setting('default_transaction_read_only')::bool then
    (select source from pg_show_all_settings() where name = 'default_transaction_read_only') end as read_only_source,
  current_setting('server_version') as version,
  host(inet_server_addr()) as server_address,
  inet_server_port() as server_port,
  to_char(pg_postmaster_start_time() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') as postmaster_start,
  (select system_identifier::text from pg_control_system()) as system_identifier,
  pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, '0/0')::float8 as wal_lsn,
  case when not pg_is_in_recovery() then substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) end as wal_file_timeline,
  receiver.pid is not null as receiver_running,
  receiver.status as receiver_status,
  receiver.received_tli as received_timeline,
  receiver.sender_host as upstream_host,
  receiver.sender_port as upstream_port,
  extract(epoch from clock_timestamp() - receiver.last_msg_receipt_time)::float8 as receiver_silent_seconds,
  pg_wal_lsn_diff(receiver.latest_end_lsn, pg_last_wal_replay_lsn())::float8 as replay_lag_bytes,
  extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float8 as last_replay_seconds,
  case when pg_is_in_recovery() then pg_is_wal_replay_paused() end as replay_paused,
  (select sum(pg_stat_get_db_numbackends(oid)) from pg_database)::int as connections,
  current_setting('max_connections')::int as max_connections,
  pg_has_role(current_user, 'pg_monitor', 'usage') as monitor,
  current_setting('synchronous_standby_names') <> '' as synchronous,
  (select count(*) from pg_stat_get_wal_senders() where sync_state in ('sync', 'quorum'))::int as sync_standbys
from (select 1) as one
left join pg_stat_get_wal_receiver() as receiver on receiver.pid is not null`

const row = z.object({
  in_recovery: z.boolean(),
  read_only: z.boolean(),
  read_only_source: z.string().nullable(),
  // It becomes a label, whatever the server says.
  version: z.string().transform(text => oneLine(text).slice(0, 64)),
  server_address: z.string().nullable(),
  server_port: z.number().nullable(),
  postmaster_start: z.string(),
  system_identifier: z.string().regex(/^\d{1,20}$/, 'the system identifier is no number'),
  wal_lsn: z.number().nullable(),
  wal_file_timeline: z.string().nullable(),
  receiver_running: z.boolean(),
  receiver_status: z.string().nullable(),
  received_timeline: z.number().nullable(),
  /** Where the WAL receiver is connected to, as primary_conninfo has it: a name or an address. */
  upstream_host: z.string().nullable(),
  upstream_port: z.number().nullable(),
  receiver_silent_seconds: z.number().nullable(),
  replay_lag_bytes: z.number().nullable(),
  last_replay_seconds: z.number().nullable(),
  replay_paused: z.boolean().nullable(),
  connections: z.number().nullable(),
  max_connections: z.number(),
  monitor: z.boolean(),
  synchronous: z.boolean(),
  sync_standbys: z.number(),
})
export type NodeFacts = z.output<typeof row>

export interface PostgresSeen {
  /** Where we connected to: `host:port`. */
  readonly address: string
  /** Why the URL leads nowhere: then nothing was seen. */
  readonly notUnderstood?: string | undefined
  readonly facts: NodeFacts | undefined
  readonly failure: Failure | undefined
}

/** One connection, one statement. */
export async function observe(target: PostgresTarget, look: Look): Promise<PostgresSeen> {
  const plan = await planOf(target, look)
  if (typeof plan === 'string') return { address: 'url', notUnderstood: plan, facts: undefined, failure: undefined }
  const address = planText(plan)
  try {
    const session = await openOwnSession(look, plan)
    try {
      return { address: session.address, facts: await factsOf(session, look), failure: undefined }
    } finally {
      await session.close()
    }
  } catch (error) {
    return { address, facts: undefined, failure: failureOf(error, look, address) }
  }
}

const factsOf = async (session: Session, look: Look): Promise<NodeFacts> => {
  const [first] = await look.phase('query', () => session.query(nodeSql, look))
  return row.parse(first)
}

/** With the login of a run. */
export async function watch(target: PostgresTarget, look: Look): Promise<Watch<PostgresSeen>> {
  const plan = await planOf(target, look)
  if (typeof plan === 'string') throw new Unresolved(`url: ${plan}`)
  const session = await openWatch(look, plan)
  const { address } = session
  return {
    ended: session.ended,
    close: () => session.close(),
    async ask(run) {
      run.note(`asking ${address} in the session that is held open there`)
      try {
        return { address, facts: await factsOf(session, run), failure: undefined }
      } catch (error) {
        // The server may have ended the session only; but a run that got no answer has no time left for a login.
        return run.signal.aborted ? { address, facts: undefined, failure: failureOf(error, run, address) } : undefined
      }
    },
  }
}

/** How to log in, or why that is not known. */
async function planOf(target: PostgresTarget, look: Look): Promise<Plan | string> {
  const given = await readingOf(target, look)
  // It is our own login: where libpq would take the authorities of its user, ours are those of the system.
  const ofSystem = { ...target, pg_settings: { PGSSLROOTCERT: 'system', ...target.pg_settings } }
  const other = given.kind === 'not_understood' ? await readingOf(ofSystem, look) : given
  if (other.kind === 'plan') return other.plan
  return given.kind === 'refused' ? `${target.driver} refuses it: ${given.error}` : `the URL ${whyOf(given)}`
}

async function readingOf(target: PostgresTarget, look: Look): Promise<Reading> {
  const { readings } = await readTarget(target, look)
  return readings[0]?.reading ?? { kind: 'not_understood', why: 'is read by no driver' }
}
const whyOf = (reading: Reading): string => (reading.kind === 'not_understood' ? reading.why : '')
