import { groupBy } from '../core/group.ts'
import { sample } from '../core/metric.ts'
import { finding, seenBy, type Reason } from '../core/probe.ts'
import { drift } from '../probes/drift/index.ts'
import { driftReason } from '../probes/drift/reasons.ts'
import { metrics } from '../probes/drift/judge.ts'
import type { Place } from '../probes/drift/route.ts'
import type { SourceSeen } from '../probes/drift/observe.ts'
import { primaryLabel } from '../probes/drift/target.ts'
import type { CheckStatus, ClusterStatus } from './assessment.ts'
import { clustersByName, type Node } from './nodes.ts'

/** All checks. Those of hosts that should lead to the primary of a cluster get whether they do. */
export function assessDrift(
  checks: readonly CheckStatus[],
  nodes: readonly Node[],
  clusters: readonly ClusterStatus[],
): CheckStatus[] {
  const nodesIn = groupBy(nodes, node => node.cluster)
  const byName = clustersByName(clusters)
  return checks.map(check => {
    const found = check.stale ? undefined : seenBy(drift, check.observation)
    const name = found?.target.cluster
    const cluster = name === undefined ? undefined : byName.get(name)
    // Of two primaries it is not known yet which one counts.
    if (!found || cluster?.primaries !== 1) return check
    const own = nodesIn.get(cluster.name) ?? []
    const primary = own.find(({ name }) => name === cluster.primary)
    return primary ? withPrimary(check, found.seen.sources, primary, own) : check
  })
}

function withPrimary(
  check: CheckStatus,
  sources: readonly SourceSeen[],
  primary: Node,
  nodes: readonly Node[],
): CheckStatus {
  const where = sources.map(source => ({ label: source.label, nodes: nodesAt(source, nodes) }))
  const agrees = where.map(({ label, nodes: at }) => ({ label, at, agrees: at && isAt(primary, at) }))
  const reasons = agrees.flatMap((one): Reason[] => {
    if (one.agrees !== false) return []
    const led = one.at?.map(({ name }) => name).join(', ') ?? ''
    const instead = led === '' ? `does not lead to ${primary.name}` : `leads to ${led}, not to ${primary.name}`
    return [driftReason('drift_not_primary', `${one.label} ${instead}, the primary of ${primary.cluster}`)]
  })
  const samples = agrees.flatMap(one =>
    sample(metrics.agrees, one.agrees, { target: check.target, a: one.label, b: primaryLabel }),
  )
  return {
    ...check,
    ...finding(check.evidence, [...check.reasons, ...reasons], [...check.samples, ...samples]),
  }
}

/** The nodes that a host leads to; undefined where they are not known. */
function nodesAt({ isAt }: SourceSeen, nodes: readonly Node[]): readonly Node[] | undefined {
  const found = nodes.map(node => ({ node, here: isAt?.(placesOf(node)) }))
  return found.every(({ here }) => here === undefined)
    ? undefined
    : found.filter(({ here }) => here === true).map(({ node }) => node)
}

/** Where we reach a node, and where it says it is. The two differ behind a tunnel, or with a name. */
function placesOf({ address, facts }: Node): Place[] {
  const [, host, port] = /^(.*):(\d+)$/.exec(address ?? '') ?? []
  return [
    ...(host === undefined ? [] : [{ host, port: Number(port) }]),
    ...(facts?.server_address == null ? [] : [{ host: facts.server_address, port: facts.server_port ?? 0 }]),
  ]
}

/** Undefined where other servers have that address too. */
function isAt(primary: Node, nodes: readonly Node[]): boolean | undefined {
  if (!nodes.includes(primary)) return false
  const start = primary.facts?.postmaster_start
  return nodes.every(one => one === primary || (start != null && one.facts?.postmaster_start === start)) || undefined
}
