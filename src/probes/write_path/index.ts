import * as z from 'zod'
import { endSeconds, endsSoonIn } from '../../clients/certificates.ts'
import {
  connectionProblem,
  connectionReasons,
  failureText,
  isOfPooler,
  remedyOf,
  watchStance,
  type SessionFailure,
} from '../../clients/postgres-errors.ts'
import type { Said } from '../../clients/postgres-messages.ts'
import type { Driver } from '../../clients/postgres-url/plan.ts'
import {
  certificateWarning,
  clusterName,
  flag,
  longDuration,
  portList,
  secret,
  section,
  targetFields,
  text,
} from '../../fields/index.ts'
import { certificatePair, drivers, hostList, loginFields, sslModes, type SslMode } from '../../fields/postgres.ts'
import { postgresUrl } from '../../fields/postgres-url.ts'
import { counter, gauge, sample, type Sample } from '../../core/metric.ts'
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
import { shapes } from '../../core/shape.ts'
import type { DriverProblem } from './drivers.ts'
import { isNotAllowed, isSyncWait, observe, watch, type Landing, type Rung, type WritePathSeen } from './observe.ts'

export type { Landing, WritePathSeen }

export interface WritePathTarget extends Target {
  readonly cluster: string
  readonly url?: Resolvable | undefined
  readonly host?: Resolvable | undefined
  readonly port: Resolvable
  readonly user?: Resolvable | undefined
  readonly database?: Resolvable | undefined
  readonly password?: Reference | undefined
  readonly sslmode?: SslMode | undefined
  readonly driver: Driver | 'auto'
  readonly pg_settings?: Readonly<Record<string, Resolvable>> | undefined
  readonly ca_file?: string | undefined
  /** Milliseconds. */
  readonly certificate_warning: number
  readonly cert_file?: string | undefined
  readonly key_file?: string | undefined
  readonly sessions: number
  readonly heartbeat?: { readonly table: string } | undefined
  readonly role_expiry_warning: number
  readonly watch: boolean
}

/** What makes transactions read-only: being a standby, or where default_transaction_read_only is set. */
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

const reasons = {
  ...connectionReasons('write_path'),
  write_path_read_only: {
    verdict: 'fail',
    severity: 'critical',
    meaning:
      'Writes through this path fail with SQLSTATE 25006: it lands on a standby, or default_transaction_read_only is on.',
    remedy: 'Point it at the primary, or at an endpoint that follows the primary.',
  },
  write_path_commit_stuck: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'A commit does not come back: it waits for a synchronous standby, a lock or a disk.',
    remedy:
      'Bring a synchronous standby back, or take it out of synchronous_standby_names and reload; else look at the disks.',
  },
  write_path_disk_full: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'The server has no space left (SQLSTATE 53100).',
    remedy: 'Free space on the data or WAL volume; look for replication slots that hold WAL back.',
  },
  write_path_write_refused: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'The server refused a write for another reason than being read-only.',
    remedy: 'See the SQLSTATE given and the log of the server.',
  },
  write_path_heartbeat_refused: {
    verdict: 'fail',
    severity: 'high',
    meaning: 'The heartbeat table could not be written: missing, locked, or without permission.',
    remedy:
      'Create it (target text primary key, beat timestamptz), grant select, insert, update on it, or end the session that locks it.',
  },
  write_path_write_not_proven: {
    verdict: 'unknown',
    severity: 'medium',
    meaning: 'No write could be tried: the role may not run the function that the check writes with, or it was ended.',
    remedy: 'Grant execute on the function named to the role, or give the path a `heartbeat` table.',
  },
  write_path_server_warns: {
    verdict: 'warn',
    severity: 'high',
    meaning: 'The write went through, and the server warned while it did: the text of it is quoted.',
    remedy:
      'Do what the warning says before it becomes an error; see its HINT in the log of the server. Of transaction IDs: end prepared transactions and old sessions, then vacuum the database.',
  },
  write_path_role_expires_soon: {
    verdict: 'warn',
    severity: 'high',
    meaning: 'The password of the role the application logs in with is valid for less than `role_expiry_warning`.',
    remedy: 'Run: alter role NAME valid until NEW_DATE, or rotate the login of the application before.',
  },
  write_path_not_tried: {
    verdict: 'unknown',
    severity: 'low',
    meaning: 'No user is configured, so only the address was looked at: no write was tried.',
    remedy: 'Give the path the user, database and password the application has.',
  },
  write_path_other_cluster: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'It lands on a server of another cluster (another system identifier).',
    remedy: 'Point it at the cluster named, or correct `cluster` of this target.',
  },
  write_path_old_primary: {
    verdict: 'fail',
    severity: 'critical',
    meaning:
      'It lands on a server that is writable but is not the primary of the cluster: what is written there is lost or diverges.',
    remedy:
      'Point the path at the primary and fence that server. Copy its data before it is rewound or rebuilt: rows that only it has exist nowhere else.',
  },
  write_path_certificate_expires_soon: {
    verdict: 'warn',
    severity: 'high',
    meaning:
      'The certificate of the server, or another one of its chain, expires in less than `certificate_warning` (14 days), and the application verifies it: from then on it cannot connect.',
    remedy: 'Renew the one named, and have Postgres (or the proxy that ends TLS) load it: select pg_reload_conf().',
  },
  write_path_unlisted_node: {
    verdict: 'warn',
    severity: 'medium',
    meaning: 'It lands on a server that is none of the nodes of its cluster in this configuration.',
    remedy: 'Add a postgres target for that server, or correct the path.',
  },
  write_path_url_not_understood: {
    verdict: 'unknown',
    severity: 'high',
    meaning:
      'The URL, or a setting, says something of the connection that cannot be followed here, so nothing was tried.',
    remedy:
      'Correct what is named, or take it out; where only some drivers read it, set `driver` to that of the application.',
  },
  write_path_url_refused: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'The driver of the application refuses its URL before it connects.',
    remedy: 'Correct the URL in the settings of the application, then restart it.',
  },
  write_path_driver_unclear: {
    verdict: 'unknown',
    severity: 'high',
    meaning:
      'Drivers read the URL differently, and it depends on the driver whether, or where, the application gets in.',
    remedy: 'Set `driver` of this path to the one the application has.',
  },
} as const satisfies Record<string, ReasonSpec>
export const writePathReason = reasonsOf(reasons)

/** A way in which something writes: opened as the application opens it, up to a real commit. */
export const writePath = defineProbe({
  kind: 'write_path',
  summary:
    'A way in which something writes to Postgres: where a fresh session lands, and whether a write commits there.',
  target: section({
    ...targetFields,
    cluster: clusterName({ orNone: true }).describe(
      'The cluster it should write to: the `cluster` of `postgres` targets, where the file has any.',
    ),
    url: postgresUrl(
      'Where the application logs in; most often a reference to its own setting.',
      'postgres://app@db:5432/app',
    ).optional(),
    host: hostList(
      'Host, where there is no URL, as PGHOST has it: several with commas between are tried in turn, and a folder is that of a Unix socket.',
    ).optional(),
    port: portList('Port, with `host`; a list, or one for all, where that is a list.').default(5432),
    user: text(
      'Role the application logs in with, with `host`. Without one only the address is looked at.',
      shapes.user,
    ).optional(),
    database: text('Database, with `host`. Default: the name of the user.', shapes.database).optional(),
    password: secret('Password of the role, where the URL does not hold it.').optional(),
    sslmode: z
      .enum(sslModes)
      .optional()
      .describe(
        'What the application has for PGSSLMODE, with `host`; a URL says it itself. Default: what the driver does without.',
      ),
    driver: z
      .enum(['auto', ...drivers])
      .default('auto')
      .describe(
        'The driver of the application: each reads a URL in its own way. `auto`: where they would connect differently, each way is tried up to the login, at most once an hour while nothing changes.',
      ),
    ...loginFields,
    certificate_warning: certificateWarning,
    sessions: z
      .int()
      .min(1)
      .max(20)
      .default(1)
      .describe('Fresh sessions per run; an endpoint that alternates lands on several nodes.'),
    heartbeat: section({
      table: z.string().regex(shapes.table.pattern, `expected ${shapes.table.expected}`),
    })
      .optional()
      .describe('Also write a row of a table of your own: (target text primary key, beat timestamptz).'),
    role_expiry_warning: longDuration('Warn when the password of the role (`valid until`) ends in less than this.')
      .default(86_400_000)
      .meta({ default: '24h' }),
    watch: flag(
      'Hold an idle session open through this path too, to notice at once that a proxy or pooler on it goes down. It is one of the connections the role of the application has, and while it is open, the database cannot be dropped.',
    ).default(false),
  }).superRefine((value, context) => {
    certificatePair(value, context)
    if ((value.url === undefined) === (value.host === undefined))
      context.addIssue('give either url or host, not both and not none')
    if (value.url !== undefined)
      for (const key of ['user', 'database', 'sslmode'] as const)
        if (value[key] !== undefined)
          context.addIssue({ code: 'custom', path: [key], message: `${key} goes with host; a url says it itself` })
  }),
  metrics,
  reasons,
  observe,
  watch: {
    wanted: target => target.watch,
    stance: ({ failure, addressOnly, driver }) => (addressOnly || driver ? 'closed' : watchStance(failure)),
    open: watch,
  },
  judge(seen, target) {
    const at = { target: target.name, postgres_cluster: target.cluster }
    return finding(describe(seen), [...problemsOf(seen, target), ...expiring(seen, target)], samplesOf(seen, at))
  },
})

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
  // Without a commit there is no evidence of a write, whatever else went well.
  if (found.length === 0 && !isProven(seen))
    found.push(writePathReason('write_path_write_refused', `${address}: no write was committed`))
  return [...found, ...warningProblem(seen), ...roleProblem(seen, target)]
}

/** A write was committed. */
const isProven = ({ ladder }: WritePathSeen): boolean => ladder.some(({ rung, ok }) => rung !== 'xid' && ok)

function failureProblem(failure: SessionFailure): Reason {
  // A server that hangs mostly does not get as far as a login.
  const mayBePaused = failure.timedOut && ['login', 'landing'].includes(failure.phase)
  return writePathReason(
    `write_path_${connectionProblem(failure)}`,
    failureText(failure),
    mayBePaused ? pausedRemedy : remedyOf(failure),
  )
}

const pausedRemedy =
  'If this is a pooler: it is paused (show databases on its console, then resume), or has no server to give (show pools). Else the server hangs: look at its load, its disks and locks, or whether it is stopped.'

/** The server warns of what will be an error later. */
function warningProblem({ address, warnings = [], ladder }: WritePathSeen): Reason[] {
  const isTold = (said: Said): boolean => isSyncWait(said) && ladder.some(rung => rung.syncWait && !rung.ok)
  // Each statement may say the same with another number in it.
  const last = new Map(warnings.filter(said => !isTold(said)).map(said => [`${said.code} ${said.routine ?? ''}`, said]))
  return [...last.values()].map(({ code, text }) =>
    writePathReason('write_path_server_warns', `${address}: the server warns: ${text}, SQLSTATE ${code}`),
  )
}

/** By the clock of the server. A password that has ended, and still lets in, is not looked at there. */
function roleProblem(
  { address, landings }: WritePathSeen,
  { role_expiry_warning: warning }: WritePathTarget,
): Reason[] {
  const left = landings.flatMap(landing => landing.role_valid_seconds ?? []).filter(seconds => seconds > 0)
  const soonest = Math.min(...left)
  if (soonest * 1000 >= warning) return []
  const text = `the password of the role is valid for ${inWords(soonest)} more (valid until)`
  return [writePathReason('write_path_role_expires_soon', `${address}: ${text}`)]
}

function inWords(seconds: number): string {
  if (seconds < 7_200) return `${Math.ceil(seconds / 60)} minutes`
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)} hours` : `${Math.floor(seconds / 86_400)} days`
}

const driverProblem = (address: string, { kind, text, onlySome = false }: DriverProblem): Reason => {
  const code = kind === 'unclear' ? 'write_path_driver_unclear' : (`write_path_url_${kind}` as const)
  return writePathReason(code, `${address}: ${text}`, onlySome ? setDriver : undefined)
}

const setDriver =
  'Set `driver` of this path to the one the application has. Only if it is one of those named does the URL, or this path, have to be changed.'

/** Why transactions of a session are read-only; undefined where they are not. */
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
  standby: 'a standby',
  role: 'a primary, where default_transaction_read_only is on for the role',
  database: 'a primary, where default_transaction_read_only is on for the database',
  server: 'a primary, where default_transaction_read_only is on in its configuration',
  session: 'a primary, where default_transaction_read_only is on for the session',
}

const remedyForReadOnly = (cause: ReadOnlyCause): string =>
  cause === 'session'
    ? 'Take default_transaction_read_only out of what the application sends with the login: `options` of its URL, PGOPTIONS, or a setting of its driver or pooler.'
    : `Reset default_transaction_read_only for the ${cause} (see pg_settings.source).`

function readOnlyProblem({ address, landings, ladder }: WritePathSeen): Reason[] {
  const readOnly = landings.filter(landing => landing.in_recovery || landing.read_only)
  const [first] = readOnly
  const cause = first && readOnlyCause(first)
  if (!cause) return []
  const share = landings.length > 1 ? `${readOnly.length} of ${landings.length} sessions land on` : 'lands on'
  const refused = ladder.find(rung => rung.code === '25006')
  const evidence = refused ? ` (${refused.text})` : ''
  const remedy = cause === 'standby' ? undefined : remedyForReadOnly(cause)
  return [
    writePathReason(
      'write_path_read_only',
      `${address}: ${share} ${causeText[cause]}: a write fails with SQLSTATE 25006${evidence}`,
      remedy,
    ),
  ]
}

function rungProblem(seen: WritePathSeen, rung: Rung): Reason[] {
  const { address } = seen
  // 25006 has been told by readOnlyProblem already.
  if (rung.ok || rung.code === '25006') return []
  const told = `${address}: ${rung.code ? `SQLSTATE ${rung.code}, ` : ''}${rung.text} (rung ${rung.rung})`
  if (rung.code === '53100') return [writePathReason('write_path_disk_full', told)]
  if (rung.hung && (rung.rung === 'commit' || rung.syncWait)) {
    const why = rung.syncWait ? 'it waits for a synchronous standby' : rung.text
    return [writePathReason('write_path_commit_stuck', `${address}: a commit did not come back: ${why}`)]
  }
  if (isOfPooler(rung)) return [writePathReason('write_path_pooler_refused', told)]
  if (rung.rung === 'commit' && isNotAllowed(rung))
    return isProven(seen) ? [] : [writePathReason('write_path_write_not_proven', told)]
  if (rung.rung === 'heartbeat') return [writePathReason('write_path_heartbeat_refused', told)]
  if (rung.code === '55P03')
    return [
      writePathReason(
        'write_path_commit_stuck',
        `${address}: an earlier commit of this exporter still hangs there (rung ${rung.rung})`,
      ),
    ]
  if (rung.hung) return [writePathReason('write_path_no_answer', told)]
  return [writePathReason('write_path_write_refused', told)]
}

function samplesOf(seen: WritePathSeen, at: Readonly<Record<(typeof labels)[number], string>>): Sample[] {
  if (seen.driver) return []
  if (seen.addressOnly) return sample(metrics.reachable, true, at)
  const { landings, ladder } = seen
  const cause = landings.map(readOnlyCause).find(one => one !== undefined)
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
