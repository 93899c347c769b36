import { startAgain } from '../../probes/patroni/start.ts'
import { clusterReasons } from './reasons.ts'
import { inSeconds, namesOf, type ReasonDraft, type ClusterContext } from './context.ts'
import type { Down } from './memory.ts'
import { noPrimaryForDcs } from './dcs.ts'
import { memberAt, type Member, type PatroniView } from './members.ts'
import { isDown, lookedAt, type Node } from '../nodes.ts'

/** A promotion or an election that takes longer than this has met something. Milliseconds. */
const slowMs = 30_000
/** The same for an election while no node is down. */
const stuckMs = 5_000

/**
 * Why no node is primary, as Patroni knows it: the first that holds. None without Patroni, and while a node that was not seen
 * may be the primary.
 */
export function whyLeaderless(context: ClusterContext): ReasonDraft[] {
  const { nodes, primaries, promoted, view } = context
  if (view.members.length === 0 || primaries.length > 0 || promoted.length > 0) return []
  if (nodes.some(node => mayBePrimary(node, view))) return []
  for (const why of [byDesign, noPrimaryForDcs, allSilent, crashLooping, beingPromoted, noCandidate, noneElected]) {
    const found = why(context)
    if (found.length > 0) return found
  }
  return []
}

/** It was not seen, and nothing shows that it is down. */
export function mayBePrimary(node: Node, view: PatroniView): boolean {
  if (node.facts) return false
  const { facts } = memberAt(view, node) ?? {}
  return !isDown(node.check) || (facts?.role === 'primary' && facts.state === 'running')
}

function byDesign({ view }: ClusterContext): ReasonDraft[] {
  const leader = view.members.find(({ facts }) => facts?.role === 'standby_leader')
  if (!leader) return []
  const text = `this is a standby cluster of Patroni: its leader ${leader.name} follows another cluster, and no node is primary by design`
  return [{ code: 'cluster_standby_by_design', text }]
}

/** Postgres answers somewhere, so it is not the machines that are down. */
function allSilent({ view: { members }, nodes }: ClusterContext): ReasonDraft[] {
  if (!members.every(({ silent }) => silent) || !nodes.some(({ facts }) => facts)) return []
  const names = namesOf(members)
  return [
    {
      code: 'cluster_patroni_silent',
      text: `no Patroni answers (${names}), and no node is primary: none can be elected`,
      remedy: `${startAgain(names)} It then elects a primary by itself: promote none by hand.`,
      verdict: 'fail',
    },
  ]
}

const downStates: readonly unknown[] = [
  'crashed',
  'starting',
  'start failed',
  'restart failed',
  'stopped',
  'stop failed',
  'initdb failed',
  'custom bootstrap failed',
] satisfies readonly NonNullable<Member['facts']>['state'][]

/** The Postgres of the holder of the lock is down, as far as the later one of both looks knows. */
function isHolderDown({ facts, node, check }: Member): boolean {
  const state = facts?.state
  const cameUp = node?.facts !== undefined && lookedAt(node.check) > lookedAt(check)
  // Patroni has no word for a Postgres that it cannot ask.
  return !cameUp && (downStates.includes(state) || (state === undefined && node !== undefined && isDown(node.check)))
}

/** How long a primary must have been seen until its crashes are over, in milliseconds. */
const calmMs = 30_000

/** Patroni starts a Postgres that has crashed once within this time. Milliseconds. */
const startsMs = 10_000

/** A Postgres that crashes over and over is up for moments in between: those do not end it. */
export function holderDown(
  { holder, members }: PatroniView,
  primary: Node | undefined,
  before: Down | undefined,
  now: number,
): Down | undefined {
  if (holder?.node && isHolderDown(holder) && holder.node !== primary) {
    const { name } = holder.node
    const since = before?.node === name ? before.since : now
    const starts = holder.facts?.state === 'starting' && (before?.node !== name || (before.starts && !before.cameUp))
    return { node: name, since, seenAt: lookedAt(holder.check), starts, cameUp: false }
  }
  if (!before || members.length === 0 || (holder && holder.name !== before.node)) return undefined
  if (primary && lookedAt(primary.check) - before.seenAt > calmMs) return undefined
  return { ...before, cameUp: before.cameUp || holder !== undefined }
}

function crashLooping({ view: { holder }, down, before }: ClusterContext): ReasonDraft[] {
  const { node, facts } = holder ?? {}
  if (!holder || !node || down?.node !== node.name) return []
  const diskFull = before?.diskFull?.node === node.name ? before.diskFull : undefined
  const lasts = lookedAt(holder.check) - down.since
  // A planned restart, until it takes too long.
  if (down.starts && lasts < startsMs) return []
  const states = [
    `Patroni says ${facts?.state ?? 'that it cannot ask it'}`,
    node.facts ? 'it answers as a standby at this moment' : node.check.evidence,
  ]
  const since = lasts >= 1000 ? `, for ${inSeconds(lasts)}` : ''
  const does = lasts < startsMs ? 'is down' : 'does not stay up'
  const text = `${node.name} holds the leader lock, and its Postgres ${does}${since} (${states.join('; ')})`
  if (!diskFull) {
    const wait = lasts < startsMs ? 'Wait some seconds: Patroni starts it again. If that fails: ' : ''
    const { remedy } = clusterReasons.cluster_leader_crash_looping
    return [{ code: 'cluster_leader_crash_looping', text, remedy: `${wait}${remedy}` }]
  }
  return [
    {
      code: 'cluster_leader_crash_looping',
      text: `${text}; before that, ${diskFull.text}`,
      remedy: `The WAL volume of ${node.name} is probably full: see the log of Postgres there. Make the volume larger, or free space on it, but remove nothing in pg_wal by hand; Postgres then comes up by itself. Then: ${diskFull.remedy} If it cannot be fixed: patronictl failover. Promote none by hand.`,
    },
  ]
}

function beingPromoted({ view: { holder }, pending }: ClusterContext): ReasonDraft[] {
  const { facts, node } = holder ?? {}
  if (!holder || !facts) return []
  const lasts = pending.lasts(`promotion of ${holder.name}`, [holder.check])
  const isSlow = lasts >= slowMs
  const doing = facts.state === 'running' ? 'Patroni is promoting it' : `its Postgres is ${facts.state ?? 'unknown'}`
  const text = `${holder.name} holds the leader lock and is ${node?.facts ? 'in recovery' : 'not up'}: ${doing}${isSlow ? `, for ${inSeconds(lasts)}` : ''}`
  const remedy = isSlow
    ? `See the log of Patroni and of Postgres on ${holder.name}: what does it wait for (replay of WAL, a callback, pre_promote, the watchdog)? Promote none by hand.`
    : `Wait: Patroni does that by itself, mostly within seconds. If it lasts longer, see the log of Patroni on ${holder.name}. Promote none by hand.`
  return [{ code: 'cluster_no_primary', text, remedy }]
}

function noCandidate({ view, nodes, before }: ClusterContext): ReasonDraft[] {
  const why = noCandidateIn(view, nodes)
  if (why === undefined) return []
  const last = nodes.find(({ name, facts }) => !facts && name === before?.primary)
  const text = `no node is primary, and Patroni promotes none: ${why.text}`
  const orStart = last ? ` Or start the last primary, ${last.name}, again.` : ''
  return [{ code: 'cluster_no_candidate', text, remedy: `${why.remedy}${orStart}`, verdict: 'fail' }]
}

/** Why no node would be promoted; undefined if one would be, or if that is not known. */
export function noCandidateIn(
  view: PatroniView,
  nodes: readonly Node[],
): { readonly text: string; readonly remedy: string } | undefined {
  const { members, holder, list = [] } = view
  if (members.some(({ facts }) => facts?.paused))
    return {
      text: 'maintenance mode is on',
      remedy: 'If the maintenance is over: patronictl resume. Promote none by hand.',
    }
  const standbys = members.filter(one => one !== holder && one.facts?.state === 'running')
  // One whose Patroni is not looked at may be a candidate.
  const isKnown =
    members.every(({ facts, silent }) => facts !== undefined || silent) &&
    nodes.every(node => memberAt(view, node)) &&
    list.every(({ name, nofailover }) => nofailover || members.some(one => [one.memberName, one.name].includes(name)))
  if (!isKnown || standbys.length === 0 || !standbys.every(({ facts }) => facts?.tags.nofailover)) return undefined
  const names = namesOf(standbys)
  return {
    text: `each standby that runs has the tag nofailover (${names})`,
    remedy: `Take the tag nofailover from ${standbys.length > 1 ? `one of ${names}` : names} in the file of Patroni there, and reload it (patronictl reload). Promote none by hand.`,
  }
}

/** No Patroni holds the lock. That of a node that is down lasts until `ttl` is over. */
function noneElected({ view: { members }, nodes, before, pending }: ClusterContext): ReasonDraft[] {
  const answering = members.filter(({ facts }) => facts)
  if (answering.length === 0) return []
  const lasts = pending.lasts(
    'election',
    answering.map(({ check }) => check),
  )
  const gone = nodes.find(({ name, facts }) => !facts && name === before?.primary)
  const who = gone ? `${gone.name}, the last primary, is down (${gone.check.evidence}), and ` : ''
  const isSlow = lasts >= slowMs
  const text = `${who}no Patroni that answers holds the leader lock (${namesOf(answering)})${isSlow ? `, for ${inSeconds(lasts)}` : ''}`
  // An election takes a second. etcd without a majority still serves reads, so Patroni does not see that the DCS is lost.
  const isStuck = !gone && lasts >= stuckMs
  const remedy = isStuck
    ? `No node is down, and still none is elected. See first whether the DCS takes writes: etcd needs more than half of its members (etcdctl endpoint health). Then patronictl list, and the log of Patroni on ${namesOf(answering)}. Promote none by hand.`
    : isSlow
      ? `See patronictl list, and the log of Patroni on ${namesOf(answering)}: each one says there why it is no candidate (lag, a tag, no synchronous standby, the watchdog).${gone ? ` Start ${gone.name} again, if it can be.` : ''} Promote none by hand.`
      : 'Wait: Patroni elects a primary by itself, at the latest when the lock of the last one ends (ttl, 30 s by default). Promote none by hand.'
  return [{ code: 'cluster_no_primary', text, remedy }]
}

/** Where there is Patroni, and what it says explains nothing. */
export const patroniRemedy =
  'See why Patroni promotes none: patronictl list, then the log of Patroni on each node. Promote none by hand.'

/** The usual remedy names a failover manager, or none. */
export const noPrimaryRemedy = (hasPatroni: boolean): string =>
  hasPatroni ? patroniRemedy : clusterReasons.cluster_no_primary.remedy
