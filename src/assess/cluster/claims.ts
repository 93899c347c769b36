import { seenBy } from '../../core/probe.ts'
import { receivesWal, timelineOf } from '../../probes/postgres/judge.ts'
import { writePath } from '../../probes/write_path/index.ts'
import type { CheckStatus } from '../assessment.ts'
import { byAddress, isSameServer, lookedAt, nodesOfSession, type Node } from '../nodes.ts'

/** The evidence for keeping one of several primaries. */
export interface Claim {
  readonly node: Node
  /** It holds the leader lock of Patroni. */
  readonly holdsLock: boolean
  /** The write paths whose last run committed there. */
  readonly writers: readonly string[]
  /** The standbys that stream from it. */
  readonly followers: readonly string[]
}

/**
 * The claims of the primaries of one cluster, best first. The leader lock of Patroni counts most: Patroni makes the others
 * follow its holder, so every write elsewhere will be lost. Then clients: the rows that they write would be lost. Then standbys
 * that stream, but not those whose receiver waits or is down. A timeline proves nothing, since a standby promoted by mistake has
 * the higher one: it only makes the order stable.
 */
export function claimsOf(
  primaries: readonly Node[],
  nodes: readonly Node[],
  paths: readonly CheckStatus[],
  lockHolder?: Node,
): readonly Claim[] {
  return primaries
    .map(node => ({
      node,
      holdsLock: lockHolder !== undefined && isSameServer(node, lockHolder),
      writers: paths.filter(path => commitsOn(path, node, nodes)).map(({ target }) => target),
      followers: nodes.filter(standby => follows(standby, node, primaries)).map(({ name }) => name),
    }))
    .sort(
      (a, b) =>
        Number(b.holdsLock) - Number(a.holdsLock) ||
        b.writers.length - a.writers.length ||
        b.followers.length - a.followers.length ||
        timeline(b.node) - timeline(a.node),
    )
}

/** Whether something shows which primary to keep. Where there is Patroni, only the leader lock does. */
export function isDecided([first, second]: readonly Claim[], hasPatroni: boolean): boolean {
  if (!first || !second) return true
  if (hasPatroni) return first.holdsLock
  return first.writers.length !== second.writers.length || first.followers.length !== second.followers.length
}

/** The first session of a run is the one that wrote. */
function commitsOn(path: CheckStatus, node: Node, nodes: readonly Node[]): boolean {
  const seen = path.stale ? undefined : seenBy(writePath, path.observation)?.seen
  const [landing] = seen?.landings ?? []
  if (!landing || !seen?.ladder.some(({ rung, ok }) => rung === 'commit' && ok)) return false
  const found = nodesOfSession(landing, nodes)
  return found.length === 1 && found[0] === node
}

/** The standbys that were promoted since they were looked at: a later run of a write path committed on them. */
export const promotedSince = (nodes: readonly Node[], paths: readonly CheckStatus[]): readonly Node[] =>
  nodes.filter(
    node =>
      node.facts?.in_recovery &&
      paths.some(path => lookedAt(path) > lookedAt(node.check) && commitsOn(path, node, nodes)),
  )

/** By the address it streams from, if that is one of the primaries; else by the timeline. */
function follows({ facts }: Node, primary: Node, primaries: readonly Node[]): boolean {
  if (!facts || receivesWal(facts) !== true) return false
  const upstream = byAddress(primaries, facts.upstream_host, facts.upstream_port)
  return upstream.length > 0 ? upstream.includes(primary) : timelineOf(facts) === timeline(primary)
}

/** 0 if unknown. */
export const timeline = (node: Node): number => (node.facts && timelineOf(node.facts)) ?? 0
