import type { ClusterMemory } from './memory.ts'
import { isDecided, timeline, type Claim } from './claims.ts'
import { isSameServer, lookedAt, mayBeSame, type Node } from '../nodes.ts'

/** The nodes that take writes, and are of this cluster; one of each server. */
export const writableServers = (nodes: readonly Node[], identifier: string | undefined): readonly Node[] =>
  nodes
    .filter(node => isWritable(node) && mayBeSame(node.facts?.system_identifier, identifier))
    .filter((node, i, all) => all.findIndex(other => isSameServer(other, node)) === i)

export const isWritable = ({ facts }: Node): boolean => facts?.in_recovery === false

/** The primaries that are certainly not the same server. */
export const apartOf = (primaries: readonly Node[]): readonly Node[] =>
  primaries.filter((node, i) => !primaries.slice(0, i).some(other => mayBeSameServer(other, node)))

/**
 * Two that do not say when they started may be one server with two names, and a healthy server must not be fenced for that.
 * The timeline of a primary changes only with its promotion, so two timelines at one time are two servers.
 */
const mayBeSameServer = (a: Node, b: Node): boolean =>
  a.facts?.postmaster_start == null &&
  b.facts?.postmaster_start == null &&
  (timeline(a) === 0 || timeline(b) === 0 || timeline(a) === timeline(b))

export const describe = (node: Node): string =>
  `${node.name} (${node.address ?? '?'}) is primary on timeline ${timeline(node)}`

/**
 * Two primaries are only a suspicion at first: one look may be from before a promotion, and the other from after it. It is
 * confirmed once each of them has been looked at again.
 */
export function splitBrain(primaries: readonly Node[], before: ClusterMemory | undefined, now: number) {
  if (primaries.length < 2) return { since: undefined, confirmed: false }
  const since = before?.splitSince ?? now
  const again = primaries.every(({ check }) => lookedAt(check) >= since)
  return { since, confirmed: before?.splitSince !== undefined && again }
}

/** Each of them when the suspicion is new, and later those that were not looked at again. */
export const toLookAtAgain = (
  primaries: readonly Node[],
  before: ClusterMemory | undefined,
  { since, confirmed }: ReturnType<typeof splitBrain>,
): readonly Node[] => {
  if (since === undefined || confirmed) return []
  return before?.splitSince === undefined ? primaries : primaries.filter(({ check }) => lookedAt(check) < since)
}

export const splitEvidence = (claims: readonly Claim[]): string =>
  claims
    .map(({ node, writers, followers, holdsLock }) => {
      const writes =
        writers.length > 0 ? [`${writers.join(', ')} ${writers.length > 1 ? 'write' : 'writes'} there`] : []
      const streams = followers.length > 0 ? [`${followers.join(', ')} follows it`] : []
      const lock = holdsLock ? ['it holds the leader lock of Patroni'] : []
      return [describe(node), ...lock, ...writes, ...streams].join(', ')
    })
    .join('; ')

/** Names a node to fence only if something shows which one to keep: a rewind loses the rows that only that node has. */
export function splitRemedy(claims: readonly Claim[], hasPatroni: boolean): string {
  const [best, ...others] = claims
  const names = others.map(({ node }) => node.name).join(', ')
  const kept = best?.node.name ?? ''
  const copy = 'rows that only it has exist nowhere else'
  const areOne = claims.every(({ node }) => node.facts?.system_identifier != null)
  const before = areOne
    ? ''
    : 'First see that they are one cluster, since not each of them says so: select system_identifier from pg_control_system(). '
  if (hasPatroni && best?.holdsLock !== true)
    return `${before}See which one holds the leader lock (patronictl list), and keep that: of ${kept} and ${names} none says here that it does. Fence the other at once, and copy its data before it is rewound: ${copy}.`
  if (!isDecided(claims, hasPatroni))
    return `${before}Nothing here tells whether to keep ${kept} or ${names}. Look which one clients write to (pg_stat_activity) and keep that. Fence the other at once, and copy its data before it is rewound: ${copy}.`
  const why = best?.holdsLock
    ? 'it holds the leader lock of Patroni'
    : best?.writers.length
      ? 'clients write to it'
      : 'standbys follow it'
  const how = hasPatroni
    ? ': stop Patroni there, if it runs, and then Postgres'
    : ', through its failover manager if it has one'
  return `${before}Keep ${kept}: ${why}. Fence ${names} at once${how}. Copy the data of ${names} before it is rewound: ${copy}.`
}
