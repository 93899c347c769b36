import { connectionReasons } from '../../clients/postgres-errors.ts'
import { reasonsOf, type ReasonSpec } from '../../core/probe.ts'

const connection = connectionReasons('pgbouncer')

export const reasons = {
  ...connection,
  pgbouncer_unreachable: {
    ...connection.pgbouncer_unreachable,
    remedy:
      'Does PgBouncer run there (systemctl status pgbouncer), and listen on this address (listen_addr)? Check the host name, the port and the firewall.',
  },
  pgbouncer_no_answer: {
    ...connection.pgbouncer_no_answer,
    meaning: 'PgBouncer took the connection or the command, and did not answer in time.',
    remedy:
      'See whether PgBouncer hangs: a stopped process, a CPU that is used up, a name server that does not answer. A pause does not stop its console.',
  },
  pgbouncer_closed: {
    ...connection.pgbouncer_closed,
    remedy: 'If HAProxy is in front of it: no server of its backend is up. Else see the log of PgBouncer.',
  },
  pgbouncer_tls_failed: {
    ...connection.pgbouncer_tls_failed,
    remedy:
      'Compare sslmode with client_tls_sslmode of PgBouncer; check the certificate, its names and dates, and ca_file.',
  },
  pgbouncer_login_failed: {
    ...connection.pgbouncer_login_failed,
    meaning: 'PgBouncer refused the login to its console: wrong password, or a user that may not see the console.',
    remedy:
      'Check user and password of this target. The user has to be in `stats_users` and in `auth_file` of PgBouncer.',
  },
  pgbouncer_protocol_error: {
    ...connection.pgbouncer_protocol_error,
    remedy: 'Is this port really PgBouncer? Check host and port.',
  },
  pgbouncer_no_fitting_host: {
    ...connection.pgbouncer_no_fitting_host,
    meaning: 'The console is neither a primary nor a standby, so it is never what `target_session_attrs` asks for.',
    remedy: 'Take target_session_attrs out of the URL.',
  },
  pgbouncer_url_not_understood: {
    verdict: 'unknown',
    severity: 'medium',
    meaning: 'The URL says something of the connection that cannot be followed here, so nothing was asked.',
    remedy: 'Correct what is named, or take it out.',
  },
  pgbouncer_not_pgbouncer: {
    verdict: 'unknown',
    severity: 'medium',
    meaning: 'Something lets us log in, and is not the console of PgBouncer.',
    remedy: 'Name the database pgbouncer in the URL, and a user of `stats_users`.',
  },
  pgbouncer_paused: {
    verdict: 'warn',
    severity: 'high',
    meaning: 'A database is paused or disabled: its clients wait, or are refused.',
    remedy: 'On its console: resume NAME (or enable NAME), if the work it was paused for is done.',
  },
  pgbouncer_clients_wait: {
    verdict: 'warn',
    severity: 'high',
    meaning: 'Clients have waited for a server connection longer than `max_wait`.',
    remedy:
      'See show pools and show servers: either all server connections are in use (default_pool_size), or none can be opened to the server behind. If there are no server connections and the server behind is up, all databases may be paused, which PgBouncer up to 1.18 does not show: resume.',
  },
  pgbouncer_database_missing: {
    verdict: 'unknown',
    severity: 'high',
    meaning: 'A write path names a database that this PgBouncer does not have.',
    remedy: 'Correct `pgbouncer.database` of the write path: a name of the section [databases] in pgbouncer.ini.',
  },
  pgbouncer_certificate_expires_soon: {
    verdict: 'warn',
    severity: 'medium',
    meaning:
      'The certificate of PgBouncer, or another one of its chain, expires in less than `certificate_warning` (14 days), and this target verifies it.',
    remedy: 'Renew the one named, and reload PgBouncer.',
  },
} as const satisfies Record<string, ReasonSpec>
export const reason = reasonsOf(reasons)
export type Reason = ReturnType<typeof reason>
