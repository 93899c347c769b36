import { gauge } from '../../core/metric.ts'
import { finding } from '../../core/probe.ts'
import type { PgbouncerSeen } from './observe.ts'
import { reason } from './reasons.ts'
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

export function judge(seen: PgbouncerSeen, target: PgbouncerTarget) {
  if (!seen.databases) return finding('', [reason('pgbouncer_not_pgbouncer', seen.address)], [])
  return finding(target.name, [], [])
}
