import { endSeconds, endsSoonIn } from '../../clients/certificates.ts'
import { connectionProblem, failureText, remedyOf } from '../../clients/postgres-errors.ts'
import { oneLine } from '../../core/errors.ts'
import { gauge, sample } from '../../core/metric.ts'
import { finding } from '../../core/probe.ts'
import type { NodeFacts, PostgresSeen, Slot } from './observe.ts'
import { reason, type Reason } from './reasons.ts'
import type { PostgresTarget } from './target.ts'

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

/** The upstream sends a keepalive after half of wal_sender_timeout (60 s by default). */
const freshSeconds = 60

/** Whether the WAL receiver of a standby streams; undefined on a primary, and if the role may not see it. */
export const receivesWal = (facts: NodeFacts): boolean | undefined => {
  if (!facts.in_recovery) return undefined
  if (facts.receiver_running === null) return undefined
  if (!facts.receiver_running) return false
  return facts.monitor === true ? facts.receiver_status === 'streaming' : undefined
}
const isFresh = (facts: NodeFacts): boolean =>
  receivesWal(facts) === true && facts.receiver_silent_seconds !== null && facts.receiver_silent_seconds < freshSeconds

/** The timeline that the node itself knows: pg_control_checkpoint() would lag behind a promotion by seconds. */
export const timelineOf = (facts: NodeFacts): number | undefined =>
  facts.wal_file_timeline === null
    ? (facts.received_timeline ?? undefined)
    : Number.parseInt(facts.wal_file_timeline, 16)

export const isNearlyFull = ({ connections, max_connections: limit }: NodeFacts): boolean =>
  limit !== null && (connections ?? 0) >= 0.9 * limit

/** Replay lag in bytes and seconds; known only while the receiver is streaming and fresh. */
function lagOf(facts: NodeFacts): { readonly bytes: number; readonly seconds: number | undefined } | undefined {
  if (!isFresh(facts) || facts.replay_lag_bytes === null) return undefined
  const bytes = Math.max(0, facts.replay_lag_bytes)
  // With everything replayed, the age of the last transaction only shows how quiet the primary is.
  return { bytes, seconds: bytes === 0 ? 0 : (facts.last_replay_seconds ?? undefined) }
}

/** Samples that are measured against the upstream, and mean nothing if that is the wrong one. */
export const lagMetrics = [metrics.lagSeconds, metrics.lagBytes] as const

export function judge(seen: PostgresSeen, target: PostgresTarget) {
  const at = { target: target.name, postgres_cluster: target.cluster }
  if (seen.notUnderstood !== undefined)
    return finding('', [reason('postgres_url_not_understood', `${seen.address}: ${seen.notUnderstood}`)], [])
  const reachable = [
    ...sample(metrics.reachable, seen.facts !== undefined, at),
    ...sample(metrics.notAfter, endSeconds(seen.certificates), at),
  ]
  const leaf = seen.certificates?.chain.leaf
  if (!seen.facts) {
    const { failure } = seen
    const why = failure
      ? reason(`postgres_${connectionProblem(failure)}`, failureText(failure), remedyOf(failure))
      : reason('postgres_protocol_error', `${seen.address}: nothing was seen`)
    return finding('', [why], reachable, leaf)
  }
  const { facts } = seen
  const ends = endsSoonIn(seen.certificates, target.certificate_warning)
  const expiring = ends === undefined ? [] : [reason('postgres_certificate_expires_soon', `${seen.address}: ${ends}`)]
  return finding(
    describe(seen.address, facts),
    [...problemsOf(seen, facts, target), ...expiring],
    [...reachable, ...samplesOf(facts, at)],
    leaf,
  )
}

const describe = (address: string, facts: NodeFacts): string => {
  const timeline = timelineOf(facts)
  const follows = receivesWal(facts) === true ? ', streaming' : ''
  return `${address}: ${facts.in_recovery ? 'standby' : 'primary'}${follows}${timeline === undefined ? '' : `, timeline ${timeline}`}, ${facts.connections ?? '?'} of ${facts.max_connections ?? '?'} connections, Postgres ${facts.version || '?'}`
}

function problemsOf({ address, refused = [] }: PostgresSeen, facts: NodeFacts, target: PostgresTarget): Reason[] {
  const found: Reason[] = []
  const add = (code: Reason['code'], text: string): number => found.push(reason(code, `${address}: ${oneLine(text)}`))
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
  // A server without such a function (0A000) cannot be helped.
  const denied = refused.filter(({ code }) => code === '42501')
  if (denied.length > 0)
    add('postgres_facts_refused', `not known: ${denied.map(({ about, text }) => `${about} (${text})`).join(', ')}`)
  return found
}

/** Past this the server assigns no more IDs. https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND */
const lastId = 2 ** 31 - 3_000_000

const inMegabytes = (bytes: number): string => `${Math.round(bytes / 1_048_576)} MiB`

/** Conditions that do no harm today, and stop writes one day. */
function upkeepProblems(facts: NodeFacts, target: PostgresTarget): [Reason['code'], string][] {
  const found: [Reason['code'], string][] = []
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

/** `unreserved`: the next checkpoint may remove needed WAL; `lost`: it did; `extended`: over max_wal_size is kept. */
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

function upkeepSamples(facts: NodeFacts, at: Readonly<Record<(typeof labels)[number], string>>) {
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
