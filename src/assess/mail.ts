import { distinctBy, groupBy } from '../core/group.ts'
import { gauge, sample, stateSet, type Sample } from '../core/metric.ts'
import { createMemo } from '../core/memo.ts'
import { checkId, seenBy, verdicts, type Target } from '../core/probe.ts'
import { leavesBy } from '../probes/canary/leaves-by.ts'
import { waysNamed } from '../probes/dns/ways.ts'
import { mail, namesFor, providers, type MailTarget } from '../probes/mail/index.ts'
import { byKind, kindsOf, pathKinds } from '../probes/needs.ts'
import { writePath } from '../probes/write_path/index.ts'
import { throughOf } from '../probes/write_path/through.ts'
import type { CheckStatus, ClusterStatus, MailStatus, Plan } from './assessment.ts'
import { indexOf, type Checks } from './checks.ts'
import { belief } from './dns.ts'
import { delivery, type Ways } from './delivery.ts'
import { mailProblem } from './mail-reasons.ts'
import { clusterOf } from './nodes.ts'
import {
  conclude,
  isWaiting,
  needed,
  problemsOf,
  survived,
  type Contribution,
  type Problem,
  type Standing,
} from './verdict.ts'

export const mailMetrics = {
  verdict: gauge('mailpath_mail_verdict', 'Whether mail can be sent right now, as a state set.', [
    'mail_path',
    'verdict',
  ]),
  blocker: gauge(
    'mailpath_mail_blocker',
    'A reason why mail cannot be sent, or why that is not known; root is "true" for the one thing to fix.',
    ['mail_path', 'reason', 'probe', 'target', 'root'],
  ),
  exception: gauge('mailpath_mail_exception', 'What is broken and mail survives: why the verdict is warn and not ok.', [
    'mail_path',
    'reason',
    'probe',
    'target',
  ]),
}

export function assessMail(
  plan: Plan,
  checks: readonly CheckStatus[],
  clusters: readonly ClusterStatus[],
): { readonly paths: readonly MailStatus[]; readonly samples: readonly Sample[] } {
  const known = knownOf(checks, clusters)
  const paths = plan.mail.map(target => {
    const { ids, writesTo } = reachMemo(target, [plan.checks], () => reachOf(target, known))
    const into = clusters.filter(({ name }) => writesTo.has(name))
    const of = [...known.independent.exceptions, ...into, ...known.checks.withIds(ids)]
    return pathMemo(target, of, () => assessPath(target, known), isFree)
  })
  return { paths, samples: paths.flatMap(path => samplesMemo(path, [], () => samplesOf(path))) }
}

const pathMemo = createMemo<MailTarget, MailStatus>()
const reachMemo = createMemo<MailTarget, Reach>()
const samplesMemo = createMemo<MailStatus, readonly Sample[]>()

/** The causes of what blocks a path can be anywhere, so then nothing is kept. */
const isFree = ({ blockers }: MailStatus): boolean => blockers.length === 0

const direct = kindsOf('own', 'needed')
const proofs = kindsOf('proof')
const beliefs = kindsOf('belief')
const onceForAll = kindsOf('source', 'survived')
const ofClusters = kindsOf('node')

/** Shared by all paths. */
interface Known {
  readonly checks: Checks
  readonly clusters: readonly ClusterStatus[]
  /** The nodes of each cluster, and what manages them. */
  readonly nodes: ReadonlyMap<string, readonly CheckStatus[]>
  readonly waiting: readonly CheckStatus[]
  /** Problems of systems that no path needs by itself. */
  readonly independent: Contribution
}

function knownOf(all: readonly CheckStatus[], clusters: readonly ClusterStatus[]): Known {
  const checks = indexOf(all)
  return {
    checks,
    clusters,
    nodes: groupBy(ofClusters.flatMap(checks.ofKind), clusterOf),
    waiting: all.filter(isWaiting),
    independent: {
      blockers: [],
      exceptions: onceForAll
        .flatMap(checks.ofKind)
        .flatMap(check => problemsMemo(check.config, [check.reasons], () => problemsOf(check))),
    },
  }
}

/** They are the same from one run to the next if their words are. */
const problemsMemo = createMemo<Target, readonly Problem[]>()

/** The checks of a kind that a path lists; all of them if it lists none. */
const listedBy =
  (target: MailTarget, checks: Checks) =>
  (kind: string): readonly CheckStatus[] => {
    const names = namesFor(target, kind)
    return names ? checks.withIds(names.map(name => checkId({ probe: kind, target: name }))) : checks.ofKind(kind)
  }

/** What a path can depend on while nothing blocks it. It follows from the configuration alone. */
interface Reach {
  readonly ids: readonly string[]
  /** The names of clusters. */
  readonly writesTo: ReadonlySet<string>
}

function reachOf(target: MailTarget, { checks, nodes }: Known): Reach {
  const listed = listedBy(target, checks)
  const writePaths = listed(writePath.kind)
  const writesTo = new Set(writePaths.map(clusterOf))
  const users = [...direct, ...providers, ...proofs, ...beliefs].flatMap(listed)
  const behind = [...users, ...[...writesTo].flatMap(cluster => nodes.get(cluster) ?? [])].map(({ id }) => id)
  const systems = withTheirs(
    users.flatMap(user => user.needs),
    checks,
  )
  return { ids: [...new Set([...behind, ...writePaths.flatMap(throughOf), ...systems])], writesTo }
}

function assessPath(target: MailTarget, { checks, clusters, nodes, waiting, independent }: Known): MailStatus {
  const listed = listedBy(target, checks)
  const needs = byKind(direct, listed)
  const ways: Ways = byKind(providers, listed)
  const out = new Set(Object.values(ways).flatMap(all => all.map(({ id }) => id)))
  // A canary proves something of a mail path only if that one takes the same way out.
  const proven = byKind(proofs, kind => listed(kind).filter(check => out.has(leavesBy(check)?.id ?? '')))
  // What receivers think of mail by other ways counts only for a path that lists it.
  const isOwn = (check: CheckStatus): boolean => {
    const named = namesFor(target, check.probe) === undefined ? waysNamed(check) : []
    return named.length === 0 || named.some(id => out.has(id))
  }
  const believed = byKind(beliefs, kind => listed(kind).filter(isOwn))
  const writePaths = needs.write_path
  const provider = seenBy(mail, needs.mail.find(check => !check.stale)?.observation)?.seen.provider
  const writesTo = new Set(writePaths.map(clusterOf))
  const ownClusters = clusters
    .filter(cluster => writesTo.has(cluster.name))
    .map(cluster => ({ ...cluster, probe: 'cluster', target: cluster.name }))
  const contributions = [
    ...Object.values(needs).flat().map(needed),
    ...ownClusters.map(cluster => contributionOf(cluster, writePaths)),
    ...(writePaths.every(isAddressOnly) && target.write_path?.length !== 0 ? [noWritePath(target)] : []),
    ...delivery(target, provider, ways, proven.canary),
    ...Object.values(believed).flat().map(belief),
    independent,
    survived(checks.withIds([...writesTo].flatMap(cluster => nodes.get(cluster) ?? []).map(({ id }) => id))),
    survived(checks.withIds(writePaths.flatMap(throughOf))),
  ]
  const users = [needs, ways, believed, proven].flatMap(lists => Object.values(lists)).flat()
  const systems = checks.withIds(
    withTheirs(
      users.flatMap(user => user.needs),
      checks,
    ),
  )
  const restsOn = groupBy<string, Standing>([...systems, ...users, ...ownClusters], ({ probe }) => probe)
  return {
    name: target.name,
    provider,
    needs: byKind(pathKinds, kind => (restsOn.get(kind) ?? []).map(one => one.target)),
    ...conclude(contributions, checks, waiting, provider),
  }
}

/** A Vault whose token comes from Kubernetes needs that too. */
const withTheirs = (ids: readonly string[], checks: Checks): readonly string[] => [
  ...ids,
  ...checks.withIds(ids).flatMap(system => system.needs),
]

/** A path without a login shows where it leads, but not whether a write commits there. */
const isAddressOnly = (path: CheckStatus): boolean =>
  seenBy(writePath, path.observation)?.seen.addressOnly !== undefined

/**
 * An unseen primary does not make mail unknown: a committed write is proof, and a write path without one says so itself. Rows
 * that were lost stop no mail from now on.
 */
function contributionOf(cluster: Standing, paths: readonly CheckStatus[]): Contribution {
  const into = paths.filter(path => clusterOf(path) === cluster.target)
  const getsThrough = into.every(({ verdict }) => verdict === 'ok' || verdict === 'warn')
  const stopsMail = ({ code, verdict }: Standing['reasons'][number]): boolean =>
    verdict === 'fail' &&
    code !== 'cluster_timeline_went_back' &&
    // Its paths may rightly lead to its source.
    !(code === 'cluster_standby_by_design' && getsThrough)
  return cluster.verdict === 'unknown' || (cluster.verdict === 'fail' && !cluster.reasons.some(stopsMail))
    ? survived([cluster])
    : needed(cluster)
}

const noWritePath = (target: MailTarget): Contribution => {
  const problem = mailProblem(target, 'mail_write_path_not_probed', 'no write_path target with a login is configured')
  return { blockers: [{ ...problem, level: 'unknown' }], exceptions: [] }
}

const samplesOf = ({ name, verdict, blockers, exceptions }: MailStatus): Sample[] => [
  ...stateSet(mailMetrics.verdict, 'verdict', verdicts, verdict, { mail_path: name }),
  ...distinct(blockers).flatMap(one =>
    sample(mailMetrics.blocker, 1, { mail_path: name, ...labelsOf(one), root: String(one.root) }),
  ),
  ...distinct(exceptions).flatMap(one => sample(mailMetrics.exception, 1, { mail_path: name, ...labelsOf(one) })),
]

const labelsOf = ({ probe, target, reason }: Problem) => ({ probe, target, reason: reason.code })

/** The text of a reason is not a label. Of problems with equal labels the first is the series. */
const distinct = <T extends Problem>(problems: readonly T[]): T[] =>
  distinctBy(problems.toReversed(), one => JSON.stringify(labelsOf(one)))
