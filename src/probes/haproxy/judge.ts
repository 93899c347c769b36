import { gauge } from '../../core/metric.ts'
import { finding } from '../../core/probe.ts'
import type { HaproxySeen } from './observe.ts'
import { reason } from './reasons.ts'
import type { HaproxyTarget } from './target.ts'

const labels = ['target', 'proxy', 'server'] as const
export const metrics = {
  reachable: gauge('mailpath_haproxy_reachable', 'Whether HAProxy answered for its statistics.', ['target']),
  serverStatus: gauge('mailpath_haproxy_server_status', 'The status of a server, as a state set.', [
    ...labels,
    'status',
  ]),
  checkStatus: gauge(
    'mailpath_haproxy_check_status_info',
    'The result of the last health check of a server: always 1.',
    [...labels, 'check_status'],
  ),
  sessions: gauge('mailpath_haproxy_server_sessions', 'Sessions open at a server.', labels),
  lastChange: gauge(
    'mailpath_haproxy_server_last_change_timestamp_seconds',
    'When a server last went up or down.',
    labels,
  ),
}

export function judge(seen: HaproxySeen, target: HaproxyTarget) {
  if (!seen.servers) return finding('', [reason('haproxy_not_haproxy', seen.address)], [])
  return finding(target.name, [], [])
}
