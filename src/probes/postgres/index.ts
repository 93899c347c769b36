import * as z from 'zod'
import { connectionProblem, connectionReasons, failureText, watchStance } from '../../clients/postgres-errors.ts'
import type { Driver } from '../../clients/postgres-url/plan.ts'
import { duration, flag, name, secret, section, targetFields } from '../../config/fields.ts'
import { certificatePair, drivers, loginFields } from '../../config/postgres-fields.ts'
import { postgresUrl } from '../../config/postgres-url-field.ts'
import { gauge, sample } from '../../core/metric.ts'
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
import { observe, watch, type NodeFacts, type PostgresSeen } from './observe.ts'

export interface PostgresTarget extends Target {
  readonly cluster: string
  readonly url: Resolvable
  readonly password?: Reference | undefined
  readonly driver: Driver
  readonly pg_settings?: Readonly<Record<string, Resolvable>> | undefined
  readonly ca_file?: string | undefined
  readonly cert_file?: string | undefined
  readonly key_file?: string | undefined
  readonly max_lag: number
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
  if (!facts.receiver_running) return false
  return facts.monitor ? facts.receiver_status === 'streaming' : undefined
}
const isFresh = (facts: NodeFacts): boolean =>
  receivesWal(facts) === true && facts.receiver_silent_seconds !== null && facts.receiver_silent_seconds < freshSeconds

/** Timeline as the node itself knows it now: pg_control_checkpoint() would lag behind a promotion by seconds. */
export const timelineOf = (facts: NodeFacts): number | undefined =>
  facts.wal_file_timeline === null
    ? (facts.received_timeline ?? undefined)
    : Number.parseInt(facts.wal_file_timeline, 16)

const isNearlyFull = ({ connections, max_connections: limit }: NodeFacts): boolean => (connections ?? 0) >= 0.9 * limit

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
export const postgres = defineProbe<PostgresTarget, PostgresSeen>({
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
    max_lag: duration('Replay lag that is a warning.').default(30_000).meta({ default: '30s' }),
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
    const reachable = sample(metrics.reachable, seen.facts !== undefined, at)
    if (!seen.facts) {
      const { failure } = seen
      const why = failure
        ? reason(`postgres_${connectionProblem(failure)}`, failureText(failure))
        : reason('postgres_protocol_error', `${seen.address}: nothing was seen`)
      return finding('', [why], reachable)
    }
    const { facts } = seen
    return finding(describe(seen.address, facts), problemsOf(seen.address, facts, target), [
      ...reachable,
      ...samplesOf(facts, at),
    ])
  },
})

const describe = (address: string, facts: NodeFacts): string => {
  const timeline = timelineOf(facts)
  const follows = receivesWal(facts) === true ? ', streaming' : ''
  return `${address}: ${facts.in_recovery ? 'standby' : 'primary'}${follows}${timeline === undefined ? '' : `, timeline ${timeline}`}, ${facts.connections ?? '?'} of ${facts.max_connections} connections, Postgres ${facts.version}`
}

function problemsOf(address: string, facts: NodeFacts, target: PostgresTarget): Reason[] {
  const found: Reason[] = []
  const add = (code: keyof typeof reasons, text: string): number => found.push(reason(code, `${address}: ${text}`))
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
    add('postgres_connections_high', `${facts.connections ?? 0} of ${facts.max_connections} connections are taken`)
  if (!facts.in_recovery && facts.synchronous && facts.monitor && facts.sync_standbys === 0)
    add('postgres_sync_standby_missing', 'synchronous_standby_names is set, and no synchronous standby is connected')
  if (!facts.monitor)
    add(
      'postgres_role_lacks_pg_monitor',
      'the role lacks pg_monitor: WAL receiver, its timeline and the lag cannot be seen',
    )
  return found
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
    sample(metrics.maxConnections, facts.max_connections, at),
    sample(metrics.info, 1, { ...at, version: facts.version, system_identifier: facts.system_identifier }),
  ].flat()
