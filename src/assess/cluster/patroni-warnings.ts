import { receivesWal } from '../../probes/postgres/judge.ts'
import { startAgain } from '../../probes/patroni/start.ts'
import { inSeconds, listed, namesOf, type ReasonDraft, type ClusterContext } from './context.ts'
import { warnOfDcs } from './dcs.ts'
import { noCandidateIn } from './leaderless.ts'
import { memberAt, nodeOfListed, type Member } from './members.ts'
import { isSameServer, lookedAt } from '../nodes.ts'

/** What the views of SQL and of Patroni show together, in the order of what to act on first. */
export const patroniWarnings = (context: ClusterContext): ReasonDraft[] =>
  context.view.members.length === 0
    ? []
    : [warnOfDcs, silentMembers, notElected, diverged, noCandidate, pendingRestarts, unlisted].flatMap(warn =>
        warn(context),
      )

/** A node that is down altogether says so itself. */
function silentMembers({ view, primaries }: ClusterContext): ReasonDraft[] {
  const silent = view.members.filter(one => one.silent && one.node?.facts)
  const [primary] = primaries
  const first = silent.filter(({ node }) => node === primary)
  const others = silent.filter(({ node }) => node !== primary)
  const { holder, members } = view
  const taken = holder && holder.node !== primary
  const near = members.some(({ facts }) => facts?.paused)
    ? 'in maintenance mode nothing fails over, but HAProxy takes it out'
    : taken
      ? `${holder.name} holds the leader lock by now: a split brain begins`
      : 'HAProxy takes it out, and when its lock ends (ttl) another node is promoted while it still takes writes: a split brain is near'
  return [
    ...first.map(({ name }): ReasonDraft => ({
      code: 'cluster_patroni_silent',
      text: `the Patroni of ${name}, the primary, does not answer, while its Postgres does: ${near}`,
      remedy: taken
        ? `See patronictl list: if ${holder.name} holds the leader lock still, stop Postgres on ${name} and copy its data: rows that only it has exist nowhere else. Its Patroni, once it runs again, makes it a standby of ${holder.name}, and may rewind it. ${startAgain(name)}`
        : startAgain(name, 'at once'),
    })),
    ...(others.length === 0
      ? []
      : [
          {
            code: 'cluster_patroni_silent',
            text: `the Patroni of ${namesOf(others)} does not answer, while Postgres there does: ${others.length > 1 ? 'they are' : 'it is'} no candidate for a failover`,
            remedy: startAgain(namesOf(others)),
          } as const,
        ]),
  ]
}

/** Sure once both views were looked at again: a promotion, or a change of the lock, may lie between their looks. */
function notElected({ view, primaries, pending }: ClusterContext): ReasonDraft[] {
  const { holder } = view
  return primaries.flatMap((primary): ReasonDraft[] => {
    const member = memberAt(view, primary)
    if (!member?.facts || member === holder || member.facts.failsafeActive || member.dcsLost) return []
    if (pending.lasts(`${primary.name} is not elected`, [primary.check, member.check]) < 0) return []
    const { name } = primary
    const why = member.facts.paused ? ' (maintenance mode is on)' : ''
    if (holder)
      return [
        {
          code: 'cluster_primary_not_elected',
          text: `${name} takes writes, and does not hold the leader lock${why}: ${holder.name} holds it`,
          remedy: `Send no writes to ${name}. Copy its data first: rows that only it has exist nowhere else. Then patronictl reinit it. If ${name} is the one to keep, not ${holder.name}, see patronictl list first.`,
        },
      ]
    return [
      {
        code: 'cluster_primary_not_elected',
        text: `${name} takes writes, and by its Patroni no node holds the leader lock${why}`,
        remedy: `See patronictl list and the log of Patroni on ${name}: why does it not take the lock? Until it has it, start no other node, and do not reinit ${name}: nothing else may have its rows.`,
      },
    ]
  })
}

/** A receiver that is down for this long did not only lose its upstream for a moment. Milliseconds. */
const divergedMs = 30_000

/** It begins again with each new primary, and with WAL that the standby replays from an archive. */
function diverged({ view, nodes, primaries, pending }: ClusterContext): ReasonDraft[] {
  const [primary, second] = primaries
  if (!primary || second) return []
  return nodes.flatMap((node): ReasonDraft[] => {
    const member = memberAt(view, node)
    if (!node.facts?.in_recovery || receivesWal(node.facts) !== false || !isRunningReplica(member)) return []
    const what = `${node.name} receives nothing from ${primary.name}, at ${node.facts.wal_lsn ?? '?'}`
    const lasts = pending.lasts(what, [node.check, member.check])
    if (lasts < divergedMs) return []
    return [
      {
        code: 'cluster_replica_diverged',
        text: `Patroni says that ${node.name} runs as a replica, and it has received and replayed no WAL for ${inSeconds(lasts)}`,
        remedy: `See the log of Postgres on ${node.name}. If it says that the timelines forked, or that the WAL was removed: patronictl reinit ${called(member)}. Until then it is no candidate for a failover.`,
      },
    ]
  })
}

/** As patronictl wants it: the cluster of Patroni and the member. */
const called = ({ facts, memberName }: Member): string => `${facts?.scope ?? 'CLUSTER'} ${memberName ?? 'MEMBER'}`

const isRunningReplica = (member: Member | undefined): member is Member & { readonly facts: object } =>
  member?.facts?.role === 'replica' && member.facts.state === 'running'

/**
 * Without a primary it is why there is none (`leaderless.ts`). A cluster of one node has never had one. Of two primaries a
 * resume would rewind one at once, with its rows.
 */
function noCandidate({ view, nodes, primaries }: ClusterContext): ReasonDraft[] {
  const [primary, second] = primaries
  const why = nodes.length > 1 && primary && !second ? noCandidateIn(view, nodes) : undefined
  if (!primary || !why) return []
  return [
    {
      code: 'cluster_no_candidate',
      text: `if ${primary.name} fails, no node is promoted: ${why.text}`,
      remedy: why.remedy,
    },
  ]
}

function pendingRestarts({ view: { members, holder } }: ClusterContext): ReasonDraft[] {
  const waiting = members.filter(({ facts }) => facts?.pendingRestart)
  const [first] = waiting
  if (!first?.facts) return []
  const parameters = [...new Set(waiting.flatMap(({ facts }) => facts?.pendingParameters ?? []))]
  const which = parameters.length > 0 ? ` (${parameters.join(', ')})` : ''
  // The standbys first: a restart of the primary stops writes for a moment.
  const ordered = [...waiting].sort((a, b) => Number(a === holder) - Number(b === holder))
  const commands = ordered.map(one => `patronictl restart ${called(one)}`)
  return [
    {
      code: 'cluster_pending_restart',
      text: `a changed parameter waits for a restart of ${namesOf(waiting)}${which}`,
      remedy: `In a quiet hour: ${commands.join('; ')}.`,
    },
  ]
}

/** Compares the list of the holder with the nodes. A node that was not seen cannot be known by its address. */
function unlisted({ view: { list, members }, nodes }: ClusterContext): ReasonDraft[] {
  if (!list) return []
  const placed = list.map(listedOne => ({
    name: listedOne.name,
    node: members.find(({ memberName }) => memberName === listedOne.name)?.node ?? nodeOfListed(listedOne, nodes),
  }))
  const known = placed.flatMap(({ node }) => node ?? [])
  const unknown = placed.filter(({ node }) => !node).map(({ name }) => name)
  // The key of a member ends with its Patroni. Where that is looked at, it says so itself.
  const others = nodes.filter(
    node => node.facts && !members.some(one => one.node === node) && !known.some(other => isSameServer(other, node)),
  )
  // Their names and addresses may only differ here and there.
  const mayBeOne = unknown.length > 0 && others.length > 0
  const texts = [
    ...(unknown.length > 0
      ? [`Patroni has the member${unknown.length > 1 ? 's' : ''} ${listed(unknown)}, which is no postgres target here`]
      : []),
    ...(others.length > 0 ? [`the postgres target ${namesOf(others)} is no member of the cluster of Patroni`] : []),
  ]
  if (texts.length === 0) return []
  const remedy = mayBeOne
    ? `If they are the same servers: set \`node\` of their patroni targets. Else add a postgres target (and a patroni target) for ${listed(unknown)}, and take out ${namesOf(others)}.`
    : unknown.length > 0
      ? `Add a postgres target (and a patroni target) for ${listed(unknown)}. If it is gone for good, patronictl remove is not needed: its key in the DCS ends by itself.`
      : `Take the postgres target ${namesOf(others)} out, or make it a member again: start its Patroni.`
  return [{ code: 'cluster_member_unlisted', text: texts.join('; '), remedy }]
}

/**
 * The Patronis to look at again at once: SQL finds a node down that Patroni called a running primary in an older look. Until
 * then nothing is concluded.
 */
export const toCompareAgain = ({ view: { members }, primaries }: ClusterContext): readonly string[] =>
  primaries.length > 0
    ? []
    : members
        .filter(
          ({ node, facts, check }) =>
            node && !node.facts && facts?.state === 'running' && lookedAt(check) < lookedAt(node.check),
        )
        .map(({ check }) => check.id)
