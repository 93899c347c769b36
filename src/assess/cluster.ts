import { isDeepStrictEqual } from 'node:util'
import { groupBy } from '../core/group.ts'
import type { Sample } from '../core/metric.ts'
import { finding, reasonsOf, type Reason, type ReasonSpec, type Target } from '../core/probe.ts'
import { createRecall } from '../core/recall.ts'
import { timelineOf } from '../probes/postgres/index.ts'
import type { ClusterMemory, ClusterStatus, Memory } from './assessment.ts'
import { clusterSamples } from './cluster-metrics.ts'
import { mayBeSame, type Node } from './nodes.ts'
import { straysOf, type Stray } from './upstream.ts'

export const clusterReasons = {
  cluster_no_primary: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'Every node of the cluster answers, and none of them is a primary.',
    remedy: 'Promote a standby, or find out why the failover manager does not.',
  },
  cluster_split_brain: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'Two nodes with the same system identifier are writable: what is written to one of them will be lost.',
    remedy: 'Fence the one that is not to be kept at once, then rewind it: most often that which no standby follows.',
  },
  cluster_primary_unknown: {
    verdict: 'unknown',
    severity: 'high',
    meaning: 'No primary is seen, and a node that cannot be asked may be the one.',
    remedy: 'Heal the nodes that do not answer, or the way to them.',
  },
  cluster_mixed: {
    verdict: 'warn',
    severity: 'high',
    meaning: 'Nodes under the name of one cluster have different system identifiers: they are not one cluster.',
    remedy:
      'Correct the URL or the `cluster` of the postgres target named; or the node was initialised anew and must be rebuilt.',
  },
  cluster_timeline_behind: {
    verdict: 'warn',
    severity: 'high',
    meaning: 'A standby is on an older timeline than the primary: it does not follow since a promotion.',
    remedy: 'Rewind or rebuild the standby (pg_rewind, pg_basebackup).',
  },
  cluster_wrong_upstream: {
    verdict: 'warn',
    severity: 'high',
    meaning:
      'A standby streams from a server that has no WAL of the primary: it falls behind, while its own lag looks small.',
    remedy: 'Correct primary_conninfo of the standby named, or heal the server it streams from.',
  },
} as const satisfies Record<string, ReasonSpec>
const reason = reasonsOf(clusterReasons)

interface Clusters {
  readonly clusters: readonly ClusterStatus[]
  readonly samples: readonly Sample[]
  readonly recheck: readonly string[]
  /** The checks of standbys that do not get the WAL of the primary. */
  readonly strays: readonly string[]
  readonly memory: Readonly<Record<string, ClusterMemory>>
}

export function assessClusters(nodes: readonly Node[], previous: Memory | undefined, now: number): Clusters {
  const all = [...groupBy(nodes, node => node.cluster)].map(([name, own]) => {
    const before = previous?.clusters[name]
    const make = (): Cluster => assessCluster(name, own, before, now)
    const [first] = own
    return first ? recalled(first.check.config, [before, ...own], make, ({ memory }) => memory === before) : make()
  })
  return {
    clusters: all.map(one => one.status),
    samples: all.flatMap(one => one.samples),
    recheck: all.flatMap(one => one.recheck),
    strays: all.flatMap(one => one.strays.map(({ node }) => node.check.id)),
    memory: Object.fromEntries(all.map(one => [one.status.name, one.memory])),
  }
}

interface Cluster {
  readonly status: ClusterStatus
  readonly samples: readonly Sample[]
  readonly recheck: readonly string[]
  readonly strays: readonly Stray[]
  readonly memory: ClusterMemory
}

/** By the target of the first node. The time goes into nothing but the memory. */
const recalled = createRecall<Target, Cluster>()

function assessCluster(name: string, nodes: readonly Node[], before: ClusterMemory | undefined, now: number): Cluster {
  const identifier = commonest(nodes.flatMap(node => node.facts?.system_identifier ?? []))
  const primaries = nodes
    .filter(node => node.facts && !node.facts.in_recovery && mayBeSame(node.facts.system_identifier, identifier))
    .filter((node, i, all) => all.findIndex(other => isSameServer(other, node)) === i)
    .sort((a, b) => followers(b, nodes) - followers(a, nodes) || timeline(b) - timeline(a))
  const allSeen = nodes.every(node => node.facts)
  const split = splitBrain(primaries, before, now)
  const primary = primaries[0]?.name
  const count = primaries.length === 0 && !allSeen ? undefined : primaries.length
  const splitKnown = split.confirmed ? true : primaries.length < 2 && allSeen ? false : undefined
  const certain = primaries.length === 1 || split.confirmed
  const strays = certain && primaries[0] ? straysOf(nodes, primaries[0]) : []
  const reasons = reasonsFor({ name, nodes, primaries, identifier, allSeen, strays, confirmed: split.confirmed })
  // A primary that is no longer in the configuration did not fail over: it may have been renamed.
  const known =
    before && nodes.some(node => node.name === before.primary) ? before : before && { ...before, primary: undefined }
  const told = remember(known, split.since === undefined ? primary : undefined, split.since, now)
  const memory = isDeepStrictEqual(before, told) && before ? before : told
  const evidence = primaries.length === 0 ? 'no primary is seen' : primaries.map(describe).join('; ')
  const status: ClusterStatus = {
    name,
    nodes: nodes.map(({ name, address, facts, check }) => ({
      name,
      address,
      verdict: check.verdict,
      role: facts && (facts.in_recovery ? 'standby' : 'primary'),
    })),
    primary,
    primaries: count,
    splitBrain: splitKnown,
    ...finding(evidence, reasons, []),
  }
  const recheck = toLookAtAgain(primaries, before, split).map(node => node.check.id)
  return { status, samples: clusterSamples(status, nodes, memory), recheck, strays, memory }
}

/** Two targets may be one server: a node, and an address that follows the primary. */
const isSameServer = (a: Node, b: Node): boolean =>
  a === b ||
  (a.facts?.postmaster_start != null &&
    a.facts.postmaster_start === b.facts?.postmaster_start &&
    a.facts.server_port === b.facts.server_port)

/**
 * Of two primaries the rightful one is that which the standbys follow, and only then that of the higher timeline: after
 * a failover the old primary is behind, but after a promotion by mistake the new one is ahead.
 */
const followers = (node: Node, nodes: readonly Node[]): number =>
  nodes.filter(({ facts }) => facts?.in_recovery && facts.receiver_running && timelineOf(facts) === timeline(node))
    .length

const timeline = (node: Node): number => (node.facts && timelineOf(node.facts)) ?? 0
const describe = (node: Node): string =>
  `${node.name} (${node.address ?? '?'}) is primary on timeline ${timeline(node)}`

/**
 * Two primaries are only suspected at first: one look may be from before a promotion and the other from after it.
 * They are confirmed once each of them has been looked at again since.
 */
function splitBrain(primaries: readonly Node[], before: ClusterMemory | undefined, now: number) {
  if (primaries.length < 2) return { since: undefined, confirmed: false }
  const since = before?.splitSince ?? now
  return { since, confirmed: before?.splitSince !== undefined && primaries.every(node => lookedAt(node) >= since) }
}

/** Each of them when the suspicion is new, and then those that were not looked at since. */
const toLookAtAgain = (
  primaries: readonly Node[],
  before: ClusterMemory | undefined,
  { since, confirmed }: ReturnType<typeof splitBrain>,
): readonly Node[] => {
  if (since === undefined || confirmed) return []
  return before?.splitSince === undefined ? primaries : primaries.filter(node => lookedAt(node) < since)
}

const lookedAt = (node: Node): number => node.check.observation?.startedAt ?? 0

function remember(
  before: ClusterMemory | undefined,
  primary: string | undefined,
  splitSince: number | undefined,
  now: number,
): ClusterMemory {
  const changed = before?.primary !== undefined && primary !== undefined && primary !== before.primary
  return {
    primary: primary ?? before?.primary,
    failovers: (before?.failovers ?? 0) + Number(changed),
    lastFailoverAt: changed ? now : before?.lastFailoverAt,
    splitSince,
  }
}

interface Known {
  readonly name: string
  readonly nodes: readonly Node[]
  readonly primaries: readonly Node[]
  readonly identifier: string | undefined
  readonly allSeen: boolean
  readonly strays: readonly Stray[]
  readonly confirmed: boolean
}

function reasonsFor({ name, nodes, primaries, identifier, allSeen, strays, confirmed }: Known): Reason[] {
  const found: Reason[] = []
  const add = (code: keyof typeof clusterReasons, text: string, remedy?: string): number =>
    found.push(reason(code, `cluster ${name}: ${text}`, remedy))
  const namesOf = (list: readonly Node[]): string => list.map(node => node.name).join(', ')
  const [primary, ...others] = primaries
  if (primary && confirmed) {
    const remedy = `Fence ${namesOf(others)} at once, then rewind it; if that is the one to keep, fence ${primary.name} instead.`
    add('cluster_split_brain', primaries.map(describe).join('; '), remedy)
  }
  const foreign = nodes.filter(node => node.facts && !mayBeSame(node.facts.system_identifier, identifier))
  if (foreign.length > 0) add('cluster_mixed', `${namesOf(foreign)} has another system identifier than the other nodes`)
  if (!primary && allSeen) add('cluster_no_primary', `all ${nodes.length} nodes answer, and none is its primary`)
  if (!primary && !allSeen) {
    const unseen = nodes.filter(node => !node.facts)
    add('cluster_primary_unknown', `no primary is seen, and nothing is known of ${namesOf(unseen)}`)
  }
  for (const node of nodes) {
    if (!primary || !node.facts?.in_recovery || timeline(node) === 0 || timeline(node) >= timeline(primary)) continue
    const [own, its] = [timeline(node), timeline(primary)]
    add('cluster_timeline_behind', `${node.name} is on timeline ${own}, the primary ${primary.name} on ${its}`)
  }
  for (const { node, upstream, source } of strays) {
    const why = source.facts?.in_recovery
      ? `${source.name} receives no WAL of a primary`
      : `${source.name} is not the primary`
    add('cluster_wrong_upstream', `${node.name} streams from ${upstream.name}, but ${why}`)
  }
  return found
}

/** The value that occurs most often; the first of them where there are several. */
function commonest(values: readonly string[]): string | undefined {
  const count = (value: string): number => values.filter(other => other === value).length
  return [...new Set(values)].sort((a, b) => count(b) - count(a))[0]
}
