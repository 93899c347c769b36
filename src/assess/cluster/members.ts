import { seenBy, type Reason } from '../../core/probe.ts'
import { patroni } from '../../probes/patroni/index.ts'
import type { PatroniFacts, PatroniMember } from '../../probes/patroni/answer.ts'
import type { PatroniSeen } from '../../probes/patroni/observe.ts'
import type { PatroniTarget } from '../../probes/patroni/target.ts'
import type { CheckStatus } from '../assessment.ts'
import type { ClusterMemory } from './memory.ts'
import { byAddress, lookedAt, type Node } from '../nodes.ts'

/** The Patroni of one node: a `patroni` target, with what its last fresh look saw. */
export interface Member {
  readonly check: CheckStatus
  /** Name of the node that it manages; of the member, or of the target, while the node is not known. */
  readonly name: string
  /** Its name in Patroni. Patroni says it from 3.2 on; before that it is known if the holder lists it. */
  readonly memberName: string | undefined
  /** The node that it manages. */
  readonly node: Node | undefined
  /** Undefined if it is silent, and if nothing is known of it. */
  readonly facts: PatroniFacts | undefined
  /** It was looked at, and gave no answer. */
  readonly silent: boolean
  /** How long before the look it last reached the DCS, in milliseconds. */
  readonly dcsAgeMs: number | undefined
  /** The age is more than `max_dcs_age`. */
  readonly dcsLost: boolean
}

/** What Patroni says of one cluster. */
export interface PatroniView {
  readonly members: readonly Member[]
  /** The member that holds the leader lock. Undefined if none does, and if that is not known. */
  readonly holder: Member | undefined
  /** All members, as the holder listed them some minutes ago: their states are old. */
  readonly list: readonly PatroniMember[] | undefined
}

/** `managed` is what was known before: a Patroni that is silent does not say which member it is. */
export function patroniView(
  checks: readonly CheckStatus[],
  nodes: readonly Node[],
  managed: ClusterMemory['managed'],
): PatroniView {
  const looks = checks.flatMap(check => lookOf(check) ?? [])
  const leading = looks.filter(({ seen }) => seen?.facts?.holdsLock)
  // Without a lock a node leads on in failsafe mode, in maintenance mode, and until `ttl` is over.
  const holding = latest(leading.filter(({ seen }) => !seen?.facts?.clusterUnlocked)) ?? latest(leading)
  const list = holding?.seen?.members
  const members = looks.map(look => memberOf(look, nodes, list, managed))
  return { members, list, holder: members.find(({ check }) => check === holding?.check) }
}

export const managedBy = ({ members }: PatroniView): ClusterMemory['managed'] =>
  new Map(members.flatMap(({ check, node }) => (node ? [[check.target, node.name] as const] : [])))

/** The Patroni of a node. */
export const memberAt = ({ members }: PatroniView, node: Node | undefined): Member | undefined =>
  node && members.find(one => one.node === node)

interface PatroniLook {
  readonly check: CheckStatus
  readonly target: PatroniTarget
  /** Undefined if the look is stale, or saw nothing. */
  readonly seen: PatroniSeen | undefined
}

function lookOf(check: CheckStatus): PatroniLook | undefined {
  if (check.probe !== patroni.kind) return undefined
  const found = check.stale ? undefined : seenBy(patroni, check.observation)
  return { check, target: check.config as PatroniTarget, seen: found?.seen }
}

/** There is one lock. If two have been seen to hold it, it has moved between the looks. */
const latest = (looks: readonly PatroniLook[]): PatroniLook | undefined =>
  looks.reduce<PatroniLook | undefined>(
    (last, one) => (last && lookedAt(last.check) >= lookedAt(one.check) ? last : one),
    undefined,
  )

const silence: readonly Reason['code'][] = ['patroni_unreachable', 'patroni_no_answer']

function memberOf(
  { check, target, seen }: PatroniLook,
  nodes: readonly Node[],
  list: readonly PatroniMember[] | undefined,
  managed: ClusterMemory['managed'],
): Member {
  const facts = seen?.facts
  const listed = list?.find(({ name, apiUrl }) =>
    facts?.name === undefined ? sameHost(apiUrl, target.url) : name === facts.name,
  )
  const memberName = facts?.name ?? listed?.name
  const node = nodeOf(target, memberName, listed, nodes) ?? named(nodes, managed.get(target.name))
  // Both times are of the look: `now` would count the time since then, in which nothing was looked at.
  const dcsAgeMs =
    facts?.dcsLastSeenAt === undefined
      ? undefined
      : Math.max(0, (seen?.answeredAt ?? lookedAt(check)) - facts.dcsLastSeenAt)
  return {
    check,
    name: node?.name ?? memberName ?? target.name,
    memberName,
    node,
    facts,
    silent: !check.stale && check.reasons.some(({ code }) => silence.includes(code)),
    dcsAgeMs,
    dcsLost: (dcsAgeMs ?? 0) > target.max_dcs_age,
  }
}

const named = (nodes: readonly Node[], name: string | undefined): Node | undefined =>
  name === undefined ? undefined : nodes.find(node => node.name === name)

/** By the key `node`, else by the name of the member, else by its address in the list of the holder, else by the host of `url`. */
function nodeOf(
  target: PatroniTarget,
  memberName: string | undefined,
  listed: PatroniMember | undefined,
  nodes: readonly Node[],
): Node | undefined {
  if (target.node !== undefined) return named(nodes, target.node)
  return named(nodes, memberName) ?? (listed && atAddress(listed, nodes)) ?? atHost(target.url, nodes)
}

/** The node of a member in the list of the holder, by name, else by address. */
export const nodeOfListed = (member: PatroniMember, nodes: readonly Node[]): Node | undefined =>
  named(nodes, member.name) ?? atAddress(member, nodes)

function atAddress({ host, port }: PatroniMember, nodes: readonly Node[]): Node | undefined {
  if (host === undefined || port === undefined) return undefined
  return nodes.find(({ address }) => address === `${host}:${port}`) ?? byAddress(nodes, host, port)[0]
}

function atHost(url: string, nodes: readonly Node[]): Node | undefined {
  const host = hostOf(url)
  const found = nodes.filter(
    ({ address, facts }) =>
      host !== undefined && (facts?.server_address === host || address?.startsWith(`${host}:`) === true),
  )
  return found.length === 1 ? found[0] : undefined
}

const hostOf = (url: string): string | undefined => (URL.canParse(url) ? new URL(url).hostname : undefined)

/** Host and port of two URLs are the same; the path may differ. */
const sameHost = (a: string | undefined, b: string): boolean =>
  a !== undefined && URL.canParse(a) && URL.canParse(b) && new URL(a).host === new URL(b).host
