import { distinctBy, groupBy } from '../../core/group.ts'
import { sample, type Sample } from '../../core/metric.ts'
import { finding, seenBy, type Reason, type Target } from '../../core/probe.ts'
import { createMemo } from '../../core/memo.ts'
import { writePath } from '../../probes/write_path/index.ts'
import type { Landing, WritePathSeen } from '../../probes/write_path/observe.ts'
import { writePathReason } from '../../probes/write_path/reasons.ts'
import { metrics, readOnlyCause, readOnlyText, wasOnStandby } from '../../probes/write_path/judge.ts'
import { forOldPrimary, forStandby, type Astray } from './advice.ts'
import type { CheckStatus, ClusterStatus, Lag, LandingStatus, Memory } from '../assessment.ts'
import { hopsBetween, isBefore, isStopped, hopChecks, type Hops } from './hops.ts'
import { afterLag, lagMs, lagOf, notLetIn, olderViews, type Arrived, type LagBefore } from './check-lag.ts'
import { indexOf } from '../checks.ts'
import {
  byAddress,
  clusterOf,
  clustersByName,
  hasProblem,
  homeOf,
  isDown,
  lookedAt,
  mayBeSame,
  nodesOfSession,
  type Home,
  type Node,
} from '../nodes.ts'

interface Landings {
  readonly landings: readonly LandingStatus[]
  /** All checks. Those of write paths have what only the nodes and the hops can show. */
  readonly checks: readonly CheckStatus[]
  readonly samples: readonly Sample[]
  readonly outages: Memory['outages']
  readonly lags: Memory['lags']
  /** Checks to run at once (`Assessment.recheck`). */
  readonly recheck: readonly string[]
}

/** Compares the sessions of write paths with the nodes: where do they land, and is that the primary? */
export function assessLandings(
  checks: readonly CheckStatus[],
  nodes: readonly Node[],
  clusters: readonly ClusterStatus[],
  previous: Memory | undefined,
  now: number,
): Landings {
  const landings: LandingStatus[] = []
  const samples: Sample[] = []
  const outages = new Map<string, { readonly seconds: number; readonly out: boolean }>()
  const lags = new Map<string, Lag>()
  const recheck = new Set<string>()
  const nodesIn = groupBy(nodes, node => node.cluster)
  const byName = clustersByName(clusters)
  const all = indexOf(checks)
  const amended = checks.map(check => {
    if (check.probe !== writePath.kind) return check
    const cluster = clusterOf(check)
    const [own, home] = [nodesIn.get(cluster) ?? [], byName.get(cluster)]
    const views = hopChecks(check, all)
    const last = previous?.lags.get(check.target)
    const since = last?.endedAt === undefined ? last?.since : undefined
    const lag = { was: since !== undefined, lasts: since !== undefined && now - since >= lagMs }
    const make = (): Placed => place(check, { nodes, own: homeOf(cluster, own, home), views, lag })
    const of = [check, home, lag.was, lag.lasts, ...views, ...own]
    const placed = landingMemo(check.config, of, make, ({ atHome }) => atHome)
    const before = previous?.outages.get(check.target)
    const seconds = (before?.seconds ?? 0) + (before?.out && previous ? Math.max(0, now - previous.at) / 1000 : 0)
    outages.set(check.target, { seconds, out: placed.status.verdict === 'fail' && !hasCommitted(check) })
    if (placed.lags) lags.set(check.target, { since: since ?? now, endedAt: undefined })
    else if (last) lags.set(check.target, { since: last.since, endedAt: last.endedAt ?? now })
    for (const id of placed.recheck) recheck.add(id)
    landings.push(placed.landing)
    samples.push(
      ...placed.samples,
      ...sample(metrics.outage, seconds, { target: check.target, postgres_cluster: cluster }),
    )
    return placed.status
  })
  return { landings, checks: amended, samples, outages, lags, recheck: [...recheck] }
}

const seenOf = (check: CheckStatus): WritePathSeen | undefined =>
  check.stale ? undefined : seenBy(writePath, check.observation)?.seen

/** The last run committed a write, wherever. */
const hasCommitted = (check: CheckStatus): boolean =>
  seenOf(check)?.ladder.some(({ rung, ok }) => rung !== 'xid' && ok) === true

/** A write path with where it lands. */
interface Placed {
  readonly status: CheckStatus
  readonly landing: LandingStatus
  readonly samples: readonly Sample[]
  /** There is check lag, or a server in maintenance, or there may be. */
  readonly lags: boolean
  readonly recheck: readonly string[]
  /** It does not depend on the nodes of other clusters. */
  readonly atHome: boolean
}

const landingMemo = createMemo<Target, Placed>()

interface Around {
  /** Of all clusters. */
  readonly nodes: readonly Node[]
  readonly own: Home
  readonly views: readonly CheckStatus[]
  readonly lag: LagBefore
}

function place(check: CheckStatus, { nodes, own, views, lag }: Around): Placed {
  const through = hopsBetween(check, views, own.nodes)
  const landed = land(check, nodes, own, through)
  const names = landed?.nodes.map(node => node.name) ?? []
  const at = { target: check.target, postgres_cluster: own.cluster }
  const amended = landed ? amend(check, landed) : check
  const { status, recheck } = withLag(amended, landed, through, own, lag)
  return {
    status,
    recheck,
    landing: { writePath: check.target, cluster: own.cluster, nodes: names, onPrimary: landed?.onPrimary },
    samples: [
      ...sample(metrics.onPrimary, landed?.onPrimary, at),
      ...names.flatMap(node => sample(metrics.landed, 1, { ...at, node })),
    ],
    lags: status.reasons.some(({ code }) => ofBalancer.includes(code)) || mayLag(status, landed, through),
    atHome: landed?.atHome ?? true,
  }
}

/** Reasons by the view of HAProxy: the next run of the path does not end them before HAProxy was looked at again. */
const ofBalancer: readonly string[] = ['write_path_check_lag', 'write_path_server_in_maintenance']

/** All nodes that it landed on have been found down, or as standbys, since: its commit says nothing of the next session. */
const isOutdated = (check: CheckStatus, { nodes }: Landed): boolean =>
  nodes.length > 0 &&
  nodes.every(node => lookedAt(node.check) > lookedAt(check) && (node.facts?.in_recovery ?? isDown(node.check)))

/** It failed as with check lag, and HAProxy was not looked at since: a commit does not end that before it was. */
const mayLag = (check: CheckStatus, landed: Landed | undefined, { balancer }: Hops): boolean =>
  check.verdict === 'fail' &&
  balancer !== undefined &&
  isBefore(balancer.check, check) &&
  (landed?.isOnStandby === true || hasProblem(check, notLetIn))

/** Explains by the view of HAProxy why a path leads wrong or nowhere. That takes the place of what it explains. */
function withLag(
  check: CheckStatus,
  landed: Landed | undefined,
  { balancer, pooler }: Hops,
  home: Home,
  before: LagBefore,
): { readonly status: CheckStatus; readonly recheck: readonly string[] } {
  const seen = seenOf(check)
  const asItIs = { status: check, recheck: [] }
  if (!balancer || !seen) return asItIs
  // It is PgBouncer itself that refuses, or that keeps its clients waiting. What is behind it does not matter yet.
  const isItself = pooler !== undefined && (hasProblem(check, ['unreachable']) || isStopped(pooler))
  const isMisled = ({ code }: Reason): boolean => code === 'write_path_read_only' && landed?.isOnStandby === true
  const isShut = ({ code }: Reason): boolean => !isItself && notLetIn.some(problem => code === `write_path_${problem}`)
  const outcome = check.reasons.some(isMisled)
    ? 'read-only'
    : check.reasons.some(isShut)
      ? 'not let in'
      : check.verdict !== 'fail' && hasCommitted(check)
        ? landed && isOutdated(check, landed)
          ? 'not let in'
          : 'committed'
        : undefined
  if (!outcome) return asItIs
  const arrived: Arrived = { path: check, address: seen.address, outcome, on: landed?.nodes ?? [] }
  const lag = lagOf(arrived, balancer, home, before)
  const after = lag || !before.was || before.lasts ? undefined : afterLag(arrived, balancer, home, pooler !== undefined)
  const why = lag ?? after?.reason
  const recheck = after?.recheck ?? (outcome === 'committed' ? [] : olderViews(check, balancer, home))
  if (!why) return { status: check, recheck }
  const others = check.reasons.filter(reason => !isMisled(reason) && !isShut(reason))
  return { status: { ...check, ...finding(check.evidence, [why, ...others], check.samples) }, recheck }
}

interface Landed {
  readonly seen: WritePathSeen
  readonly nodes: readonly Node[]
  /** The node of each session; of an address without a login there is no session. */
  readonly places: readonly { readonly node: Node; readonly landing: Landing | undefined }[]
  readonly onPrimary: boolean | undefined
  readonly reasons: readonly Reason[]
  /** Some session found itself on a standby. */
  readonly isOnStandby: boolean
  /** What to do if it leads to this standby. */
  readonly advice: (standby: Node | undefined) => string | undefined
  /** The name of its cluster, if no node of that cluster is looked at. */
  readonly unseenCluster: string | undefined
  readonly atHome: boolean
}

function land(check: CheckStatus, nodes: readonly Node[], home: Home, through: Hops): Landed | undefined {
  const seen = seenOf(check)
  if (!seen || (seen.landings.length === 0 && !seen.addressOnly)) return undefined
  const own = home.nodes
  const astray = (node: Node | undefined): Astray => ({ seen, hops: through, home, node })
  const candidates = seen.addressOnly
    ? [byAddress(own, seen.addressOnly.peer, seen.addressOnly.port)]
    : seen.landings.map(landing => {
        const at = nodesOfSession(landing, own)
        return at.length > 0 ? at : nodesOfSession(landing, nodes)
      })
  const where = candidates.map(found => (found.length === 1 ? found[0] : undefined))
  const found = [...new Set(where.flatMap(node => node ?? []))]
  const reasons = seen.addressOnly
    ? pointsWrong(seen, found[0], astray)
    : seen.landings.flatMap((landing, i) => landsWrong(landing, candidates[i] ?? [], home, astray))
  return {
    seen,
    nodes: found,
    places: where.flatMap((node, i) => (node ? [{ node, landing: seen.landings[i] }] : [])),
    onPrimary: onPrimary(seen, where, home.primary, reasons),
    reasons: distinctBy(reasons, ({ code, text }) => `${code} ${text}`),
    isOnStandby: wasOnStandby(seen),
    advice: node => forStandby(astray(node)),
    unseenCluster: own.length === 0 ? home.cluster : undefined,
    atHome: candidates.every(([node]) => node?.cluster === clusterOf(check)),
  }
}

function landsWrong(
  landing: Landing,
  candidates: readonly Node[],
  { cluster, nodes, primary, splitBrain, lockHolder }: Home,
  astray: (node: Node | undefined) => Astray,
): Reason[] {
  const identifiers = new Set(nodes.flatMap(node => node.facts?.system_identifier ?? []))
  const node = candidates.length === 1 ? candidates[0] : undefined
  const there = node?.name ?? `${landing.server_address ?? 'a local socket'}:${landing.server_port ?? ''}`
  const wrong = (code: Parameters<typeof writePathReason>[0], text: string, remedy?: string): Reason[] => [
    writePathReason(code, `${astray(node).seen.address}: lands on ${there}, ${text}`, remedy),
  ]
  const { system_identifier: identifier } = landing
  if (identifiers.size > 0 && identifier !== null && !identifiers.has(identifier))
    return wrong('write_path_other_cluster', `of the cluster with system identifier ${identifier}`)
  // None of its own nodes was seen, so there is no identifier to compare with. But the node that it is on has a cluster.
  const [foreign] = identifiers.size === 0 ? candidates.filter(one => one.cluster !== cluster) : []
  if (foreign) return wrong('write_path_other_cluster', `of the cluster ${foreign.cluster}, and not of ${cluster}`)
  if (landing.in_recovery) return []
  // Some servers do not give the facts that tell servers apart.
  const isPlaced = landing.server_address !== null && nodes.every(one => one.facts?.postmaster_start != null)
  if (candidates.length === 0 && isPlaced && nodes.length > 0)
    return wrong('write_path_unlisted_node', `which is none of the nodes ${nodes.map(one => one.name).join(', ')}`)
  if (!node || !primary || node === primary || node.facts?.in_recovery !== false) return []
  // Two primaries that are not confirmed yet: one of them may have been looked at before a promotion.
  if (!splitBrain && mayBeSame(identifier, primary.facts?.system_identifier)) return []
  // Patroni elected it, so it is the other one that has to go.
  if (node === lockHolder) return []
  return wrong(
    'write_path_old_primary',
    `which is writable, but the primary is ${primary.name}`,
    forOldPrimary(astray(node), primary, node),
  )
}

const pointsWrong = (
  { address }: WritePathSeen,
  node: Node | undefined,
  astray: (node: Node | undefined) => Astray,
): Reason[] =>
  node?.facts?.in_recovery
    ? [
        writePathReason(
          'write_path_read_only',
          `${address}: leads to ${node.name}, which is a standby`,
          forStandby(astray(node)),
        ),
      ]
    : []

function onPrimary(
  seen: WritePathSeen,
  where: readonly (Node | undefined)[],
  primary: Node | undefined,
  reasons: readonly Reason[],
): boolean | undefined {
  if (wasOnStandby(seen)) return false
  if (reasons.some(reason => reason.verdict === 'fail')) return false
  return primary && where.every(node => node === primary) ? true : undefined
}

/** Adds where it landed, and a remedy that names the primary. */
function amend(check: CheckStatus, landed: Landed): CheckStatus {
  const { seen, places } = landed
  const readOnly = places.filter(({ landing }) => landing && readOnlyCause(landing))
  const reasons = check.reasons.flatMap(reason => {
    // An address without a login is only asked where it leads.
    if (reason.code === 'write_path_not_tried' && landed.onPrimary) return []
    if (reason.code !== 'write_path_read_only') return reason
    const [first] = readOnly
    const remedy = (landed.isOnStandby ? landed.advice(first?.node) : undefined) ?? reason.remedy
    return { ...reason, text: readOnlyText(seen, namesOf(readOnly)), remedy }
  })
  const on = places.length === 0 ? '' : `${seen.addressOnly ? ', leads to' : ', on'} ${namesOf(places)}`
  // The commit is proven. That it was on the primary is not.
  const unproven =
    landed.unseenCluster === undefined
      ? ''
      : `; whether that is the primary is not known: no node of the cluster ${landed.unseenCluster} is looked at`
  const evidence = `${check.evidence}${on}${unproven}`
  return { ...check, ...finding(evidence, [...reasons, ...landed.reasons], check.samples) }
}

/** With the role that the session found. The last look at the node may be from before a promotion, or from after it. */
function namesOf(places: Landed['places']): string {
  const names = places.map(({ node: { name, facts }, landing }) => {
    const role = landing ?? facts
    return role ? `${name} (${role.in_recovery ? 'standby' : 'primary'})` : name
  })
  return [...new Set(names)].join(' and ')
}
