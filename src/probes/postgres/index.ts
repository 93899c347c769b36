import * as z from 'zod'
import { endSeconds, endsSoonIn } from '../../clients/certificates.ts'
import {
  connectionProblem,
  connectionReasons,
  failureText,
  remedyOf,
  watchStance,
} from '../../clients/postgres-errors.ts'
import type { Driver } from '../../clients/postgres-url/plan.ts'
import { certificateWarning, count, duration, flag, name, secret, section, targetFields } from '../../fields/index.ts'
import { certificatePair, drivers, loginFields } from '../../fields/postgres.ts'
import { postgresUrl } from '../../fields/postgres-url.ts'
import { oneLine } from '../../core/errors.ts'
import { gauge, sample, type Sample } from '../../core/metric.ts'
import {
  defineProbe,
  finding,
  reasonsOf,
  type Reason,
  type ReasonSpec,
  type Reference,
  type Resolvable,
  type Target,
} from '../../core/probe.ts'
import { observe, watch, type NodeFacts, type PostgresSeen, type Slot } from './observe.ts'

export interface PostgresTarget extends Target {
  readonly cluster: string
  readonly url: Resolvable
  readonly password?: Reference | undefined
  readonly driver: Driver
  readonly pg_settings?: Readonly<Record<string, Resolvable>> | undefined
  readonly ca_file?: string | undefined
  /** Milliseconds. */
  readonly certificate_warning: number
  readonly cert_file?: string | undefined
  readonly key_file?: string | undefined
  readonly max_lag: number
  /** In transactions, and in multixacts. */
  readonly max_transaction_id_age: number
  readonly max_multixact_age: number
  /** In bytes. */
  readonly max_slot_wal: number
  readonly max_archive_failure: number
  readonly max_prepared_time: number
  readonly max_transaction_time: number
  readonly watch: boolean
  readonly login_interval?: number | undefined
}

const labels = ['target', 'postgres_cluster'] as const
export const metrics = {
  reachable: gauge('mailpath_postgres_reachable', 'Whether the node let us log in and answered.', labels),
  inRecovery: gauge('mailpath_postgres_in_recovery', 'Whether the node is a standby (pg_is_in_recovery).', labels),
  readOnly: gauge(
    'mailpath_postgres_read_only',
    'Whether a new transaction of the monitoring role is read-only there.',
    labels,
  ),
  timeline: gauge('mailpath_postgres_timeline', 'Timeline the node writes (primary) or receives (standby).', labels),
  lsn: gauge(
    'mailpath_postgres_wal_lsn_bytes',
    'WAL position written (primary) or replayed (standby), in bytes.',
    labels,
  ),
  lagSeconds: gauge(
    'mailpath_postgres_replay_lag_seconds',
    'Age of the last transaction replayed; absent unless the WAL receiver is streaming and fresh.',
    labels,
  ),
  lagBytes: gauge(
    'mailpath_postgres_replay_lag_bytes',
    'WAL the upstream has and this standby has not replayed; absent unless the WAL receiver is streaming and fresh.',
    labels,
  ),
  streaming: gauge(
    'mailpath_postgres_wal_receiver_streaming',
    'Whether the WAL receiver of a standby is streaming.',
    labels,
  ),
  connections: gauge('mailpath_postgres_connections', 'Sessions on the node.', labels),
  maxConnections: gauge('mailpath_postgres_max_connections', 'The limit of sessions (max_connections).', labels),
  transactionIdAge: gauge(
    'mailpath_postgres_transaction_id_age',
    'Transactions since the oldest row that is not frozen, of the database where it is oldest; at 2147483648 the server stops.',
    labels,
  ),
  multixactAge: gauge(
    'mailpath_postgres_multixact_age',
    'The same for multixacts, the IDs of shared row locks.',
    labels,
  ),
  slotWal: gauge(
    'mailpath_postgres_slot_kept_wal_bytes',
    'WAL kept back by the replication slot that keeps most, of those with a reader (active 1) and of those without (active 0).',
    [...labels, 'active'],
  ),
  slotSafeWal: gauge(
    'mailpath_postgres_slot_safe_wal_bytes',
    'WAL that can still be written before a slot loses what it needs (max_slot_wal_keep_size); absent without a limit.',
    labels,
  ),
  archiveFailing: gauge(
    'mailpath_postgres_archive_failing_seconds',
    'Since when no WAL file was archived, while the last try failed; 0 while archiving works, absent where it is off.',
    labels,
  ),
  preparedTime: gauge(
    'mailpath_postgres_oldest_prepared_transaction_seconds',
    'How long ago the oldest prepared transaction was prepared; 0 where there is none.',
    labels,
  ),
  transactionTime: gauge(
    'mailpath_postgres_oldest_transaction_seconds',
    'How long the oldest transaction of a client is open that keeps dead rows from being removed; absent without pg_monitor.',
    labels,
  ),
  horizonAge: gauge(
    'mailpath_postgres_horizon_age',
    'Transactions since the oldest one that a session or a prepared transaction keeps visible; absent without pg_monitor.',
    labels,
  ),
  notAfter: gauge(
    'mailpath_postgres_certificate_not_after_timestamp_seconds',
    'When the first certificate of the chain of the server expires, whether it is verified or not; absent without TLS.',
    labels,
  ),
  info: gauge('mailpath_postgres_info', 'Version of the server and identity of its cluster.', [
    ...labels,
    'version',
    'system_identifier',
  ]),
}

const reasons = {
  ...connectionReasons('postgres'),
  postgres_receiver_down: {
    verdict: 'fail',
    severity: 'high',
    meaning: 'The standby receives no WAL: it falls behind, and its lag is not known.',
    remedy: 'See its log; check primary_conninfo, the replication slot and pg_hba.conf of the primary.',
  },
  postgres_lag: {
    verdict: 'warn',
    severity: 'medium',
    meaning: 'The standby replays transactions later than `max_lag`.',
    remedy: 'Look for long queries on the standby, slow disks, or a slow network.',
  },
  postgres_replay_paused: {
    verdict: 'warn',
    severity: 'medium',
    meaning:
      'Replay of WAL is paused on the standby: somebody paused it, or it stopped over a parameter that is lower than on the primary.',
    remedy:
      'Run select pg_wal_replay_resume() there, if the pause is over. Not while its log says "insufficient parameter settings": it would shut down; raise the parameter and restart it.',
  },
  postgres_read_only: {
    verdict: 'warn',
    severity: 'high',
    meaning: 'The node is a primary, and yet new transactions are read-only by default_transaction_read_only.',
    remedy: 'Find where it is set (server, database, role: pg_settings.source, pg_db_role_setting) and reset it.',
  },
  postgres_connections_high: {
    verdict: 'warn',
    severity: 'medium',
    meaning: 'At least 90 % of the connection slots are taken.',
    remedy: 'Find who holds them (pg_stat_activity); raise max_connections or put a pooler in front.',
  },
  postgres_sync_standby_missing: {
    verdict: 'warn',
    severity: 'high',
    meaning: 'Synchronous replication is on, and no synchronous standby is connected: commits wait for ever.',
    remedy: 'Bring a synchronous standby back, or take it out of synchronous_standby_names.',
  },
  postgres_certificate_expires_soon: {
    verdict: 'warn',
    severity: 'medium',
    meaning:
      'The certificate of the server, or another one of its chain, expires in less than `certificate_warning` (14 days), and this target verifies it.',
    remedy: 'Renew the one named, and have Postgres load it: select pg_reload_conf().',
  },
  postgres_transaction_ids_old: {
    verdict: 'warn',
    severity: 'high',
    meaning:
      'Transaction IDs get old: they are more than `max_transaction_id_age` behind. At 2,147,483,648, less 3 million, the server takes no more writes.',
    remedy:
      'End what holds the horizon (prepared transactions, old sessions, slots), then vacuum the database named, as superuser. Do not wait for the limit.',
  },
  postgres_multixacts_old: {
    verdict: 'warn',
    severity: 'high',
    meaning:
      'Multixacts get old: they are more than `max_multixact_age` behind. At 2,147,483,648, less 3 million, the server takes no new ones.',
    remedy:
      'End old sessions and prepared transactions, then vacuum (freeze) the tables of the highest relminmxid age.',
  },
  postgres_slot_holds_wal: {
    verdict: 'warn',
    severity: 'high',
    meaning:
      'A replication slot keeps WAL back: it has no reader, or its reader is far behind, or it lost WAL that it needs. WAL fills the volume, and then no write commits.',
    remedy:
      'Start its reader again. If that is gone for good, drop the slot: select pg_drop_replication_slot(NAME). Its reader then has to be built again.',
  },
  postgres_archiver_failing: {
    verdict: 'warn',
    severity: 'high',
    meaning: 'The server cannot archive WAL: backups have a gap, and WAL fills the volume until no write commits.',
    remedy:
      'See the log of the server for what archive_command says; free space at its destination, or mend the command.',
  },
  postgres_prepared_transaction_old: {
    verdict: 'warn',
    severity: 'medium',
    meaning:
      'A prepared transaction is older than `max_prepared_time`: it keeps its locks, and keeps vacuum from its work, over restarts too.',
    remedy: 'Ask its owner, then commit prepared or rollback prepared it, in its database (pg_prepared_xacts).',
  },
  postgres_transaction_long: {
    verdict: 'warn',
    severity: 'medium',
    meaning: 'A session has a transaction open for longer than `max_transaction_time`: it keeps vacuum from its work.',
    remedy: 'Look at it in pg_stat_activity; if it is not needed: select pg_terminate_backend(PID).',
  },
  postgres_facts_refused: {
    verdict: 'warn',
    severity: 'low',
    meaning: 'The monitoring role may not run a function that the check asks with: what it tells is not known.',
    remedy: 'Grant execute on the function named to the monitoring role.',
  },
  postgres_role_lacks_pg_monitor: {
    verdict: 'warn',
    severity: 'low',
    meaning:
      'The monitoring role may not see the WAL receiver: whether it streams, its timeline and the lag are unknown.',
    remedy: 'Run: grant pg_monitor to the monitoring role.',
  },
  postgres_url_not_understood: {
    verdict: 'unknown',
    severity: 'high',
    meaning: 'The URL says something of the connection that its driver refuses, or that cannot be followed here.',
    remedy: 'Correct what is named, or take it out of the URL.',
  },
} as const satisfies Record<string, ReasonSpec>
const reason = reasonsOf(reasons)

/** The upstream sends a keepalive after half of wal_sender_timeout (60 s by default). */
const freshSeconds = 60

/** Whether the WAL receiver of a standby streams; undefined on a primary, and where the role may not see it. */
export const receivesWal = (facts: NodeFacts): boolean | undefined => {
  if (!facts.in_recovery) return undefined
  if (facts.receiver_running === null) return undefined
  if (!facts.receiver_running) return false
  return facts.monitor === true ? facts.receiver_status === 'streaming' : undefined
}
const isFresh = (facts: NodeFacts): boolean =>
  receivesWal(facts) === true && facts.receiver_silent_seconds !== null && facts.receiver_silent_seconds < freshSeconds

/** Timeline as the node itself knows it now: pg_control_checkpoint() would lag behind a promotion by seconds. */
export const timelineOf = (facts: NodeFacts): number | undefined =>
  facts.wal_file_timeline === null
    ? (facts.received_timeline ?? undefined)
    : Number.parseInt(facts.wal_file_timeline, 16)

const isNearlyFull = ({ connections, max_connections: limit }: NodeFacts): boolean =>
  limit !== null && (connections ?? 0) >= 0.9 * limit

/** Replay lag in bytes and seconds; known only while the receiver is streaming and fresh. */
function lagOf(facts: NodeFacts): { readonly bytes: number; readonly seconds: number | undefined } | undefined {
  if (!isFresh(facts) || facts.replay_lag_bytes === null) return undefined
  const bytes = Math.max(0, facts.replay_lag_bytes)
  // With everything replayed, the age of the last transaction only says how quiet the primary is.
  return { bytes, seconds: bytes === 0 ? 0 : (facts.last_replay_seconds ?? undefined) }
}

/** Samples that are counted against the upstream, and mean nothing where that is the wrong one. */
export const lagMetrics = [metrics.lagSeconds, metrics.lagBytes] as const

/** One node of a cluster: its role, its position, and how well it follows. */
export const postgres = defineProbe({
  kind: 'postgres',
  summary: 'A Postgres node: role, read-only state, timeline, WAL position, replication lag, connections.',
  target: section({
    ...targetFields,
    cluster: name.describe('The cluster the node belongs to.'),
    url: postgresUrl('Where to log in; `sslmode` as libpq has it.', 'postgres://mailpath@db-1:5432/postgres'),
    password: secret('Password of the role.').optional(),
    driver: z
      .enum(drivers)
      .default('libpq')
      .describe('Whose reading of the URL counts, where it is one of an application.'),
    ...loginFields,
    certificate_warning: certificateWarning,
    max_lag: duration('Replay lag that is a warning.').default(30_000).meta({ default: '30s' }),
    max_transaction_id_age: count('Age of transaction IDs that is a warning; the server stops at 2147483648.').default(
      1_000_000_000,
    ),
    max_multixact_age: count('Age of multixacts that is a warning.').default(1_000_000_000),
    max_slot_wal: count(
      'Bytes of WAL that a replication slot may keep back: one without a reader, or one beyond max_wal_size.',
    ).default(134_217_728),
    max_archive_failure: duration('How long ago the last WAL file may have been archived, once a try has failed.')
      .default(10_000)
      .meta({ default: '10s' }),
    max_prepared_time: duration('How long a prepared transaction may wait for its end.')
      .default(300_000)
      .meta({ default: '5m' }),
    max_transaction_time: duration('How long a transaction of a client may be open that keeps dead rows.')
      .default(3_600_000)
      .meta({ default: '1h' }),
    watch: flag(
      'Hold an idle session open there, to notice at once that the node goes down or restarts. Nothing is asked on it unless `login_interval` is set. While it is open, its database cannot be dropped.',
    ).default(true),
    login_interval: duration(
      'How often a login is tried. Between, runs ask in the session that `watch` holds open, which costs the server a tenth; what only a login meets (password, `pg_hba.conf`, certificate, name lookup) is told so much later. Default: by every run.',
    ).optional(),
  }).superRefine((value, context) => {
    certificatePair(value, context)
    const { watch: watched, login_interval } = value
    if (!watched && login_interval !== undefined)
      context.addIssue('login_interval needs the session of watch: leave it out, or let watch be true')
  }),
  metrics,
  reasons,
  observe,
  watch: {
    wanted: target => target.watch,
    // A watch could have the last slot that an application needs.
    stance: ({ facts, failure, notUnderstood }) => {
      if (notUnderstood !== undefined) return 'closed'
      return facts && isNearlyFull(facts) ? 'no_room' : watchStance(failure)
    },
    open: watch,
    trusted: ({ login_interval }) => login_interval ?? 0,
  },
  judge(seen, target) {
    const at = { target: target.name, postgres_cluster: target.cluster }
    if (seen.notUnderstood !== undefined)
      return finding('', [reason('postgres_url_not_understood', `${seen.address}: ${seen.notUnderstood}`)], [])
    const reachable = [
      ...sample(metrics.reachable, seen.facts !== undefined, at),
      ...sample(metrics.notAfter, endSeconds(seen.certificates), at),
    ]
    if (!seen.facts) {
      const { failure } = seen
      const why = failure
        ? reason(`postgres_${connectionProblem(failure)}`, failureText(failure), remedyOf(failure))
        : reason('postgres_protocol_error', `${seen.address}: nothing was seen`)
      return finding('', [why], reachable)
    }
    const { facts } = seen
    const ends = endsSoonIn(seen.certificates, target.certificate_warning)
    const expiring = ends === undefined ? [] : [reason('postgres_certificate_expires_soon', `${seen.address}: ${ends}`)]
    return finding(
      describe(seen.address, facts),
      [...problemsOf(seen, facts, target), ...expiring],
      [...reachable, ...samplesOf(facts, at)],
    )
  },
})

const describe = (address: string, facts: NodeFacts): string => {
  const timeline = timelineOf(facts)
  const follows = receivesWal(facts) === true ? ', streaming' : ''
  return `${address}: ${facts.in_recovery ? 'standby' : 'primary'}${follows}${timeline === undefined ? '' : `, timeline ${timeline}`}, ${facts.connections ?? '?'} of ${facts.max_connections ?? '?'} connections, Postgres ${facts.version || '?'}`
}

function problemsOf({ address, refused = [] }: PostgresSeen, facts: NodeFacts, target: PostgresTarget): Reason[] {
  const found: Reason[] = []
  const add = (code: keyof typeof reasons, text: string): number =>
    found.push(reason(code, `${address}: ${oneLine(text)}`))
  if (receivesWal(facts) === false)
    add(
      'postgres_receiver_down',
      `standby whose WAL receiver is ${facts.receiver_running ? `not streaming (${facts.receiver_status ?? 'unknown'})` : 'not running'}`,
    )
  else if (receivesWal(facts) === true && !isFresh(facts))
    add(
      'postgres_receiver_down',
      `standby that has heard nothing from its upstream for ${Math.round(facts.receiver_silent_seconds ?? 0)} s`,
    )
  const lag = lagOf(facts)?.seconds ?? 0
  if (lag * 1000 > target.max_lag)
    add('postgres_lag', `standby replays ${lag.toFixed(1)} s late, more than ${target.max_lag / 1000} s`)
  if (facts.replay_paused === true) add('postgres_replay_paused', 'the replay of WAL is paused')
  if (!facts.in_recovery && facts.read_only)
    add(
      'postgres_read_only',
      `primary with default_transaction_read_only on (set by: ${facts.read_only_source ?? 'unknown'})`,
    )
  if (isNearlyFull(facts))
    add('postgres_connections_high', `${facts.connections ?? 0} of ${facts.max_connections ?? 0} connections are taken`)
  if (!facts.in_recovery && facts.synchronous === true && facts.monitor === true && facts.sync_standbys === 0)
    add('postgres_sync_standby_missing', 'synchronous_standby_names is set, and no synchronous standby is connected')
  for (const [code, text] of upkeepProblems(facts, target)) add(code, text)
  if (facts.monitor === false)
    add(
      'postgres_role_lacks_pg_monitor',
      'the role lacks pg_monitor: WAL receiver, its timeline and the lag cannot be seen',
    )
  // A server that has no such thing (0A000) cannot be helped.
  const denied = refused.filter(({ code }) => code === '42501')
  if (denied.length > 0)
    add('postgres_facts_refused', `not known: ${denied.map(({ about, text }) => `${about} (${text})`).join(', ')}`)
  return found
}

/** Past this the server assigns no more IDs. https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND */
const lastId = 2 ** 31 - 3_000_000

const inMegabytes = (bytes: number): string => `${Math.round(bytes / 1_048_576)} MiB`

/** What is well today, and stops writes one day. */
function upkeepProblems(facts: NodeFacts, target: PostgresTarget): [keyof typeof reasons, string][] {
  const found: [keyof typeof reasons, string][] = []
  const { transaction_id_age: ids, multixact_age: multixacts } = facts
  // A standby has the ages of its primary, and can do nothing about them.
  if (!facts.in_recovery && ids !== null && ids > target.max_transaction_id_age)
    found.push([
      'postgres_transaction_ids_old',
      `transaction IDs are ${ids} old in database ${facts.oldest_database ?? '?'}: writes stop in ${Math.max(0, lastId - ids)} transactions`,
    ])
  if (!facts.in_recovery && multixacts !== null && multixacts > target.max_multixact_age)
    found.push([
      'postgres_multixacts_old',
      `multixacts are ${multixacts} old: row locks stop in ${Math.max(0, lastId - multixacts)} multixacts`,
    ])
  const holding = (facts.slots ?? []).filter(slot => holdsWal(slot, target))
  if (holding.length > 0) found.push(['postgres_slot_holds_wal', holding.map(ofSlot).join('; ')])
  if (facts.archive_failing === true && (facts.archived_seconds ?? Infinity) * 1000 > target.max_archive_failure)
    found.push([
      'postgres_archiver_failing',
      `archiving of WAL fails (last of ${facts.archive_failed_file ?? '?'}), nothing was archived for ${Math.round(facts.archived_seconds ?? 0)} s`,
    ])
  if (!facts.in_recovery && (facts.prepared_seconds ?? 0) * 1000 > target.max_prepared_time)
    found.push([
      'postgres_prepared_transaction_old',
      `a transaction was prepared ${Math.round(facts.prepared_seconds ?? 0)} s ago and is not ended: ${facts.oldest_prepared ?? '?'}`,
    ])
  if (facts.monitor === true && (facts.transaction_seconds ?? 0) * 1000 > target.max_transaction_time)
    found.push([
      'postgres_transaction_long',
      `the transaction of process ${facts.oldest_pid ?? '?'} has been open for ${Math.round(facts.transaction_seconds ?? 0)} s`,
    ])
  return found
}

/** `unreserved`: what it needs may be gone at the next checkpoint; `lost`: it is; `extended`: more than max_wal_size is kept. */
const holdsWal = ({ active, wal_status, kept }: Slot, { max_slot_wal }: PostgresTarget): boolean =>
  wal_status === 'unreserved' ||
  wal_status === 'lost' ||
  ((kept ?? 0) > max_slot_wal && (!active || wal_status === 'extended'))

const ofSlot = ({ name, active, wal_status, safe_wal_size, kept }: Slot): string => {
  const reader = active ? 'its reader is behind' : 'it has no reader'
  const safe = safe_wal_size === null ? '' : `, ${inMegabytes(Math.max(0, safe_wal_size))} more until it loses WAL`
  return wal_status === 'lost'
    ? `replication slot ${name} has lost WAL that its reader needs`
    : `replication slot ${name} keeps ${inMegabytes(kept ?? 0)} of WAL back, ${reader}${safe}`
}

const samplesOf = (facts: NodeFacts, at: Readonly<Record<(typeof labels)[number], string>>) =>
  [
    sample(metrics.inRecovery, facts.in_recovery, at),
    sample(metrics.readOnly, facts.read_only, at),
    sample(metrics.timeline, timelineOf(facts), at),
    sample(metrics.lsn, facts.wal_lsn ?? undefined, at),
    sample(metrics.lagSeconds, lagOf(facts)?.seconds, at),
    sample(metrics.lagBytes, lagOf(facts)?.bytes, at),
    sample(metrics.streaming, receivesWal(facts), at),
    sample(metrics.connections, facts.connections ?? undefined, at),
    sample(metrics.maxConnections, facts.max_connections ?? undefined, at),
    ...upkeepSamples(facts, at),
    sample(metrics.info, 1, { ...at, version: facts.version, system_identifier: facts.system_identifier ?? '' }),
  ].flat()

const most = (values: readonly (number | null)[]): number => Math.max(0, ...values.map(value => value ?? 0))

function upkeepSamples(facts: NodeFacts, at: Readonly<Record<(typeof labels)[number], string>>): Sample[] {
  const { slots } = facts
  const keptBy = (active: boolean): number | undefined =>
    slots ? most(slots.filter(slot => slot.active === active).map(slot => slot.kept)) : undefined
  const safe = (slots ?? []).flatMap(slot => slot.safe_wal_size ?? [])
  const failing = facts.archive_failing === true ? (facts.archived_seconds ?? undefined) : 0
  return [
    sample(metrics.transactionIdAge, facts.transaction_id_age ?? undefined, at),
    sample(metrics.multixactAge, facts.multixact_age ?? undefined, at),
    sample(metrics.slotWal, keptBy(true), { ...at, active: '1' }),
    sample(metrics.slotWal, keptBy(false), { ...at, active: '0' }),
    sample(metrics.slotSafeWal, safe.length > 0 ? Math.max(0, Math.min(...safe)) : undefined, at),
    sample(metrics.archiveFailing, facts.archive_failing === null ? undefined : failing, at),
    sample(metrics.preparedTime, facts.prepared_seconds ?? undefined, at),
    sample(metrics.transactionTime, facts.monitor === true ? (facts.transaction_seconds ?? undefined) : undefined, at),
    sample(
      metrics.horizonAge,
      facts.monitor === true && facts.horizon_age !== null ? most([facts.horizon_age, facts.prepared_age]) : undefined,
      at,
    ),
  ].flat()
}
