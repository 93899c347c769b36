import { endSeconds, endsSoonIn } from '../../clients/certificates.ts'
import { connectionProblem, failureText, remedyOf } from '../../clients/postgres-errors.ts'
import { oneLine } from '../../core/errors.ts'
import { gauge, sample } from '../../core/metric.ts'
import { finding } from '../../core/probe.ts'
import type { PgbouncerDatabase, PgbouncerServer } from './console.ts'
import type { PgbouncerSeen } from './observe.ts'
import { reason, type Reason } from './reasons.ts'
import type { PgbouncerTarget } from './target.ts'

const labels = ['target', 'database'] as const
export const metrics = {
  reachable: gauge('mailpath_pgbouncer_reachable', 'Whether the console of PgBouncer let us in and answered.', [
    'target',
  ]),
  paused: gauge('mailpath_pgbouncer_paused', 'Whether a database is paused or disabled.', labels),
  clientsActive: gauge('mailpath_pgbouncer_clients_active', 'Clients that have a server connection.', labels),
  clientsWaiting: gauge('mailpath_pgbouncer_clients_waiting', 'Clients that wait for a server connection.', labels),
  maxWait: gauge(
    'mailpath_pgbouncer_max_wait_seconds',
    'How long the client that waits longest for a server connection has waited.',
    labels,
  ),
  servers: gauge('mailpath_pgbouncer_server_connections', 'Connections to the servers behind.', labels),
  notAfter: gauge(
    'mailpath_pgbouncer_certificate_not_after_timestamp_seconds',
    'When the first certificate of its chain expires, whether it is verified or not; absent without TLS.',
    ['target'],
  ),
}

/** With a fallback database (`*`) there may be thousands. The others have no series. */
const mostDatabases = 200
/** Databases that the evidence names. */
const mostNamed = 8

export function judge(seen: PgbouncerSeen, target: PgbouncerTarget) {
  const { address, notUnderstood, databases, failure, certificates } = seen
  const at = { target: target.name }
  if (notUnderstood !== undefined)
    return finding('', [reason('pgbouncer_url_not_understood', `${address}: ${notUnderstood}`)], [])
  const reachable = [
    ...sample(metrics.reachable, databases !== undefined, at),
    ...sample(metrics.notAfter, endSeconds(certificates), at),
  ]
  const leaf = certificates?.chain.leaf
  if (failure) return finding('', [whyNot(failure)], reachable, leaf)
  if (!databases) {
    const text = `${address}: it let us in, and does not answer \`show version\` and \`show databases\` as PgBouncer does`
    return finding('', [reason('pgbouncer_not_pgbouncer', text)], reachable, leaf)
  }
  const ends = endsSoonIn(certificates, target.certificate_warning)
  return finding(
    evidence(seen, databases),
    [
      ...problemsOf(address, databases, target),
      ...(ends === undefined ? [] : [reason('pgbouncer_certificate_expires_soon', `${address}: ${ends}`)]),
    ],
    [...reachable, ...databases.slice(0, mostDatabases).flatMap(one => samplesOf(one, target.name))],
    leaf,
  )
}

function whyNot(failure: NonNullable<PgbouncerSeen['failure']>): Reason {
  const problem = connectionProblem(failure)
  // The database of the console is always there.
  if (problem === 'database_missing') return reason('pgbouncer_not_pgbouncer', failureText(failure))
  return reason(`pgbouncer_${problem}`, failureText(failure), remedyOf(failure))
}

function problemsOf(address: string, databases: readonly PgbouncerDatabase[], { max_wait }: PgbouncerTarget): Reason[] {
  const stopped = databases.filter(isStopped)
  const waited = databases.filter(one => !isStopped(one) && one.waiting > 0 && one.maxWaitSeconds * 1000 >= max_wait)
  const about = (
    code: 'pgbouncer_paused' | 'pgbouncer_clients_wait',
    parts: readonly string[],
    remedy?: string,
  ): Reason[] => (parts.length === 0 ? [] : [reason(code, oneLine(`${address}: ${parts.join('; ')}`), remedy)])
  return [
    ...about(
      'pgbouncer_paused',
      stopped.map(({ name, paused, waiting }) => `${name} is ${paused ? 'paused' : 'disabled'}, ${waitIn(waiting)}`),
    ),
    ...about(
      'pgbouncer_clients_wait',
      waited.map(
        ({ name, waiting, maxWaitSeconds, servers }) =>
          `${name}: ${waitIn(waiting)}, the first for ${maxWaitSeconds.toFixed(1)} s; ${connectionsIn(servers)}`,
      ),
      remedyForWaiting(waited),
    ),
  ]
}

/** By whether the databases have server connections. Undefined where some have and some have none. */
function remedyForWaiting(waited: readonly PgbouncerDatabase[]): string | undefined {
  const open = waited.filter(({ servers }) => servers.some(({ connections, connecting }) => connections > connecting))
  if (open.length === 0) {
    const behind = [...new Set(waited.flatMap(placeBehind))].join(' and ') || 'the server behind'
    return `It gets no connection to ${behind}, so the fault is probably there: see whether that answers from the host of PgBouncer, and what the log of PgBouncer says. Restart no PgBouncer. If it answers: all databases may be paused, which PgBouncer up to 1.18 does not show: resume.`
  }
  if (open.length < waited.length) return undefined
  return 'All its server connections are in use: see in pg_stat_activity of the server what holds them, and end what is idle in transaction. If it is always so: a larger default_pool_size, if max_connections of the server has room.'
}

const placeBehind = ({ host, port }: PgbouncerDatabase): string[] =>
  typeof host === 'string' && !host.startsWith('/') ? [`${host}:${port ?? '?'}`] : []

const isStopped = ({ paused, disabled }: PgbouncerDatabase): boolean => paused || disabled

const waitIn = (waiting: number): string => (waiting === 1 ? '1 client waits' : `${waiting} clients wait`)

/** As in `5 connections to 10.0.0.1:5432, 1 of them being opened`. */
function connectionsIn(servers: readonly PgbouncerServer[]): string {
  const [all, opening] = [totalOf(servers), servers.reduce((sum, { connecting }) => sum + connecting, 0)]
  const where = servers.map(({ address, port }) => (address === 'unix' ? 'a Unix socket' : `${address}:${port ?? '?'}`))
  return [
    `${all === 0 ? 'no' : all} server connection${all === 1 ? '' : 's'}`,
    ...(where.length > 0 ? [` to ${where.join(' and ')}`] : []),
    ...(opening > 0 ? [`, ${opening} of them being opened`] : []),
  ].join('')
}

const totalOf = (servers: readonly PgbouncerServer[]): number =>
  servers.reduce((sum, { connections }) => sum + connections, 0)

function evidence({ address, version = '' }: PgbouncerSeen, databases: readonly PgbouncerDatabase[]): string {
  const named = databases.slice(0, mostNamed)
  const each = named.map(
    ({ name, active, waiting, servers }) => `${name}: ${active} active, ${waiting} waiting, ${connectionsIn(servers)}`,
  )
  const more = databases.length - named.length
  return [
    `${address}: PgBouncer ${version}; ${each.join('; ') || 'no databases'}`,
    ...(more > 0 ? [` and ${more} more`] : []),
    ...(databases.length > mostDatabases ? [`; only the first ${mostDatabases} have metrics`] : []),
  ].join('')
}

function samplesOf(database: PgbouncerDatabase, target: string) {
  const at = { target, database: database.name }
  return [
    ...sample(metrics.paused, database.host === undefined ? undefined : isStopped(database), at),
    ...sample(metrics.clientsActive, database.active, at),
    ...sample(metrics.clientsWaiting, database.waiting, at),
    ...sample(metrics.maxWait, database.maxWaitSeconds, at),
    ...sample(metrics.servers, totalOf(database.servers), at),
  ]
}
