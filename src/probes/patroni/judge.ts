import { gauge } from '../../core/metric.ts'
import { finding } from '../../core/probe.ts'
import type { PatroniSeen } from './observe.ts'
import { reason } from './reasons.ts'
import type { PatroniTarget } from './target.ts'

const labels = ['target', 'postgres_cluster'] as const
export const metrics = {
  reachable: gauge('mailpath_patroni_reachable', 'Whether the REST API of Patroni answered.', labels),
  role: gauge('mailpath_patroni_role', 'The role of the member, as a state set.', [...labels, 'role']),
  state: gauge('mailpath_patroni_state', 'The state of its Postgres as Patroni sees it, as a state set.', [
    ...labels,
    'state',
  ]),
  lockHolder: gauge('mailpath_patroni_lock_holder', 'Whether the member holds the leader lock.', labels),
  dcsLastSeen: gauge(
    'mailpath_patroni_dcs_last_seen_timestamp_seconds',
    'When Patroni last reached its DCS (etcd, Consul, ZooKeeper, Kubernetes).',
    labels,
  ),
  clusterUnlocked: gauge(
    'mailpath_patroni_cluster_unlocked',
    'Whether no member holds the leader lock, as far as this one knows.',
    labels,
  ),
  paused: gauge('mailpath_patroni_paused', 'Whether maintenance mode is on: then nothing fails over.', labels),
  failsafeActive: gauge(
    'mailpath_patroni_failsafe_active',
    'Whether the failsafe mode keeps the primary without a DCS.',
    labels,
  ),
  pendingRestart: gauge(
    'mailpath_patroni_pending_restart',
    'Whether a changed parameter waits for a restart of Postgres.',
    labels,
  ),
  syncStandby: gauge('mailpath_patroni_sync_standby', 'Whether the member is a synchronous standby.', labels),
  nofailover: gauge('mailpath_patroni_nofailover', 'Whether the tag nofailover keeps the member from promotion.', labels),
  timeline: gauge('mailpath_patroni_timeline', 'The timeline of the member, as Patroni says it.', labels),
  info: gauge('mailpath_patroni_info', 'The version of Patroni.', [...labels, 'version']),
}

export function judge(seen: PatroniSeen, target: PatroniTarget) {
  if (!seen.facts) return finding('', [reason('patroni_not_patroni', seen.address)], [])
  return finding(target.name, [], [])
}
