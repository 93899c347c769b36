import { connectionReasons } from '../../clients/postgres-errors.ts'
import { reasonsOf, type ReasonSpec } from '../../core/probe.ts'

export const reasons = {
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
    meaning: 'The standby replays transactions more than `max_lag` late.',
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
    meaning: 'The node is a primary, but default_transaction_read_only makes new transactions read-only.',
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
  postgres_certificate_expires_soon: {
    verdict: 'warn',
    severity: 'medium',
    meaning:
      'The certificate of the server, or another one of its chain, expires in less than `certificate_warning` (14 days), and this target verifies it.',
    remedy: 'Renew the one named, and have Postgres load it: select pg_reload_conf().',
  },
  postgres_transaction_ids_old: {
    verdict: 'warn',
    severity: 'high',
    meaning:
      'Transaction IDs get old: they are more than `max_transaction_id_age` behind. At 2,147,483,648, less 3 million, the server takes no more writes.',
    remedy:
      'End what holds the horizon (prepared transactions, old sessions, slots), then vacuum the database named, as superuser. Do not wait for the limit.',
  },
  postgres_multixacts_old: {
    verdict: 'warn',
    severity: 'high',
    meaning:
      'Multixacts get old: they are more than `max_multixact_age` behind. At 2,147,483,648, less 3 million, the server takes no new ones.',
    remedy:
      'End old sessions and prepared transactions, then vacuum (freeze) the tables of the highest relminmxid age.',
  },
  postgres_slot_holds_wal: {
    verdict: 'warn',
    severity: 'high',
    meaning:
      'A replication slot keeps WAL back: it has no reader, or its reader is far behind, or it lost WAL that it needs. WAL fills the volume, and then no write commits.',
    remedy:
      'Start its reader again. If that is gone for good, drop the slot: select pg_drop_replication_slot(NAME). Its reader then has to be built again.',
  },
  postgres_archiver_failing: {
    verdict: 'warn',
    severity: 'high',
    meaning: 'The server cannot archive WAL. Backups have a gap, and WAL fills the volume until no write commits.',
    remedy:
      'See the log of the server for what archive_command says; free space at its destination, or fix the command.',
  },
  postgres_prepared_transaction_old: {
    verdict: 'warn',
    severity: 'medium',
    meaning:
      'A prepared transaction is older than `max_prepared_time`: it keeps its locks, and keeps vacuum from its work, over restarts too.',
    remedy: 'Ask its owner, then commit prepared or rollback prepared it, in its database (pg_prepared_xacts).',
  },
  postgres_transaction_long: {
    verdict: 'warn',
    severity: 'medium',
    meaning: 'A session has a transaction open for longer than `max_transaction_time`: it keeps vacuum from its work.',
    remedy: 'Look at it in pg_stat_activity; if it is not needed: select pg_terminate_backend(PID).',
  },
  postgres_facts_refused: {
    verdict: 'warn',
    severity: 'low',
    meaning: 'The monitoring role may not run a function that the check uses, so its result is unknown.',
    remedy: 'Grant execute on the function named to the monitoring role.',
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
export const reason = reasonsOf(reasons)
export type Reason = ReturnType<typeof reason>
