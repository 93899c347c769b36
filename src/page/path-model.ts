import type { CheckStatus, ClusterStatus, LandingStatus, MailStatus, NodeStatus } from '../assess/assessment.ts'
import { sourceKinds } from '../assess/sources.ts'
import { hopStatuses } from '../assess/path/hop-status.ts'
import { groupBy } from '../core/group.ts'
import { byVerdict, checkId, worst, type Reason, type Verdict } from '../core/probe.ts'
import type { Status } from '../monitor/ledger.ts'
import { providers, type Provider } from '../probes/mail/index.ts'
import { canary } from '../probes/canary/index.ts'
import { leavesBy } from '../probes/canary/leaves-by.ts'
import { dns } from '../probes/dns/index.ts'
import { needs } from '../probes/needs.ts'
import { outbox } from '../probes/outbox/index.ts'
import { ses } from '../probes/ses/index.ts'
import type { Box, Join, Link } from './boxes.ts'
import { withCanary, withDns, withOutbox, withSes } from './facts.ts'
import { count, inBrief } from './format.ts'
import { hopBox, once } from './hops.ts'

/** One thing the application needs: a cluster it writes to, or a way for its mail to leave. */
export interface Lane {
  readonly title: string
  readonly note: string
  readonly verdict: Verdict | undefined
  readonly reasons: readonly Reason[]
  readonly joins: readonly Join[]
  /** Nodes that no write path lands on. */
  readonly idle: readonly Box[]
  /** For some write path it is not known where it lands. */
  readonly unsure: boolean
  /** How many boxes are left out. None of them is worse than one that is drawn. */
  readonly hidden: number
}

/** A lane shows at most this many write paths, idle nodes or relays. */
const most = 30

/** The lanes of a mail path: the clusters its application writes to, where its mail waits, how it leaves, and whether it is believed. */
export function lanesOf(path: MailStatus, status: Status): Lane[] {
  const landings = path.needs.write_path.map(name => landingOf(name, path, status))
  const clusters = new Set([...path.needs.cluster, ...landings.map(landing => landing.cluster)])
  const lanes = [...clusters].map(name =>
    clusterLane(
      name,
      landings.filter(one => one.cluster === name),
      status,
    ),
  )
  return [...lanes, ...outboxLane(path, status), ...deliveryLane(path, status), ...beliefLane(path, status)]
}

const landingOf = (writePath: string, path: MailStatus, { landings }: Status): LandingStatus =>
  landings.find(landing => landing.writePath === writePath) ?? {
    writePath,
    cluster: path.needs.cluster[0] ?? '',
    nodes: [],
    onPrimary: undefined,
  }

function clusterLane(name: string, landings: readonly LandingStatus[], status: Status): Lane {
  const cluster = status.clusters.find(one => one.name === name)
  const links = landings.map(({ writePath, nodes }) => ({
    from: checkBox('write_path', writePath, status),
    ...throughOf(writePath, status),
    to: nodes.length > 0 ? nodes.map(node => nodeBox(node, status)) : [nowhere],
  }))
  const idle = (cluster?.nodes ?? []).filter(node => !landings.some(landing => landing.nodes.includes(node.name)))
  const drawn = { links: worstFew(links, link => link.from.verdict), idle: worstFew(idle, rankOf) }
  return {
    title: name === '' ? 'Writes' : `Writes to cluster ${name}`,
    note: cluster ? `${primaryCount(cluster)}, ${count(cluster.nodes.length, 'node')}` : 'no nodes configured',
    verdict: cluster?.verdict,
    reasons: cluster?.reasons ?? [],
    joins: once(joined(drawn.links)),
    idle: drawn.idle.map(node => nodeBox(node.name, status)),
    unsure: landings.some(landing => landing.nodes.length === 0),
    hidden: links.length - drawn.links.length + idle.length - drawn.idle.length,
  }
}

function throughOf(writePath: string, { checks }: Status): Pick<Link, 'through'> {
  const hops = hopStatuses(writePath, checks)
  return hops.length > 0 ? { through: hops.map(hopBox) } : {}
}

/** An idle primary is always shown. */
const rankOf = (node: NodeStatus): Verdict => (node.role === 'primary' ? 'fail' : node.verdict)

const primaryCount = ({ primaries }: ClusterStatus): string => {
  if (primaries === undefined) return 'primary unknown'
  return primaries === 0 ? 'no primary' : count(primaries, 'primary', 'primaries')
}

const outboxLane = (path: MailStatus, status: Status): Lane[] =>
  laneOf('Keeps mail until it is sent', boxesOf(outbox.kind, withOutbox, path, status))

/** Is what leaves believed? The domains that it is sent from. */
function beliefLane(path: MailStatus, status: Status): Lane[] {
  const boxes = boxesOf(dns.kind, withDns, path, status)
  const verdict = worst(boxes.map(box => box.verdict))
  return laneOf('Receivers believe it', boxes).map(lane => ({ ...lane, note: beliefs[verdict], verdict }))
}

const beliefs: Readonly<Record<Verdict, string>> = {
  ok: 'yes',
  warn: 'yes, except …',
  fail: 'no',
  unknown: 'not known',
}

const boxesOf = (
  kind: 'outbox' | 'dns',
  withFacts: (box: Box, check: CheckStatus | undefined) => Box,
  path: MailStatus,
  status: Status,
): readonly Box[] =>
  path.needs[kind].map(name => withFacts(checkBox(kind, name, status, needs[kind].title), checkOf(kind, name, status)))

/** The application leads to each of them. None for none. */
function laneOf(title: string, boxes: readonly Box[]): Lane[] {
  const drawn = worstFew(boxes, box => box.verdict)
  if (drawn.length === 0) return []
  return [{ ...plainLane(title, drawn.map(direct)), hidden: boxes.length - drawn.length }]
}

function deliveryLane(path: MailStatus, status: Status): Lane[] {
  const canaries = groupBy(
    path.needs.canary.flatMap(name => checkOf(canary.kind, name, status) ?? []),
    check => leavesBy(check)?.id,
  )
  const relays = providers.flatMap(kind =>
    path.needs[kind].map(name =>
      relayOf(kind, name, path, status, canaries.get(checkId({ probe: kind, target: name }))),
    ),
  )
  const drawn = worstFew(relays, relay => worst([relay.box, ...relay.mailboxes].map(({ verdict }) => verdict)))
  const systems = sourceKinds.flatMap(kind =>
    path.needs[kind].map(name => checkBox(kind, name, status, needs[kind].title)),
  )
  const links = systems.flatMap(from => linksOf(from, drawn))
  const alone = drawn.filter(relay => !systems.some(({ id }) => relay.needs.includes(id)))
  const onward = alone.filter(({ mailboxes }) => mailboxes.length > 0)
  const joins = [
    ...once(joined([...links, ...onward.map(({ box, mailboxes }) => ({ from: box, to: mailboxes }))])).map(
      toMailboxes(drawn),
    ),
    ...alone.filter(({ mailboxes }) => mailboxes.length === 0).map(({ box }) => direct(box)),
  ]
  if (joins.length === 0) return []
  const arrives = drawn.some(({ mailboxes }) => mailboxes.length > 0) ? ', and it arrives' : ''
  const title = `${systems.length > 0 ? 'Takes secrets, hands mail over' : 'Hands mail over'}${arrives}`
  return [{ ...plainLane(title, joins), hidden: relays.length - drawn.length }]
}

/** The line to a mailbox is what its canary proves: a relay may be well, and its mail is lost behind it. */
function toMailboxes(relays: readonly Relay[]): (join: Join) => Join {
  const ids = new Set(relays.flatMap(({ mailboxes }) => mailboxes.map(({ id }) => id)))
  return join => ({
    ...join,
    to: join.to.map(({ box, link }) => ({ box, link: ids.has(box.id) ? worst([link, box.verdict]) : link })),
  })
}

/** A system that gives secrets leads to the relays that take them, and through those to the mailboxes of their canaries. */
function linksOf(from: Box, relays: readonly Relay[]): Link[] {
  const own = relays.filter(relay => relay.needs.includes(from.id))
  const ends = own.filter(({ mailboxes }) => mailboxes.length === 0).map(({ box }) => box)
  const through = own.filter(({ mailboxes }) => mailboxes.length > 0)
  return [
    ...(ends.length > 0 || through.length === 0 ? [{ from, to: ends }] : []),
    ...through.map(({ box, mailboxes }) => ({ from, through: [box], to: mailboxes })),
  ]
}

/** The application itself leads to it. */
const direct = (box: Box): Join => ({ links: [], to: [{ box, link: box.verdict }] })

const plainLane = (title: string, joins: readonly Join[]): Omit<Lane, 'hidden'> => ({
  title,
  note: '',
  verdict: undefined,
  reasons: [],
  joins,
  idle: [],
  unsure: false,
})

/** A way out, with the mailboxes of the canaries that leave by it. */
interface Relay {
  readonly box: Box
  readonly needs: readonly string[]
  readonly mailboxes: readonly Box[]
}

function relayOf(
  kind: Provider,
  name: string,
  path: MailStatus,
  status: Status,
  canaries: readonly CheckStatus[] = [],
): Relay {
  const tag = `${needs[kind].title}${path.provider === kind ? ', in use' : ''}`
  const check = checkOf(kind, name, status)
  const plain = checkBox(kind, name, status, tag)
  return {
    box: kind === ses.kind ? withSes(plain, check) : plain,
    needs: check?.needs ?? [],
    mailboxes: worstFew(
      canaries.map(check => withCanary(boxOf(check, needs[canary.kind].title), check)),
      ({ verdict }) => verdict,
    ),
  }
}

const checkOf = (probe: string, target: string, { checks }: Status): CheckStatus | undefined =>
  checks.find(({ id }) => id === checkId({ probe, target }))

/** The box of a check. Without a status it is unknown. */
export function checkBox(probe: string, target: string, status: Status, tag?: string): Box {
  return boxOf(checkOf(probe, target, status) ?? { probe, target, verdict: 'unknown', reasons: [] }, tag)
}

function boxOf(check: Pick<CheckStatus, 'probe' | 'target' | 'verdict' | 'reasons'>, tag?: string): Box {
  const { probe, target, verdict, reasons } = check
  return { id: checkId(check), name: target, verdict, detail: inBrief(probe, verdict, reasons[0]), tag }
}

/** The box of a node, whatever its cluster. */
function nodeBox(name: string, status: Status): Box {
  const box = checkBox('postgres', name, status)
  const cluster = status.clusters.find(one => one.nodes.some(node => node.name === name))
  const node = cluster?.nodes.find(one => one.name === name)
  const verdict = worst([box.verdict, node?.verdict ?? box.verdict])
  const brief = verdict === box.verdict ? box.detail : inBrief('postgres', verdict, undefined)
  const second = cluster?.splitBrain === true && node?.role === 'primary' && name !== cluster.primary
  const tag = second ? 'second primary' : (node?.role ?? 'role unknown')
  const detail = [node?.address, brief, node?.patroni && `Patroni: ${node.patroni}`].filter(part => part).join(' · ')
  const holds = cluster?.lockHolder === name
  return { ...box, verdict, tag, detail, ...(holds && { marks: ['holds the lock'] }) }
}

const nowhere: Box = {
  id: '',
  name: 'no known node',
  verdict: 'unknown',
  detail: 'not known where it lands',
  tag: undefined,
}

/** Joins the links that share an end, so that no lines cross. Worst first. */
export function joined(links: readonly Link[]): Join[] {
  let groups: (readonly Link[])[] = []
  for (const link of links) {
    const ends = new Set(link.to.map(box => box.id))
    const touches = (group: readonly Link[]): boolean => group.some(one => one.to.some(box => ends.has(box.id)))
    const first = groups.findIndex(touches)
    const together = [...groups.filter(touches).flat(), link]
    groups =
      first < 0
        ? [...groups, together]
        : groups.flatMap((group, i) => (i === first ? [together] : touches(group) ? [] : [group]))
  }
  const worstOf = (group: readonly Link[]): Verdict => worst(group.map(link => link.from.verdict))
  groups.sort((a, b) => byVerdict(worstOf(a), worstOf(b)))
  return groups.map(group => ({ links: group, to: endsOf(group) }))
}

function endsOf(group: readonly Link[]): Join['to'] {
  const ends = new Map(group.flatMap(link => link.to.map(box => [box.id, box] as const)))
  return [...ends.values()].map(box => ({
    box,
    link: worst(group.filter(link => link.to.some(end => end.id === box.id)).map(link => link.from.verdict)),
  }))
}

/** The worst few, in the order given. */
function worstFew<T>(list: readonly T[], verdictOf: (item: T) => Verdict): readonly T[] {
  const kept = new Set([...list].sort((a, b) => byVerdict(verdictOf(a), verdictOf(b))).slice(0, most))
  return list.filter(item => kept.has(item))
}
