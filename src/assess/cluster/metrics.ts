import { distinctBy } from '../../core/group.ts'
import { counter, gauge, sample, stateSet, type Sample } from '../../core/metric.ts'
import { verdicts } from '../../core/probe.ts'
import type { ClusterStatus } from '../assessment.ts'
import type { ClusterMemory } from './memory.ts'
import type { Node } from '../nodes.ts'

const labels = ['postgres_cluster'] as const
export const clusterMetrics = {
  verdict: gauge('mailpath_cluster_verdict', 'How the cluster stands as a whole, as a state set.', [
    ...labels,
    'verdict',
  ]),
  reason: gauge(
    'mailpath_cluster_reason',
    'Why the cluster as a whole is not ok: always 1, and there only while the reason holds.',
    [...labels, 'reason', 'severity'],
  ),
  primaries: gauge(
    'mailpath_cluster_primaries',
    'Writable nodes of the cluster; absent while none is seen and some node cannot be asked.',
    labels,
  ),
  splitBrain: gauge(
    'mailpath_cluster_split_brain',
    'Whether two nodes with the same system identifier are writable, seen twice in a row.',
    labels,
  ),
  nodesUnreachable: gauge('mailpath_cluster_nodes_unreachable', 'Nodes that did not answer in their last run.', labels),
  primary: gauge('mailpath_cluster_primary_info', 'The primary, by the name of its postgres target.', [
    ...labels,
    'node',
  ]),
  failovers: counter(
    'mailpath_cluster_failovers_total',
    'Times the primary was seen to be another node than before.',
    labels,
  ),
  timelineWentBack: counter(
    'mailpath_cluster_timeline_went_back_total',
    'Times the primary was seen on an older timeline, or at an earlier WAL position, than a primary before it: commits are lost.',
    labels,
  ),
  lastFailover: gauge(
    'mailpath_cluster_last_failover_timestamp_seconds',
    'When the primary was last seen to have changed.',
    labels,
  ),
}

export function clusterSamples(
  status: ClusterStatus,
  nodes: readonly Node[],
  memory: ClusterMemory,
  timesLost: number,
): Sample[] {
  const at = { postgres_cluster: status.name }
  // Nothing is known of a node that was not looked at.
  const looked = nodes.every(node => node.facts !== undefined || node.check.verdict === 'fail')
  const unreachable = nodes.filter(node => !node.facts).length
  const { lastFailoverAt } = memory
  return [
    stateSet(clusterMetrics.verdict, 'verdict', verdicts, status.verdict, at),
    distinctBy(status.reasons, ({ code }) => code).flatMap(({ code, severity }) =>
      sample(clusterMetrics.reason, 1, { ...at, reason: code, severity }),
    ),
    sample(clusterMetrics.primaries, status.primaries, at),
    sample(clusterMetrics.splitBrain, status.splitBrain, at),
    sample(clusterMetrics.nodesUnreachable, looked ? unreachable : undefined, at),
    status.primary === undefined ? [] : sample(clusterMetrics.primary, 1, { ...at, node: status.primary }),
    sample(clusterMetrics.failovers, memory.failovers, at),
    sample(clusterMetrics.timelineWentBack, timesLost, at),
    sample(clusterMetrics.lastFailover, lastFailoverAt === undefined ? undefined : lastFailoverAt / 1000, at),
  ].flat()
}
