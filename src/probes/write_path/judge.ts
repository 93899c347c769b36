import { endSeconds, endsSoonIn } from '../../clients/certificates.ts'
import {
  connectionProblem,
  failureText,
  isOfPooler,
  remedyOf,
  type SessionFailure,
} from '../../clients/postgres-errors.ts'
import type { ServerMessage } from '../../clients/postgres-messages.ts'
import { durationText } from '../../core/duration.ts'
import { counter, gauge, sample } from '../../core/metric.ts'
import { finding } from '../../core/probe.ts'
import type { DriverProblem } from './drivers.ts'
import { isNotAllowed, isSyncWait, type Landing, type Rung, type WritePathSeen } from './observe.ts'
import { writePathReason, type Reason } from './reasons.ts'
import type { WritePathTarget } from './target.ts'

/** Why transactions are read-only: a standby, or the place where default_transaction_read_only is set. */
export const readOnlyCauses = ['standby', 'role', 'database', 'server', 'session'] as const
export type ReadOnlyCause = (typeof readOnlyCauses)[number]

const labels = ['target', 'postgres_cluster'] as const
export const metrics = {
  reachable: gauge('mailpath_write_path_reachable', 'Whether a fresh session could be opened.', labels),
  writable: gauge(
    'mailpath_write_path_writable',
    'Whether a write was committed through this path in the last run.',
    labels,
  ),
  readOnly: gauge(
    'mailpath_write_path_read_only',
    'Whether a transaction of a fresh session is read-only (SQLSTATE 25006).',
    labels,
  ),
  readOnlyCause: gauge(
    'mailpath_write_path_read_only_cause',
    'Why it is read-only: standby, or where default_transaction_read_only is set.',
    [...labels, 'cause'],
  ),
  onPrimary: gauge('mailpath_write_path_on_primary', 'Whether it lands on the primary of its cluster.', labels),
  landed: gauge('mailpath_write_path_landed_info', 'The node it lands on, by the name of its postgres target.', [
    ...labels,
    'node',
  ]),
  commitDuration: gauge(
    'mailpath_write_path_commit_duration_seconds',
    'How long a commit took, with WAL flush and synchronous replication.',
    labels,
  ),
  pooled: gauge('mailpath_write_path_pooled', 'Whether a connection pooler sits between.', labels),
  roleValidUntil: gauge(
    'mailpath_write_path_role_valid_until_timestamp_seconds',
    'When the password of the role ends (valid until); absent where it does not.',
    labels,
  ),
  notAfter: gauge(
    'mailpath_write_path_certificate_not_after_timestamp_seconds',
    'When the first certificate of the chain of the server expires, whether the application verifies it or not; absent without TLS.',
    labels,
  ),
  outage: counter(
    'mailpath_write_path_outage_seconds_total',
    'Time during which no write could be committed, since the start of the exporter.',
    labels,
  ),
}

export function judge(seen: WritePathSeen, target: WritePathTarget) {
  const at = { target: target.name, postgres_cluster: target.cluster }
  return finding(
    describe(seen),
    [...problemsOf(seen, target), ...expiring(seen, target)],
    samplesOf(seen, at),
    seen.certificates?.chain.leaf,
  )
}

const describe = (seen: WritePathSeen): string => {
  const commit = seen.ladder.find(({ rung, ok }) => rung !== 'xid' && ok)
  return `${seen.address}: a write was committed in ${((commit?.seconds ?? 0) * 1000).toFixed(1)} ms${seen.landings.some(one => one.pooled) ? ', through a pooler' : ''}`
}

function expiring({ address, certificates }: WritePathSeen, { certificate_warning }: WritePathTarget): Reason[] {
  const ends = endsSoonIn(certificates, certificate_warning)
  return ends === undefined ? [] : [writePathReason('write_path_certificate_expires_soon', `${address}: ${ends}`)]
}

function problemsOf(seen: WritePathSeen, target: WritePathTarget): Reason[] {
  const { address, failure, addressOnly, driver } = seen
  if (driver) return [driverProblem(address, driver)]
  if (addressOnly) return [writePathReason('write_path_not_tried', `${address}: without a user no write was tried`)]
  const found = [
    ...readOnlyProblem(seen),
    ...seen.ladder.flatMap(rung => rungProblem(seen, rung)),
    ...(failure ? [failureProblem(failure)] : []),
  ]
  // Without a commit nothing proves a write, even if all else went well.
  if (found.length === 0 && !isProven(seen))
    found.push(writePathReason('write_path_write_refused', `${address}: no write was committed`))
  return [...found, ...warningProblem(seen), ...roleProblem(seen, target)]
}

/** A write was committed. */
const isProven = ({ ladder }: WritePathSeen): boolean => ladder.some(({ rung, ok }) => rung !== 'xid' && ok)

function failureProblem(failure: SessionFailure): Reason {
  // A server that hangs rarely gets as far as a login.
  const mayBePaused = failure.timedOut && ['login', 'landing'].includes(failure.phase)
  return writePathReason(
    `write_path_${connectionProblem(failure)}`,
    failureText(failure),
    mayBePaused ? pausedRemedy : remedyOf(failure),
  )
}

const pausedRemedy =
  'If this is a pooler: it is paused (show databases on its console, then resume), or has no server to give (show pools). Else the server hangs: look at its load, its disks and locks, or whether it is stopped.'

/** The server warns of a future error. */
function warningProblem({ address, warnings = [], ladder }: WritePathSeen): Reason[] {
  const isReported = (one: ServerMessage): boolean => isSyncWait(one) && ladder.some(rung => rung.syncWait && !rung.ok)
  // Several statements may give the same warning, each with another number in it.
  const last = new Map(warnings.filter(one => !isReported(one)).map(one => [`${one.code} ${one.routine ?? ''}`, one]))
  return [...last.values()].map(({ code, text }) =>
    writePathReason('write_path_server_warns', `${address}: the server warns: ${text}, SQLSTATE ${code}`),
  )
}

/** By the clock of the server. A password that has ended and still works is not checked there. */
function roleProblem(
  { address, landings }: WritePathSeen,
  { role_expiry_warning: warning }: WritePathTarget,
): Reason[] {
  const left = landings.flatMap(landing => landing.role_valid_seconds ?? []).filter(seconds => seconds > 0)
  const soonest = Math.min(...left)
  if (soonest * 1000 >= warning) return []
  const text = `the password of the role is valid for ${durationText(soonest)} more (valid until)`
  return [writePathReason('write_path_role_expires_soon', `${address}: ${text}`)]
}

const driverProblem = (address: string, { kind, text, onlySome = false }: DriverProblem): Reason => {
  const code = kind === 'unclear' ? 'write_path_driver_unclear' : (`write_path_url_${kind}` as const)
  return writePathReason(code, `${address}: ${text}`, onlySome ? setDriver : undefined)
}

const setDriver =
  'Set `driver` of this path to the one the application has. Only if it is one of those named does the URL, or this path, have to be changed.'

/** Why transactions of a session are read-only; undefined if they are not. */
export const readOnlyCause = (landing: Landing): ReadOnlyCause | undefined => {
  if (landing.in_recovery) return 'standby'
  if (!landing.read_only) return undefined
  const bySource: Record<string, ReadOnlyCause> = {
    user: 'role',
    // alter role all set
    global: 'role',
    'database user': 'role',
    database: 'database',
    client: 'session',
    session: 'session',
  }
  return bySource[landing.read_only_source ?? ''] ?? 'server'
}

const causeText: Record<ReadOnlyCause, string> = {
  standby: '',
  role: ', where default_transaction_read_only is on for the role',
  database: ', where default_transaction_read_only is on for the database',
  server: ', where default_transaction_read_only is on in its configuration',
  session: ', where default_transaction_read_only is on for the session',
}

const remedyForReadOnly = (cause: ReadOnlyCause): string =>
  cause === 'session'
    ? 'Take default_transaction_read_only out of what the application sends with the login: `options` of its URL, PGOPTIONS, or a setting of its driver or pooler.'
    : `Reset default_transaction_read_only for the ${cause} (see pg_settings.source).`

const firstCause = (seen: WritePathSeen): ReadOnlyCause | undefined =>
  seen.landings.map(readOnlyCause).find(cause => cause !== undefined) ?? (strayed(seen) ? 'standby' : undefined)

/** What a standby refuses with in these functions has no SQLSTATE of its own (XX000). */
const inRecovery = new Set(['PreventCommandDuringRecovery', 'GetNewTransactionId', 'XLogBeginInsert'])

/** A rung that a standby refused, though the session had landed on a primary: a pooler gave another server, or it was demoted. */
const strayed = ({ landings, ladder }: WritePathSeen): Rung | undefined =>
  landings.every(landing => readOnlyCause(landing) === undefined)
    ? ladder.find(({ code, routine }) => (code === '25006' || code === 'XX000') && inRecovery.has(routine ?? ''))
    : undefined

/** Some session was on a standby. */
export const wasOnStandby = (seen: WritePathSeen): boolean =>
  seen.landings.some(landing => readOnlyCause(landing) === 'standby') || strayed(seen) !== undefined

function readOnlyProblem(seen: WritePathSeen): Reason[] {
  const cause = firstCause(seen)
  if (!cause) return []
  const remedy = cause === 'standby' ? undefined : remedyForReadOnly(cause)
  return [writePathReason('write_path_read_only', readOnlyText(seen), remedy)]
}

/** Where writes fail, and why. `there` names the node, which only the assessment knows. */
export function readOnlyText(seen: WritePathSeen, there = ''): string {
  const { address, landings, ladder } = seen
  const stray = strayed(seen)
  if (stray)
    return `${address}: a write reached a standby, though the session had landed on a primary (${stray.text}, SQLSTATE ${stray.code ?? ''}): a pooler gave it another server, or the primary was demoted meanwhile`
  const cause = firstCause(seen) ?? 'standby'
  const readOnly = landings.filter(landing => readOnlyCause(landing) !== undefined)
  const share = landings.length > 1 ? `${readOnly.length} of ${landings.length} sessions land on` : 'lands on'
  const node = there || (cause === 'standby' ? 'a standby' : 'a primary')
  const refused = ladder.find(rung => rung.code === '25006')
  const evidence = refused ? ` (${refused.text})` : ''
  return `${address}: ${share} ${node}${causeText[cause]}: a write fails with SQLSTATE 25006${evidence}`
}

function rungProblem(seen: WritePathSeen, rung: Rung): Reason[] {
  const { address } = seen
  // readOnlyProblem reports 25006 already.
  if (rung.ok || rung.code === '25006' || rung === strayed(seen)) return []
  const text = `${address}: ${rung.code ? `SQLSTATE ${rung.code}, ` : ''}${rung.text} (rung ${rung.rung})`
  if (rung.code === '53100') return [writePathReason('write_path_disk_full', text)]
  if (rung.hung && (rung.rung === 'commit' || rung.syncWait)) {
    const why = rung.syncWait ? 'it waits for a synchronous standby' : rung.text
    return [writePathReason('write_path_commit_stuck', `${address}: a commit did not come back: ${why}`)]
  }
  if (isOfPooler(rung)) return [writePathReason('write_path_pooler_refused', text)]
  if (rung.rung === 'commit' && isNotAllowed(rung))
    return isProven(seen) ? [] : [writePathReason('write_path_write_not_proven', text)]
  if (rung.rung === 'heartbeat') return [writePathReason('write_path_heartbeat_refused', text)]
  if (rung.code === '55P03')
    return [
      writePathReason(
        'write_path_commit_stuck',
        `${address}: an earlier commit of this exporter still hangs there (rung ${rung.rung})`,
      ),
    ]
  if (rung.hung) return [writePathReason('write_path_no_answer', text)]
  return [writePathReason('write_path_write_refused', text)]
}

function samplesOf(seen: WritePathSeen, at: Readonly<Record<(typeof labels)[number], string>>) {
  if (seen.driver) return []
  if (seen.addressOnly) return sample(metrics.reachable, true, at)
  const { landings, ladder } = seen
  const cause = firstCause(seen)
  const landed = landings.length > 0
  const commit = ladder.find(rung => rung.rung === 'commit')
  const notTried = commit !== undefined && isNotAllowed(commit)
  const allOk = ladder.every(rung => rung.ok || (rung === commit && notTried))
  const writable = !seen.failure && cause === undefined && isProven(seen) && allOk
  const notKnown = notTried && !isProven(seen) && cause === undefined
  const validUntil = landings.flatMap(landing => landing.role_valid_until ?? [])
  return [
    sample(metrics.reachable, landed, at),
    sample(metrics.writable, notKnown ? undefined : writable, at),
    sample(metrics.readOnly, landed ? cause !== undefined : undefined, at),
    ...readOnlyCauses.map(one =>
      sample(metrics.readOnlyCause, landed ? one === cause : undefined, { ...at, cause: one }),
    ),
    sample(metrics.notAfter, endSeconds(seen.certificates), at),
    sample(metrics.commitDuration, commit?.ok ? commit.seconds : undefined, at),
    sample(metrics.pooled, landed ? landings.some(landing => landing.pooled) : undefined, at),
    sample(metrics.roleValidUntil, validUntil.length > 0 ? Math.min(...validUntil) : undefined, at),
  ].flat()
}
