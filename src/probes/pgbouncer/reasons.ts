import { connectionReasons } from '../../clients/postgres-errors.ts'
import { reasonsOf, type ReasonSpec } from '../../core/probe.ts'

export const reasons = {
  ...connectionReasons('pgbouncer'),
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
