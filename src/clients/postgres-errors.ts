import type { Failure } from '../core/errors.ts'
import { failureOf, type Look, type ReasonSpec, type WatchStance } from '../core/probe.ts'
import { faultOfCode, type ChainFault } from './certificates.ts'
import { noProcess, routineOf } from './postgres-messages.ts'
import { remedyForHost } from './socket.ts'

/**
 * Why a session could not be opened. Decided by SQLSTATE if there is one
 * (https://www.postgresql.org/docs/current/errcodes-appendix.html), else by the text of node-postgres, whose time-outs
 * and "Connection terminated unexpectedly" have no code.
 */
const connectionProblems = {
  unreachable: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'No TCP connection: refused, no route, or a name that does not resolve.',
    remedy: 'Is Postgres running and listening there? Check the host name, the port and the firewall.',
  },
  no_answer: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'The server took the connection or the statement and did not answer in time.',
    remedy:
      'The server hangs: look at its load, its disks and locks, or whether it is stopped. Or a pooler in front is paused, or has no server to give.',
  },
  closed: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'The connection was accepted and then closed without an error. A proxy with no server up does this.',
    remedy: 'If this is HAProxy: no server of its backend is up; see its status page. Else see the log of the server.',
  },
  tls_failed: {
    verdict: 'fail',
    severity: 'critical',
    meaning:
      'TLS could not be agreed on, or the certificate did not verify, or one side insists on TLS and the other refuses.',
    remedy:
      'Compare sslmode with pg_hba.conf and `ssl` of the server; check the certificate, its names and dates, and ca_file.',
  },
  login_failed: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'The server refused the login: wrong password, unknown role, or no entry in pg_hba.conf.',
    remedy: 'Check user and password of this target, and pg_hba.conf of the server.',
  },
  database_missing: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'There is no such database on the server.',
    remedy: 'Check the name of the database; does the URL lead to the right server?',
  },
  too_many_connections: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'All connection slots of the server, the database or the role are taken.',
    remedy: 'Find who holds them (pg_stat_activity), then raise max_connections or put a pooler in front.',
  },
  starting_up: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'The server is starting up, shutting down or in recovery, and takes no connections.',
    remedy: 'Wait for it; if it does not end, see the log of the server.',
  },
  protocol_error: {
    verdict: 'fail',
    severity: 'high',
    meaning: 'What answered does not speak the Postgres protocol, or broke it.',
    remedy: 'Is this port really Postgres? Check host and port.',
  },
  pooler_refused: {
    verdict: 'fail',
    severity: 'critical',
    meaning:
      'A pooler answered, and gave no server session: paused, its pool used up, its server gone, or the server refuses the login of the pooler.',
    remedy:
      'Read what it says, then look at its console. Is it paused (show databases; then resume)? Is its pool used up (show pools)? Does the server refuse the login that the pooler has there (its log, userlist.txt, pg_hba.conf)?',
  },
  refused_statement: {
    verdict: 'fail',
    severity: 'high',
    meaning: 'The server refused a statement of the check.',
    remedy: 'See the SQLSTATE given, and the log of the server.',
  },
  setting_refused: {
    verdict: 'fail',
    severity: 'critical',
    meaning:
      'The server, or a pooler in front, refuses a setting that the login brings along: `options` or another parameter of the URL.',
    remedy:
      'Correct it in the URL, or take it out. PgBouncer takes only what it knows and what ignore_startup_parameters lists.',
  },
  no_fitting_host: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'None of the hosts is what `target_session_attrs` asks for, so the application gets no session.',
    remedy: 'Find the primary. Add it to the hosts of the URL, or correct target_session_attrs.',
  },
} as const satisfies Record<string, ReasonSpec>
export type ConnectionProblem = keyof typeof connectionProblems

/** The connection problems as reasons of a probe: `write_path_unreachable`. */
export function connectionReasons<Kind extends string>(kind: Kind) {
  const entries = Object.entries(connectionProblems).map(([problem, spec]) => [`${kind}_${problem}`, spec])
  return Object.fromEntries(entries) as Record<`${Kind}_${ConnectionProblem}`, ReasonSpec>
}

/** The failure code if a server is not of the kind that `target_session_attrs` wants. */
export const otherKind = 'OTHER_KIND'

const byState: Record<string, ConnectionProblem> = {
  '28P01': 'login_failed',
  '28000': 'login_failed',
  '3D000': 'database_missing',
  '53300': 'too_many_connections',
  '57P03': 'starting_up',
  '57P01': 'starting_up',
  '57P02': 'starting_up',
}
/**
 * PgBouncer has one SQLSTATE for everything (08P01), and no routine. Its own texts are never translated. Other texts
 * come from the server behind it: up to 1.18 it passes them on without their SQLSTATE, in any language, so they say
 * nothing certain.
 */
const byWordsOfPooler: readonly (readonly [RegExp, ConnectionProblem])[] = [
  [/SSL required/, 'tls_failed'],
  [/(?:password|SASL|PAM|LDAP|certificate|"trust") authentication failed(?! for)/, 'login_failed'],
  [/no such user|login rejected|empty password returned/, 'login_failed'],
  [/no such database/, 'database_missing'],
  [/unsupported startup parameter/, 'setting_refused'],
]
const unreachableCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EADDRNOTAVAIL',
  'ENODATA',
])

/** For a Unix socket: it does not exist, or we may not use it. A local firewall gives the latter as well. */
const noSocketCodes = new Set(['ENOENT', 'EACCES', 'EPERM'])

export const isSqlState = (code: string): boolean => /^(?=.*\d)[0-9A-Z]{5}$/.test(code)

/** A failure of a session, with facts that tell causes apart in any language. */
export interface SessionFailure extends Failure {
  /** The function in the server that refused. */
  readonly routine?: string | undefined
  /** By the sslmode we did not ask for TLS. */
  readonly tlsNotAsked?: boolean | undefined
}

/** What failed, where and why, as a fact for `judge`. */
export const sessionFailure = (error: unknown, look: Look, subject: string): SessionFailure => ({
  ...failureOf(error, look, subject),
  routine: routineOf(error),
  tlsNotAsked: error instanceof Error && 'tlsNotAsked' in error && error.tlsNotAsked === true,
})

/** Whether a pooler refused: a server names a routine with its own protocol errors. */
export const isOfPooler = ({ code, routine }: Pick<SessionFailure, 'code' | 'routine'>): boolean =>
  code === '08P01' && routine === undefined

/** The cause by what is never translated: SQLSTATE, routine, what we did, and texts of other programs. */
export function connectionProblem(failure: SessionFailure): ConnectionProblem {
  const { code = '', text, timedOut, routine, phase } = failure
  if (timedOut) return 'no_answer'
  if (code === otherKind) return 'no_fitting_host'
  // A timeout of the application itself.
  if (code === 'ETIMEDOUT' && phase !== 'dns' && phase !== 'connect') return 'no_answer'
  if (unreachableCodes.has(code) || (phase === 'connect' && noSocketCodes.has(code))) return 'unreachable'
  if (isOfPooler(failure)) return byWordsOfPooler.find(([pattern]) => pattern.test(text))?.[1] ?? 'pooler_refused'
  if (maybeWantsTls(failure)) return 'tls_failed'
  const known = Object.hasOwn(byState, code) ? byState[code] : undefined
  if (known) return known
  // The database takes no connections, or not from this role (42501, 55000): no statement of ours was refused.
  if (phase === 'login' && routine !== undefined && atLogin.has(routine)) return 'login_failed'
  if (phase === 'login' && /^(?:22|42|55)/.test(code) && isSqlState(code)) return 'setting_refused'
  if (isSqlState(code)) return code === '08P01' ? 'protocol_error' : 'refused_statement'
  if (text.includes(noProcess)) return 'too_many_connections'
  if (isNotBound(failure)) return 'tls_failed'
  if (isWithoutPassword(failure)) return 'login_failed'
  if (/not (?:a|the) Postgres/.test(text)) return 'protocol_error'
  if (/SSL|CERT|ERR_TLS|EPROTO|certificate|TLS connection|support TLS/.test(`${code} ${text}`)) return 'tls_failed'
  if (/terminated|ECONNRESET|EPIPE|socket hang up/.test(`${code} ${text}`)) return 'closed'
  return 'protocol_error'
}

const atLogin = new Set(['InitPostgres', 'CheckMyDatabase', 'InitializeSessionUserId', 'ClientAuthentication'])

/** Whether pg_hba.conf may refuse logins without TLS. Only the error's text would say that it takes them with TLS. */
const maybeWantsTls = ({ code, routine, tlsNotAsked }: SessionFailure): boolean =>
  code === '28000' && routine === 'ClientAuthentication' && tlsNotAsked === true

/** Our own text: see NotBound. */
const isNotBound = ({ code = '', text }: Failure): boolean =>
  !isSqlState(code) && text.includes('channel_binding=require')

/** A text of node-postgres: the server asked for a password, and there is none. */
const isWithoutPassword = ({ code = '', text }: Failure): boolean =>
  !isSqlState(code) && /\bclient password must be a (?:non-empty )?string\b/.test(text)

/** What to do, if it depends on more than the problem. */
export function remedyOf(failure: SessionFailure): string | undefined {
  if (maybeWantsTls(failure))
    return 'pg_hba.conf lets this role in only over TLS, or not at all. Ask for TLS (sslmode=require or better); else add an entry for this role, database and address.'
  if (isWithoutPassword(failure))
    return 'The server asks for a password, and this target has none. Set `password`, or put it into the URL.'
  if (isNotBound(failure))
    return 'Connect to the server itself with TLS, and have pg_hba.conf ask for scram-sha-256: a pooler or a proxy that ends TLS cannot bind a login. Else take channel_binding=require out of the URL.'
  if (failure.phase === 'connect' && failure.text.includes('/.s.PGSQL.') && noSocketCodes.has(failure.code ?? ''))
    return 'Compare the folder and the port with unix_socket_directories and port of the server. The folder has to be in reach of this process: mounted into its container, and open to its user.'
  if (failure.text.includes(noProcess))
    return 'The server could not start a process for the connection: look at its memory and its limit of processes, and at its log.'
  const fault = faultOfCode(failure.code ?? '')
  return (fault && certificateRemedies[fault]) ?? remedyForHost(failure)
}

const certificateRemedies: Readonly<Partial<Record<ChainFault, string>>> = {
  expired:
    'Install a certificate that is valid at the server, or the present chain of the authority where an intermediate one is named, and have the server load it: select pg_reload_conf(). Is the clock of this machine right?',
  'unknown authority':
    'Have the server send its whole chain (ssl_cert_file). If the authority is one of your own, set `ca_file` to its certificate; the application has to trust it too.',
  'other name': 'Connect by a name that the certificate is for, or install a certificate for this name at the server.',
}

/** Limits of the role or of the database: only we have no slot left. A full server reports another routine. */
const limitsOfOurs = new Set(['InitializeSessionUserId', 'CheckMyDatabase', undefined])

/** Whether the watch of a target may stay open, by the failure of its last run, if any. */
export const watchStance = (failure: SessionFailure | undefined): WatchStance => {
  if (!failure) return 'open'
  if (connectionProblem(failure) !== 'too_many_connections') return 'closed'
  return limitsOfOurs.has(failure.routine) ? 'in_the_way' : 'no_room'
}

/** The failure in one line, with the SQLSTATE if the server gave one. */
export const failureText = ({ code = '', text }: Failure): string =>
  isSqlState(code) ? `${text}, SQLSTATE ${code}` : text
