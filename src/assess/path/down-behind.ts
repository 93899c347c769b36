import type { ConnectionProblem } from '../../clients/postgres-errors.ts'
import { seenBy } from '../../core/probe.ts'
import { writePath } from '../../probes/write_path/index.ts'
import type { WritePathSeen } from '../../probes/write_path/observe.ts'
import { groupBy } from '../../core/group.ts'
import type { CheckStatus, ClusterStatus, Memory } from '../assessment.ts'
import { isNamed } from './advice.ts'
import { hopsBetween, isStopped, hopChecks, type Hops, type Pooler } from './hops.ts'
import type { Checks } from '../checks.ts'
import { clusterOf, clustersByName, hasProblem, homeOf, isDown, type Home, type Node } from '../nodes.ts'

/** What keeps a path from getting in. */
export const outside: readonly ConnectionProblem[] = [
  'unreachable',
  'no_answer',
  'closed',
  'starting_up',
  'no_fitting_host',
  'pooler_refused',
]
/** What PgBouncer says, or does, if it has no server to give. */
const ofPooler: readonly ConnectionProblem[] = ['no_answer', 'pooler_refused']

/** Gives the check of what is behind a path that does not get in, if that is known to be down. */
export function behindPaths(
  checks: Checks,
  nodes: readonly Node[],
  clusters: readonly ClusterStatus[],
  memory: Memory['clusters'],
): (path: CheckStatus) => CheckStatus | undefined {
  const nodesIn = groupBy(nodes, node => node.cluster)
  const byName = clustersByName(clusters)
  return path => {
    if (path.probe !== writePath.kind || path.verdict !== 'fail' || !hasProblem(path, outside)) return undefined
    const name = clusterOf(path)
    const own = nodesIn.get(name) ?? []
    const last = own.find(node => node.name === memory.get(name)?.primary)
    const home = homeOf(name, own, byName.get(name))
    return downBehind(path, hopsBetween(path, hopChecks(path, checks), own), home, last)
  }
}

/** The only node that does not answer, while the others are standbys: it was the primary, if nothing else is remembered. */
function onlyUnseen(nodes: readonly Node[]): Node | undefined {
  const [unseen, second] = nodes.filter(({ facts }) => !facts)
  return !second && nodes.every(node => node === unseen || node.facts?.in_recovery) ? unseen : undefined
}

const silent = /_(unreachable|no_answer|closed)$/

/**
 * The node that the path names; else the primary of its cluster, or the node that was it last; the PgBouncer or HAProxy in
 * between, if that is silent itself, paused, or has no server connection to give. `last`: the node that was the primary last.
 */
function downBehind(
  path: CheckStatus,
  { balancer, pooler }: Hops,
  home: Home,
  last: Node | undefined,
): CheckStatus | undefined {
  const seen = path.stale ? undefined : seenBy(writePath, path.observation)?.seen
  if (!seen) return undefined
  const isRefused = hasProblem(path, ['unreachable'])
  // It refuses us itself, so what is behind it does not matter yet.
  const [first, second] = pooler ? [pooler.check, balancer?.check] : [balancer?.check, undefined]
  if (isRefused && first && isSilent(first)) return first
  if (pooler && isStopped(pooler) && hasProblem(path, ofPooler)) return pooler.check
  const ways = pooler || balancer ? [] : namedBy(seen, home.nodes)
  const isGone = (node: Node): boolean =>
    isDown(node.check) || (pooler !== undefined && hasProblem(node.check, ['too_many_connections']))
  const node = home.primary ?? home.lockHolder ?? last
  if (ways.length > 0) {
    const gone = ways.filter(isGone)
    if (node && gone.includes(node)) return node.check
    return gone.length === ways.length ? gone[0]?.check : undefined
  }
  const suspect = node ?? onlyUnseen(home.nodes)
  if (suspect && isGone(suspect)) return suspect.check
  const [behind] = pooler?.nodes ?? []
  if (behind && pooler?.nodes.every(isGone)) return behind.check
  return [first, second].find(check => check && isSilent(check)) ?? waitingIn(pooler, path)
}

/** PgBouncer, if it has no server connection to give: it hangs, and nothing behind it is known to be down. */
function waitingIn(pooler: Pooler | undefined, path: CheckStatus): CheckStatus | undefined {
  const { check, database } = pooler ?? {}
  if (!check || !database?.waiting || !hasProblem(path, ['no_answer'])) return undefined
  const codes = check.reasons.map(({ code }) => code)
  // The other database that is paused would be named as the cause.
  return codes.includes('pgbouncer_clients_wait') && !codes.includes('pgbouncer_paused') ? check : undefined
}

/** The nodes that a path names; none if a place is not that of a node. */
function namedBy({ address, places = [address] }: WritePathSeen, nodes: readonly Node[]): readonly Node[] {
  const found = places.map(place => nodes.find(node => isNamed(place, node)))
  return found.every(node => node !== undefined) ? found : []
}

/** It gives no view of itself. */
const isSilent = ({ stale, reasons }: CheckStatus): boolean => !stale && reasons.some(({ code }) => silent.test(code))
