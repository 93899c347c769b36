import { isDeepStrictEqual } from 'node:util'
import { groupBy } from '../core/group.ts'
import type { Sample } from '../core/metric.ts'
import { finding, type Reason, type Target } from '../core/probe.ts'
import { createMemo } from '../core/memo.ts'
import { writePath } from '../probes/write_path/index.ts'
import type { CheckStatus, ClusterMemory, ClusterStatus, Memory } from './assessment.ts'
import { claimsOf, isDecided, timeline, type Claim } from './claims.ts'
import { clusterSamples } from './cluster-metrics.ts'
import { clusterReason, type clusterReasons } from './cluster-reasons.ts'
import { clusterOf, mayBeSame, mayBeSamePort, type Node } from './nodes.ts'
import { straysOf, type Stray } from './upstream.ts'


interface Clusters {
  readonly clusters: readonly ClusterStatus[]
  readonly samples: readonly Sample[]
  readonly recheck: readonly string[]
  /** The checks of standbys that do not get the WAL of the primary. */
  readonly strays: readonly string[]
  readonly memory: Memory['clusters']
}

export function assessClusters(
  checks: readonly CheckStatus[],
  nodes: readonly Node[],
  previous: Memory | undefined,
  now: number,
): Clusters {
  const pathsInto = groupBy(
    checks.filter(({ probe }) => probe === writePath.kind),
    clusterOf,
  )
  const all = [...groupBy(nodes, node => node.cluster)].map(([name, own]) => {
    const before = previous?.clusters.get(name)
    // It matters only between several primaries where clients write.
    const paths = own.filter(isWritable).length > 1 ? (pathsInto.get(name) ?? []) : []
    const make = (): Cluster => assessCluster(name, own, paths, before, now)
    const [first] = own
    return first
      ? clusterMemo(first.check.config, [before, ...own, ...paths], make, ({ memory }) => memory === before)
      : make()
  })
  return {
    clusters: all.map(one => one.status),
    samples: all.flatMap(one => one.samples),
    recheck: all.flatMap(one => one.recheck),
    strays: all.flatMap(one => one.strays.map(({ node }) => node.check.id)),
    memory: new Map(all.map(one => [one.status.name, one.memory])),
  }
}

interface Cluster {
  readonly status: ClusterStatus
  readonly samples: readonly Sample[]
  readonly recheck: readonly string[]
  readonly strays: readonly Stray[]
  readonly memory: ClusterMemory
}

/** By the target of the first node. The time is part of the memory alone, so a result with a new memory does not last. */
const clusterMemo = createMemo<Target, Cluster>()

const isWritable = ({ facts }: Node): boolean => facts?.in_recovery === false

function assessCluster(
  name: string,
  nodes: readonly Node[],
  paths: readonly CheckStatus[],
  before: ClusterMemory | undefined,
  now: number,
): Cluster {
  const identifier = commonest(nodes.flatMap(node => node.facts?.system_identifier ?? []))
  const servers = nodes
    .filter(node => isWritable(node) && mayBeSame(node.facts?.system_identifier, identifier))
    .filter((node, i, all) => all.findIndex(other => isSameServer(other, node)) === i)
  const claims = claimsOf(servers, nodes, paths)
  const primaries = claims.map(({ node }) => node)
  const allSeen = nodes.every(node => node.facts)
  const apart = primaries.filter((node, i) => !primaries.slice(0, i).some(other => mayBeSameServer(other, node)))
  const maybeOne = primaries.length > 1 && apart.length === 1
  const split = splitBrain(apart, before, now)
  const primary = primaries[0]?.name
  const count = maybeOne || (primaries.length === 0 && !allSeen) ? undefined : primaries.length
  const splitKnown = split.confirmed ? true : primaries.length < 2 && allSeen ? false : undefined
  const certain = primaries.length === 1 || split.confirmed
  const strays = certain && primaries[0] ? straysOf(nodes, primaries[0]) : []
  const reasons = reasonsFor({ name, nodes, claims, identifier, strays, maybeOne, confirmed: split.confirmed })
  // A primary that left the configuration is no failover: it may have been renamed.
  const known =
    before && nodes.some(node => node.name === before.primary) ? before : before && { ...before, primary: undefined }
  const remembered = remember(known, split.since === undefined ? primary : undefined, split.since, now)
  const memory = isDeepStrictEqual(before, remembered) && before ? before : remembered
  const evidence = primaries.length === 0 ? 'no primary is seen' : primaries.map(describe).join('; ')
  const status: ClusterStatus = {
    name,
    nodes: nodes.map(({ name, address, facts, check }) => ({
      name,
      address,
      verdict: check.verdict,
      role: facts && (facts.in_recovery ? 'standby' : 'primary'),
    })),
    hasPatroni: false,
    lockHolder: undefined,
    primary,
    primaries: count,
    splitBrain: splitKnown,
    undecided: !isDecided(claims),
    ...finding(evidence, reasons, []),
  }
  const recheck = toLookAtAgain(apart, before, split).map(node => node.check.id)
  return { status, samples: clusterSamples(status, nodes, memory), recheck, strays, memory }
}

/** Two targets may be one server: the node, and an address that follows the primary. */
const isSameServer = (a: Node, b: Node): boolean =>
  a === b ||
  (a.facts?.postmaster_start != null &&
    a.facts.postmaster_start === b.facts?.postmaster_start &&
    mayBeSamePort(a.facts.server_port, b.facts.server_port))

/**
 * Two that do not say when they started may be one server with two names, and a healthy server must not be fenced for that.
 * The timeline of a primary changes only with its promotion, so two timelines at one time are two servers.
 */
const mayBeSameServer = (a: Node, b: Node): boolean =>
  a.facts?.postmaster_start == null &&
  b.facts?.postmaster_start == null &&
  (timeline(a) === 0 || timeline(b) === 0 || timeline(a) === timeline(b))

const describe = (node: Node): string =>
  `${node.name} (${node.address ?? '?'}) is primary on timeline ${timeline(node)}`

/**
 * Two primaries are only a suspicion at first: one look may be from before a promotion, and the other from after it. It is
 * confirmed once each of them has been looked at again.
 */
function splitBrain(primaries: readonly Node[], before: ClusterMemory | undefined, now: number) {
  if (primaries.length < 2) return { since: undefined, confirmed: false }
  const since = before?.splitSince ?? now
  return { since, confirmed: before?.splitSince !== undefined && primaries.every(node => lookedAt(node) >= since) }
}

/** Each of them when the suspicion is new, and later those that were not looked at again. */
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

const splitEvidence = (claims: readonly Claim[]): string =>
  claims
    .map(({ node, writers, followers }) => {
      const writes =
        writers.length > 0 ? [`${writers.join(', ')} ${writers.length > 1 ? 'write' : 'writes'} there`] : []
      const streams = followers.length > 0 ? [`${followers.join(', ')} follows it`] : []
      return [describe(node), ...writes, ...streams].join(', ')
    })
    .join('; ')

/** Names a node to fence only if something shows which one to keep: a rewind loses the rows that only that node has. */
function splitRemedy(claims: readonly Claim[]): string {
  const [best, ...others] = claims
  const names = others.map(({ node }) => node.name).join(', ')
  const kept = best?.node.name ?? ''
  const copy = 'rows that only it has exist nowhere else'
  const areOne = claims.every(({ node }) => node.facts?.system_identifier != null)
  const before = areOne
    ? ''
    : 'First see that they are one cluster, since not each of them says so: select system_identifier from pg_control_system(). '
  if (!isDecided(claims))
    return `${before}Nothing here tells whether to keep ${kept} or ${names}. Look which one clients write to (pg_stat_activity) and keep that. Fence the other at once, and copy its data before it is rewound: ${copy}.`
  const why = best?.writers.length ? 'clients write to it' : 'standbys follow it'
  return `${before}Keep ${kept}: ${why}. Fence ${names} at once, through its failover manager if it has one. Copy the data of ${names} before it is rewound: ${copy}.`
}

interface Known {
  readonly name: string
  readonly nodes: readonly Node[]
  /** Of the primaries. */
  readonly claims: readonly Claim[]
  readonly identifier: string | undefined
  readonly strays: readonly Stray[]
  /** All the primaries may be one server. */
  readonly maybeOne: boolean
  /** The split brain is confirmed. */
  readonly confirmed: boolean
}

function reasonsFor({ name, nodes, claims, identifier, strays, maybeOne, confirmed }: Known): Reason[] {
  const found: Reason[] = []
  const add = (code: keyof typeof clusterReasons, text: string, remedy?: string): number =>
    found.push(clusterReason(code, `cluster ${name}: ${text}`, remedy))
  const namesOf = (list: readonly Node[]): string => list.map(node => node.name).join(', ')
  const primaries = claims.map(({ node }) => node)
  const [primary, second] = primaries
  const unseen = nodes.filter(node => !node.facts)
  if (confirmed) add('cluster_split_brain', splitEvidence(claims), splitRemedy(claims))
  if (maybeOne)
    add(
      'cluster_primary_unknown',
      `${namesOf(primaries)} take writes, and may be one server under several names, or several: none says when it started`,
      'Grant execute on pg_postmaster_start_time(), inet_server_addr() and inet_server_port() to the monitoring role. If they are one server, one of these targets is enough.',
    )
  const foreign = nodes.filter(node => node.facts && !mayBeSame(node.facts.system_identifier, identifier))
  if (foreign.length > 0) add('cluster_mixed', `${namesOf(foreign)} has another system identifier than the other nodes`)
  if (!primary && unseen.length === 0)
    add('cluster_no_primary', `all ${nodes.length} nodes answer, and none is its primary`)
  else if (!primary) add('cluster_primary_unknown', `no primary is seen, and nothing is known of ${namesOf(unseen)}`)
  for (const node of nodes) {
    const [own, its] = [timeline(node), primary && !second ? timeline(primary) : 0]
    if (primary && node.facts?.in_recovery && own > 0 && own < its)
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

/** The value that occurs most often; of several the first. */
function commonest(values: readonly string[]): string | undefined {
  const count = (value: string): number => values.filter(other => other === value).length
  return [...new Set(values)].sort((a, b) => count(b) - count(a))[0]
}
