import { connectionReasons } from '../../clients/postgres-errors.ts'
import { reasonsOf, type ReasonSpec } from '../../core/probe.ts'

export const reasons = {
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
    meaning: 'The write went through, and the server gave a warning with it: its text is quoted.',
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
  write_path_check_lag: {
    verdict: 'fail',
    severity: 'high',
    meaning:
      'The primary has changed, and the health check of HAProxy has not noticed yet: HAProxy still leads to a node that is not the primary, or does not lead to the primary yet.',
    remedy:
      'Wait: HAProxy takes a server out after `inter` × `fall`, and takes one in after `inter` × `rise`. Point nothing elsewhere. If it lasts longer, see whether the check asks for the role (option httpchk with /primary of Patroni).',
  },
  write_path_server_in_maintenance: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'The server of the primary is in maintenance or drained in HAProxy, so no session reaches it.',
    remedy: 'If the work on it is done: set server PROXY/SERVER state ready, on the runtime API of HAProxy.',
  },
  write_path_sessions_on_standby: {
    verdict: 'warn',
    failsIf: 'the path has `pooled: true`',
    severity: 'high',
    meaning:
      'The role of the application has sessions on a standby that have been there for a while, while new sessions land on the primary. A pool keeps them, and each write on one of them fails with SQLSTATE 25006.',
    remedy:
      'End them: restart the pool of the application, or run pg_terminate_backend on the node named; behind PgBouncer, RECONNECT on its console. For the next time: `on-marked-down shutdown-sessions` on the servers of HAProxy, and a limit of idle time and lifetime for the pool. If they only read: `pooled: false` on this path.',
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
export type Reason = ReturnType<typeof writePathReason>
