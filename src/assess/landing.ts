import { sample, type Sample } from '../core/metric.ts'
import { finding, seenBy, type Reason } from '../core/probe.ts'
import {
  metrics,
  readOnlyCause,
  writePath,
  writePathReason,
  type Landing,
  type WritePathSeen,
} from '../probes/write_path/index.ts'
import type { CheckStatus, ClusterStatus, LandingStatus, Memory } from './assessment.ts'
import { clusterOf, nodesOf, type Node } from './cluster.ts'

interface Landings {
  readonly landings: readonly LandingStatus[]
  /** All checks, those of write paths with what only the nodes can tell of them. */
  readonly checks: readonly CheckStatus[]
  readonly samples: readonly Sample[]
  readonly outages: Memory['outages']
}

/** Joins the sessions of write paths with the nodes: where do they land, and is that the primary? */
export function assessLandings(
  checks: readonly CheckStatus[],
  clusters: readonly ClusterStatus[],
  previous: Memory | undefined,
  now: number,
): Landings {
  const nodes = nodesOf(checks)
  const landings: LandingStatus[] = []
  const samples: Sample[] = []
  const outages: Record<string, Memory['outages'][string]> = {}
  const amended = checks.map(check => {
    if (check.probe !== writePath.kind) return check
    const cluster = clusterOf(check)
    const landed = land(
      check,
      cluster,
      nodes,
      clusters.find(one => one.name === cluster),
    )
    const status = landed ? amend(check, landed) : check
    const at = { target: check.target, postgres_cluster: cluster }
    const before = previous?.outages[check.target]
    const seconds = (before?.seconds ?? 0) + (before?.out && previous ? Math.max(0, now - previous.at) / 1000 : 0)
    outages[check.target] = { seconds, out: status.verdict === 'fail' }
    landings.push({
      writePath: check.target,
      cluster,
      nodes: landed?.nodes.map(node => node.name) ?? [],
      onPrimary: landed?.onPrimary,
    })
    samples.push(
      ...sample(metrics.onPrimary, landed?.onPrimary, at),
      ...(landed?.nodes ?? []).flatMap(node => sample(metrics.landed, 1, { ...at, node: node.name })),
      ...sample(metrics.outage, seconds, at),
    )
    return status
  })
  return { landings, checks: amended, samples, outages }
}

interface Landed {
  readonly nodes: readonly Node[]
  readonly onPrimary: boolean | undefined
  readonly reasons: readonly Reason[]
  readonly primary: Node | undefined
}

function land(
  check: CheckStatus,
  name: string,
  nodes: readonly Node[],
  cluster: ClusterStatus | undefined,
): Landed | undefined {
  const seen = check.stale ? undefined : seenBy(writePath, check.observation)?.seen
  if (!seen || (seen.landings.length === 0 && !seen.addressOnly)) return undefined
  const own = nodes.filter(node => node.cluster === name)
  const primary = own.find(node => node.name === cluster?.primary)
  const where = seen.addressOnly
    ? [byAddress(own, seen.addressOnly.peer, seen.addressOnly.port)]
    : seen.landings.map(landing => find(landing, own) ?? find(landing, nodes))
  const found = [...new Set(where.flatMap(node => node ?? []))]
  const reasons = seen.addressOnly
    ? pointsWrong(seen, found[0])
    : seen.landings.flatMap((landing, i) => landsWrong(seen.address, landing, where[i], own, primary))
  return { nodes: found, onPrimary: onPrimary(seen, where, primary, reasons), reasons: distinct(reasons), primary }
}

/**
 * The node a session is on. The system identifier names the cluster, not the node, and a stale ex-primary has the same
 * one: nodes are told apart by address, port and postmaster start. After a restart the address has to do.
 */
function find(landing: Landing, nodes: readonly Node[]): Node | undefined {
  const exact = nodes.find(
    ({ facts }) =>
      facts?.system_identifier === landing.system_identifier &&
      facts.postmaster_start === landing.postmaster_start &&
      facts.server_port === landing.server_port,
  )
  return (
    exact ??
    (landing.server_address === null ? undefined : byAddress(nodes, landing.server_address, landing.server_port))
  )
}

const byAddress = (nodes: readonly Node[], address: string, port: number | null): Node | undefined =>
  nodes.find(({ facts }) => facts?.server_address === address && facts.server_port === port)

function landsWrong(
  address: string,
  landing: Landing,
  node: Node | undefined,
  own: readonly Node[],
  primary: Node | undefined,
): Reason[] {
  const identifiers = new Set(own.flatMap(one => one.facts?.system_identifier ?? []))
  const there = node?.name ?? `${landing.server_address ?? 'a local socket'}:${landing.server_port ?? ''}`
  if (identifiers.size > 0 && !identifiers.has(landing.system_identifier))
    return [
      writePathReason(
        'write_path_other_cluster',
        `${address}: lands on ${there}, of the cluster with system identifier ${landing.system_identifier}`,
      ),
    ]
  if (landing.in_recovery) return []
  if (!node && own.length > 0 && own.every(one => one.facts))
    return [
      writePathReason(
        'write_path_unlisted_node',
        `${address}: lands on ${there}, which is none of the nodes ${own.map(one => one.name).join(', ')}`,
      ),
    ]
  // A node that its own check still calls a standby was promoted between the two looks.
  if (node && primary && node !== primary && node.facts?.in_recovery === false)
    return [
      writePathReason(
        'write_path_old_primary',
        `${address}: lands on ${node.name}, which is writable, but the primary is ${primary.name}`,
        `Fence ${node.name}, then point the path at ${whereIs(primary)}.`,
      ),
    ]
  return []
}

const pointsWrong = (seen: WritePathSeen, node: Node | undefined): Reason[] =>
  node?.facts?.in_recovery
    ? [writePathReason('write_path_read_only', `${seen.address}: leads to ${node.name}, which is a standby`)]
    : []

function onPrimary(
  seen: WritePathSeen,
  where: readonly (Node | undefined)[],
  primary: Node | undefined,
  reasons: readonly Reason[],
): boolean | undefined {
  if (seen.landings.some(landing => landing.in_recovery)) return false
  if (reasons.some(reason => reason.verdict === 'fail')) return false
  return primary && where.every(node => node === primary) ? true : undefined
}

const whereIs = (primary: Node): string => `${primary.name} (${primary.address ?? '?'})`

/** The status with where it landed, and with a remedy that names the primary. */
function amend(check: CheckStatus, landed: Landed): CheckStatus {
  const names = landed.nodes.map(node => node.name).join(', ')
  const told = check.reasons.map(reason => {
    if (reason.code !== 'write_path_read_only') return reason
    const remedy =
      landed.primary && landsOnStandby(check)
        ? `Point it at ${whereIs(landed.primary)}, the primary, or at an endpoint that follows the primary.`
        : reason.remedy
    return { ...reason, text: names === '' ? reason.text : `${reason.text}; landed on ${names}`, remedy }
  })
  const evidence = names === '' ? check.evidence : `${check.evidence}, on ${names}`
  return { ...check, ...finding(evidence, [...told, ...landed.reasons], check.samples) }
}

const landsOnStandby = (check: CheckStatus): boolean =>
  seenBy(writePath, check.observation)?.seen.landings.some(landing => readOnlyCause(landing) === 'standby') ?? false

const distinct = (reasons: readonly Reason[]): Reason[] => [
  ...new Map(reasons.map(reason => [`${reason.code} ${reason.text}`, reason])).values(),
]
