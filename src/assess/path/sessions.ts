import { groupBy } from '../../core/group.ts'
import { createMemo } from '../../core/memo.ts'
import { gauge, sample, type Sample } from '../../core/metric.ts'
import { finding, seenBy, type Reason, type Target } from '../../core/probe.ts'
import { mostSessionGroups, settledSeconds, type SessionGroup } from '../../probes/postgres/observe.ts'
import { writePath } from '../../probes/write_path/index.ts'
import type { Landing } from '../../probes/write_path/observe.ts'
import { writePathReason } from '../../probes/write_path/reasons.ts'
import type { WritePathTarget } from '../../probes/write_path/target.ts'
import type { CheckStatus, ClusterStatus, Memory } from '../assessment.ts'
import { clusterOf, clustersByName, lookedAt, type Node } from '../nodes.ts'

export const sessionMetrics = {
  sessions: gauge(
    'mailpath_postgres_sessions',
    'Sessions of the role of a write path in its database on a node, without those of the exporter; absent without pg_monitor.',
    ['target', 'write_path'],
  ),
}

interface Sessions {
  /** All checks. Those of write paths have the sessions that stayed behind on a standby. */
  readonly checks: readonly CheckStatus[]
  readonly samples: readonly Sample[]
}

/**
 * The sessions that applications keep open, by write path and node. A check opens fresh sessions, so it cannot notice that
 * a pool still has old ones on a node that is no longer the primary.
 */
export function assessSessions(
  checks: readonly CheckStatus[],
  nodes: readonly Node[],
  clusters: readonly ClusterStatus[],
  lags: Memory['lags'],
): Sessions {
  const nodesIn = groupBy(nodes, node => node.cluster)
  const byName = clustersByName(clusters)
  const samples: Sample[] = []
  const amended = checks.map(check => {
    if (check.probe !== writePath.kind) return check
    const [own, cluster] = [nodesIn.get(clusterOf(check)) ?? [], byName.get(clusterOf(check))]
    const lagEndedAt = lags.get(check.target)?.endedAt
    const make = (): Found => withSessions(check, own, cluster, lagEndedAt)
    const found = sessionMemo(check.config, [check, cluster, lagEndedAt, ...own], make)
    samples.push(...found.samples)
    return found.status
  })
  return { checks: amended, samples }
}

interface Found {
  readonly status: CheckStatus
  readonly samples: readonly Sample[]
}

const sessionMemo = createMemo<Target, Found>()

function withSessions(
  check: CheckStatus,
  nodes: readonly Node[],
  cluster: ClusterStatus | undefined,
  lagEndedAt = -Infinity,
): Found {
  const { seen, target } = (check.stale ? undefined : seenBy(writePath, check.observation)) ?? {}
  const [landing] = seen?.landings ?? []
  if (!seen || !target || !landing) return { status: check, samples: [] }
  const held = nodes.flatMap(node => {
    const group = groupOf(landing, node)
    return group ? [{ node, group }] : []
  })
  const samples = held.flatMap(({ node, group }) =>
    sample(sessionMetrics.sessions, group.count, { target: node.name, write_path: check.target }),
  )
  /** HAProxy led a pool there until just now, so its sessions are young, and stay. */
  const isYoung = (node: Node): boolean =>
    target.pooled === true && lookedAt(node.check) < lagEndedAt + settledSeconds * 1_000
  const behind = held.flatMap(({ node, group }) => {
    const stay = isYoung(node) ? group.count : group.settled
    return node.facts?.in_recovery === true && stay > 0 ? [{ node, group, stay }] : []
  })
  const primary = cluster?.primary
  // If fresh sessions land on a standby as well, that is the fault, and the rest follows from it.
  const landsThere = seen.landings.some(one => one.in_recovery)
  if (target.pooled === false || behind.length === 0 || primary === undefined || landsThere)
    return { status: check, samples }
  const reason = leftBehind(seen.address, primary, behind, landing, target)
  return { status: { ...check, ...finding(check.evidence, [...check.reasons, reason], check.samples) }, samples }
}

/** The sessions of the role and in the database of a landing; undefined where they are not known. */
function groupOf({ role, database }: Landing, { facts }: Node): SessionGroup | undefined {
  const groups = facts?.sessions
  if (!groups || role === null || database === null) return undefined
  const found = groups.find(group => group.role === role && group.database === database)
  if (found) return found
  // Of more groups the server gives only the largest.
  if (groups.length >= mostSessionGroups) return undefined
  return { role, database, count: 0, idle: 0, settled: 0, oldest_seconds: 0 }
}

function leftBehind(
  address: string,
  primary: string,
  behind: readonly { readonly node: Node; readonly group: SessionGroup; readonly stay: number }[],
  { role, database, pooled }: Landing,
  target: WritePathTarget,
): Reason {
  const places = behind.map(
    ({ node, stay, group: { idle, oldest_seconds } }) =>
      `${stay} on ${node.name} (${idle} idle, the oldest for ${Math.round(oldest_seconds)} s)`,
  )
  const text = `${address}: the primary is ${primary}, but role ${role ?? ''} keeps sessions in database ${database ?? ''} on a standby: ${places.join(', ')}. Each write on one fails with SQLSTATE 25006; whether they write is not seen`
  const end = pooled || target.pgbouncer ? reconnect : restartPool(target)
  const remedy = target.pooled === undefined ? `${end} ${ifItReads}` : end
  return writePathReason('write_path_sessions_on_standby', text, remedy, target.pooled === true ? 'fail' : undefined)
}

const ifItReads = 'If the application only reads there, nothing is wrong: set `pooled: false` on this path.'

const reconnect =
  'Run RECONNECT on the console of PgBouncer: it opens its server connections again. With session pooling, restart the pool of the application too.'

const restartPool = ({ haproxy }: WritePathTarget): string => {
  const servers = haproxy ? `the servers of ${haproxy.proxy} in HAProxy ${haproxy.target}` : 'the servers of HAProxy'
  return `Restart the pool of the application, or the application. For the next time: \`on-marked-down shutdown-sessions\` on ${servers}, if it stands between, and a limit of idle time and of lifetime in the pool.`
}
