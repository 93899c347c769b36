import type { Failure } from '../core/errors.ts'
import type { ReasonSpec, WatchStance } from '../core/probe.ts'

/**
 * Why a session could not be had, by SQLSTATE where the server gave one
 * (https://www.postgresql.org/docs/current/errcodes-appendix.html), else by what node-postgres says:
 * its time-outs and its "Connection terminated unexpectedly" have no code.
 */
export const connectionProblems = {
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

/** The code of the failure where a server is not of the kind that `target_session_attrs` wants. */
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
/** PgBouncer (seen with 1.18) says 08P01 of whatever it, or the server behind it, refuses: only the text tells them apart. */
const byText: readonly (readonly [RegExp, ConnectionProblem])[] = [
  [/authentication failed|no such user|role "[^"]*" (?:does not exist|is not permitted)|pg_hba\.conf/, 'login_failed'],
  [/no such database|database "[^"]*" does not exist/, 'database_missing'],
  [/too many (?:clients|connections)|remaining connection slots/, 'too_many_connections'],
  [/the database system is/, 'starting_up'],
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

const isSqlState = (code: string): boolean => /^(?=.*\d)[0-9A-Z]{5}$/.test(code)

export function connectionProblem(failure: Failure): ConnectionProblem {
  const { code = '', text, timedOut, phase } = failure
  if (timedOut) return 'no_answer'
  if (code === otherKind) return 'no_fitting_host'
  // A timeout of the application's own.
  if (code === 'ETIMEDOUT' && phase !== 'dns' && phase !== 'connect') return 'no_answer'
  if (unreachableCodes.has(code)) return 'unreachable'
  if (/no pg_hba\.conf entry.*(no encryption|SSL off)/.test(text)) return 'tls_failed'
  if (code === '08P01') return byText.find(([pattern]) => pattern.test(text))?.[1] ?? 'protocol_error'
  if (byState[code]) return byState[code]
  if (phase === 'login' && /^(?:22|42|55)/.test(code) && isSqlState(code)) return 'setting_refused'
  if (isSqlState(code)) return 'refused_statement'
  if (/not (?:a|the) Postgres/.test(text)) return 'protocol_error'
  if (/SSL|CERT|ERR_TLS|EPROTO|certificate|TLS connection|support TLS/.test(`${code} ${text}`)) return 'tls_failed'
  if (/terminated|ECONNRESET|EPIPE|socket hang up/.test(`${code} ${text}`)) return 'closed'
  return 'protocol_error'
}

/** Not only we have no slot left. */
const serverIsFull = /too many clients|remaining connection slots/

/** What a run that failed, or did not, says of the watch of its target. */
export const watchStance = (failure: Failure | undefined): WatchStance => {
  if (!failure) return 'open'
  if (connectionProblem(failure) !== 'too_many_connections') return 'closed'
  return serverIsFull.test(failure.text) ? 'no_room' : 'in_the_way'
}

/** The failure in one line, with the SQLSTATE where the server gave one. */
export const failureText = ({ code = '', text }: Failure): string =>
  isSqlState(code) ? `${text}, SQLSTATE ${code}` : text
