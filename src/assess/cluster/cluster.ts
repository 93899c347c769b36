import { isDeepStrictEqual } from 'node:util'
import { groupBy } from '../../core/group.ts'
import type { Sample } from '../../core/metric.ts'
import { finding, type Target } from '../../core/probe.ts'
import { createMemo } from '../../core/memo.ts'
import { patroni } from '../../probes/patroni/index.ts'
import { writePath } from '../../probes/write_path/index.ts'
import type { CheckStatus, ClusterStatus, Memory, NodeStatus } from '../assessment.ts'
import { claimsOf, isDecided, promotedSince, timeline, type Claim } from './claims.ts'
import type { ClusterMemory, LostWrites } from './memory.ts'
import { clusterSamples } from './metrics.ts'
import { clusterReason } from './reasons.ts'
import type { ReasonDraft, ClusterContext } from './context.ts'
import { dcsOf, failsafeIsOn } from './dcs.ts'
import { pendingOf } from './pending.ts'
import { diskFullCauseOf } from './disk-full-cause.ts'
import { holderDown, noPrimaryRemedy, whyLeaderless } from './leaderless.ts'
import { followWrites, lostNow } from './lost-writes.ts'
import { managedBy, memberAt, patroniView, type PatroniView } from './members.ts'
import { clusterOf, mayBeSame, type Node } from '../nodes.ts'
import { patroniDiffers } from './patroni-differs.ts'
import { patroniWarnings, toCompareAgain } from './patroni-warnings.ts'
import {
  apartOf,
  describe,
  isWritable,
  splitBrain,
  splitEvidence,
  splitRemedy,
  toLookAtAgain,
  writableServers,
} from './split-brain.ts'
import { straysOf, type Stray } from './upstream.ts'

interface Clusters {
  readonly clusters: readonly ClusterStatus[]
  readonly samples: readonly Sample[]
  readonly recheck: readonly string[]
  /** The checks of standbys that do not get the WAL of the primary. */
  readonly strays: readonly string[]
  readonly memory: Memory['clusters']
  readonly writes: Memory['writes']
}

export function assessClusters(
  checks: readonly CheckStatus[],
  nodes: readonly Node[],
  previous: Memory | undefined,
  now: number,
): Clusters {
  const ofKind = (kind: string) =>
    groupBy(
      checks.filter(({ probe }) => probe === kind),
      clusterOf,
    )
  const [pathsInto, patronisOf] = [ofKind(writePath.kind), ofKind(patroni.kind)]
  const all = [...groupBy(nodes, node => node.cluster)].map(([name, own]) => {
    const before = previous?.clusters.get(name)
    const paths = pathsInto.get(name) ?? []
    const identifier = commonest(own.flatMap(node => node.facts?.system_identifier ?? []))
    const servers = writableServers(own, identifier)
    const writes = followWrites(previous?.writes.get(name), servers.length === 1 ? servers[0] : undefined, now)
    const parts: Parts = {
      name,
      nodes: own,
      identifier,
      servers,
      // With one primary it does not matter where clients write.
      paths: own.filter(isWritable).length === 1 ? [] : paths,
      full: paths.filter(isFull),
      patronis: patronisOf.get(name) ?? [],
      lost: lostNow(writes, now),
      timesLost: writes.times,
    }
    const make = (): Cluster => assessCluster(parts, before, now)
    const [first] = own
    const of = [before, parts.lost, writes.times, ...own, ...parts.paths, ...parts.full, ...parts.patronis]
    const cluster = first ? clusterMemo(first.check.config, of, make, ({ memory }) => memory === before) : make()
    return { ...cluster, writes }
  })
  return {
    clusters: all.map(one => one.status),
    samples: all.flatMap(one => one.samples),
    recheck: all.flatMap(one => one.recheck),
    strays: all.flatMap(one => one.strays.map(({ node }) => node.check.id)),
    memory: new Map(all.map(one => [one.status.name, one.memory])),
    writes: new Map(all.map(one => [one.status.name, one.writes])),
  }
}

const isFull = ({ stale, reasons }: CheckStatus): boolean =>
  !stale && reasons.some(({ code }) => code === 'write_path_disk_full')

/** All that is looked at of one cluster. */
interface Parts {
  readonly name: string
  readonly nodes: readonly Node[]
  readonly identifier: string | undefined
  /** The nodes that take writes, one of each server. */
  readonly servers: readonly Node[]
  /** The write paths into it; none while there is one primary. */
  readonly paths: readonly CheckStatus[]
  /** The write paths that met a full disk. */
  readonly full: readonly CheckStatus[]
  readonly patronis: readonly CheckStatus[]
  readonly lost: LostWrites | undefined
  readonly timesLost: number
}

interface Cluster {
  readonly status: ClusterStatus
  readonly samples: readonly Sample[]
  readonly recheck: readonly string[]
  readonly strays: readonly Stray[]
  readonly memory: ClusterMemory
}

function statusOfNode(node: Node, view: PatroniView): NodeStatus {
  const { name, address, facts, check } = node
  const role = facts && (facts.in_recovery ? 'standby' : 'primary')
  const differs = patroniDiffers(memberAt(view, node), role)
  return { name, address, verdict: check.verdict, role, ...(differs !== undefined && { patroni: differs }) }
}

/** By the target of the first node. The time is part of the memory alone, so a result with a new memory does not last. */
const clusterMemo = createMemo<Target, Cluster>()

function assessCluster(parts: Parts, before: ClusterMemory | undefined, now: number): Cluster {
  const { name, nodes, servers, paths, patronis } = parts
  const view = patroniView(patronis, nodes, before?.managed ?? new Map())
  const hasPatroni = patronis.length > 0
  const claims = claimsOf(servers, nodes, paths, view.holder?.node)
  const primaries = claims.map(({ node }) => node)
  const allSeen = nodes.every(node => node.facts)
  const apart = apartOf(primaries)
  const maybeOne = primaries.length > 1 && apart.length === 1
  const split = splitBrain(apart, before, now)
  const primary = primaries[0]
  const promoted = primaries.length === 0 ? promotedSince(nodes, paths) : []
  const count = maybeOne || (primaries.length === 0 && (!allSeen || promoted.length > 0)) ? undefined : primaries.length
  const splitKnown = split.confirmed ? true : primaries.length < 2 && allSeen ? false : undefined
  const certain = primaries.length === 1 || split.confirmed
  const strays = certain && primary ? straysOf(nodes, primary) : []
  const pending = pendingOf(before?.pending, now)
  const down = holderDown(view, primary, before?.down, now)
  const context: ClusterContext = { nodes, primaries, promoted, view, before, down, pending }
  const reasons = reasonsFor({ ...parts, context, claims, strays, maybeOne, confirmed: split.confirmed, hasPatroni })
  // A primary that left the configuration is no failover: it may have been renamed.
  const known =
    before && nodes.some(node => node.name === before.primary) ? before : before && { ...before, primary: undefined }
  const remembered: ClusterMemory = {
    ...failoverMemory(known, split.since === undefined ? primary?.name : undefined, now),
    splitSince: split.since,
    managed: new Map([...(before?.managed ?? []), ...managedBy(view)].filter(([one]) => isTarget(patronis, one))),
    pending: pending.since(),
    down,
    failsafe: failsafeIsOn(view) || (before?.failsafe === true && dcsOf(view).lost.length > 0),
    diskFull: hasPatroni ? diskFullCauseOf(primary, parts.full, before?.diskFull) : undefined,
  }
  const memory = isDeepStrictEqual(before, remembered) && before ? before : remembered
  const evidence = primaries.length === 0 ? 'no primary is seen' : primaries.map(describe).join('; ')
  const status: ClusterStatus = {
    name,
    nodes: nodes.map(node => statusOfNode(node, view)),
    hasPatroni,
    lockHolder: view.holder?.node?.name,
    primary: primary?.name,
    primaries: count,
    splitBrain: splitKnown,
    undecided: !isDecided(claims, hasPatroni),
    ...finding(
      evidence,
      reasons.map(({ code, text, remedy, verdict }) =>
        clusterReason(code, `cluster ${name}: ${text}`, remedy, verdict),
      ),
      [],
    ),
  }
  const again = toLookAtAgain(apart, before, split)
  // Who holds the lock may have changed as well.
  const theirs = again.length === 0 ? [] : view.members.filter(({ node }) => node && again.includes(node))
  const recheck = [...again, ...theirs].map(({ check }) => check.id)
  return {
    status,
    samples: clusterSamples(status, nodes, memory, parts.timesLost),
    recheck: [...new Set([...recheck, ...promoted.map(({ check }) => check.id), ...toCompareAgain(context)])],
    strays,
    memory,
  }
}

const isTarget = (checks: readonly CheckStatus[], name: string): boolean => checks.some(({ target }) => target === name)

function failoverMemory(
  before: ClusterMemory | undefined,
  primary: string | undefined,
  now: number,
): Pick<ClusterMemory, 'primary' | 'failovers' | 'lastFailoverAt'> {
  const changed = before?.primary !== undefined && primary !== undefined && primary !== before.primary
  return {
    primary: primary ?? before?.primary,
    failovers: (before?.failovers ?? 0) + Number(changed),
    lastFailoverAt: changed ? now : before?.lastFailoverAt,
  }
}

interface Known extends Parts {
  readonly context: ClusterContext
  /** Of the primaries. */
  readonly claims: readonly Claim[]
  readonly strays: readonly Stray[]
  /** All the primaries may be one server. */
  readonly maybeOne: boolean
  /** The split brain is confirmed. */
  readonly confirmed: boolean
  readonly hasPatroni: boolean
}

/** In the order of causes: of several that fail, the first is the root. */
function reasonsFor({
  nodes,
  context,
  claims,
  identifier,
  strays,
  maybeOne,
  confirmed,
  hasPatroni,
  lost,
}: Known): readonly ReasonDraft[] {
  const found: ReasonDraft[] = []
  const add = (code: ReasonDraft['code'], text: string, remedy?: string): number => found.push({ code, text, remedy })
  const namesOf = (list: readonly Node[]): string => list.map(node => node.name).join(', ')
  const { primaries } = context
  const [primary, second] = primaries
  const unseen = nodes.filter(node => !node.facts)
  if (confirmed) add('cluster_split_brain', splitEvidence(claims), splitRemedy(claims, hasPatroni))
  if (maybeOne)
    add(
      'cluster_primary_unknown',
      `${namesOf(primaries)} take writes, and may be one server under several names, or several: none says when it started`,
      'Grant execute on pg_postmaster_start_time(), inet_server_addr() and inet_server_port() to the monitoring role. If they are one server, one of these targets is enough.',
    )
  const foreign = nodes.filter(node => node.facts && !mayBeSame(node.facts.system_identifier, identifier))
  if (foreign.length > 0) add('cluster_mixed', `${namesOf(foreign)} has another system identifier than the other nodes`)
  const leaderless = whyLeaderless(context)
  if (leaderless.length > 0) found.push(...leaderless)
  else if (!primary && context.promoted.length > 0)
    add(
      'cluster_primary_unknown',
      `no primary is seen, and a write was committed on ${namesOf(context.promoted)} since the last look at it`,
      'Wait for the next look at it, which is taken at once.',
    )
  else if (!primary && unseen.length === 0)
    add('cluster_no_primary', `all ${nodes.length} nodes answer, and none is its primary`, noPrimaryRemedy(hasPatroni))
  else if (!primary)
    add(
      'cluster_primary_unknown',
      `no primary is seen, and nothing is known of ${namesOf(unseen)}${byPatroni(context.view)}`,
    )
  if (lost) add('cluster_timeline_went_back', lost.text)
  const said = new Set(leaderless.map(({ code }) => code))
  found.push(...patroniWarnings(context).filter(({ code }) => !said.has(code)))
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

/** Patroni may know the primary where no session is to be had. */
function byPatroni({ holder }: PatroniView): string {
  const { role, state } = holder?.facts ?? {}
  return holder && role === 'primary' && state === 'running'
    ? `; by its Patroni ${holder.name} is the primary, and runs`
    : ''
}

/** The value that occurs most often; of several the first. */
function commonest(values: readonly string[]): string | undefined {
  const count = (value: string): number => values.filter(other => other === value).length
  return [...new Set(values)].sort((a, b) => count(b) - count(a))[0]
}
