import { gauge } from '../core/metric.ts'

export const sessionMetrics = {
  sessions: gauge(
    'mailpath_postgres_sessions',
    'Sessions of the role of a write path in its database on a node, without those of the exporter; absent without pg_monitor.',
    ['target', 'write_path'],
  ),
}
