import { distinctBy, groupBy } from '../core/group.ts'
import { gauge, sample, stateSet, type Sample } from '../core/metric.ts'
import { checkId, reasonsOf, seenBy, verdicts, worst, type ReasonSpec } from '../core/probe.ts'
import { firstProvider, mail, namesFor, providers, type MailTarget, type Provider } from '../probes/mail/index.ts'
import { byKind, kindsOf, pathKinds } from '../probes/needs.ts'
import { ses } from '../probes/ses/index.ts'
import { canDeliver } from '../probes/ses/judge.ts'
import type { Reason as SesReason } from '../probes/ses/reasons.ts'
import { writePath } from '../probes/write_path/index.ts'
import { throughOf } from '../probes/write_path/through.ts'
import type { CheckStatus, ClusterStatus, MailStatus } from './assessment.ts'
import { indexOf, type Checks } from './checks.ts'
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

export const mailReasons = {
  mail_write_path_not_probed: {
    verdict: 'unknown',
    severity: 'high',
    meaning:
      'The configuration has no write_path target with a login, so nothing is known of whether the application can write.',
    remedy:
      'Add a write_path target with the login of the application; if the application needs no database, say so with `write_path: []` under mail.',
  },
  mail_provider_not_probed: {
    verdict: 'unknown',
    severity: 'high',
    meaning: 'The configuration has no target for the provider the application sends with.',
    remedy: 'Add an smtp (or ses) target for it.',
  },
  mail_fallback_not_said: {
    verdict: 'unknown',
    severity: 'high',
    meaning:
      'The provider the application is set to is not known to work, the other one is, and the configuration does not say whether the application falls back to it.',
    remedy:
      'Look into its sender: if it sends with the other provider where the first one fails, set `fallback` under mail to that one, else to none. Then heal the provider it is set to.',
  },
} as const satisfies Record<string, ReasonSpec>
const mailReason = reasonsOf(mailReasons)

export function assessMail(
  targets: readonly MailTarget[],
  checks: readonly CheckStatus[],
  clusters: readonly ClusterStatus[],
): { readonly paths: readonly MailStatus[]; readonly samples: readonly Sample[] } {
  const known = knownOf(checks, clusters)
  const paths = targets.map(target => assessPath(target, known))
  return { paths, samples: paths.flatMap(samplesOf) }
}

const direct = kindsOf('own', 'needed')
const proofs = kindsOf('proof')
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
    independent: survived(all.filter(({ probe }) => onceForAll.some(kind => kind === probe))),
  }
}

function assessPath(target: MailTarget, { checks, clusters, nodes, waiting, independent }: Known): MailStatus {
  const listed = (kind: string): readonly CheckStatus[] => {
    const names = namesFor(target, kind)
    return names ? checks.withIds(names.map(name => checkId({ probe: kind, target: name }))) : checks.ofKind(kind)
  }
  const needs = byKind(direct, listed)
  const ways: Ways = byKind(providers, listed)
  const proven = byKind(proofs, listed)
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
    delivery(target, provider, ways),
    ...Object.values(proven).flat().map(proof),
    independent,
    survived(checks.withIds([...writesTo].flatMap(cluster => nodes.get(cluster) ?? []).map(({ id }) => id))),
    survived(checks.withIds(writePaths.flatMap(throughOf))),
  ]
  const users = [...Object.values(needs), ...Object.values(ways), ...Object.values(proven)].flat()
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

function mailProblem(target: MailTarget, code: keyof typeof mailReasons, text: string): Problem {
  return { probe: mail.kind, target: target.name, reason: mailReason(code, `${target.name}: ${text}`) }
}

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

/** A mail that did not arrive stops mail. A proof that is missing does not. */
const proof = (check: CheckStatus): Contribution => (check.verdict === 'fail' ? needed(check) : survived([check]))

const noWritePath = (target: MailTarget): Contribution => {
  const problem = mailProblem(target, 'mail_write_path_not_probed', 'no write_path target with a login is configured')
  return { blockers: [{ ...problem, level: 'unknown' }], exceptions: [] }
}

const fallbackNotSaid = (first: Provider, second: Provider): string =>
  `sends with ${first}, which is not known to work; ${second} works, and whether the application falls back to it is not said`

/** Warnings that stop all mail of their way out. It may well be meant that SES is not in use. */
const stopping: readonly SesReason['code'][] = ['ses_absent', 'ses_stub']

type Ways = Readonly<Record<Provider, readonly CheckStatus[]>>
type Ability = 'yes' | 'no' | 'unknown' | 'not probed'

function ability(provider: Provider, checks: readonly CheckStatus[]): Ability {
  if (checks.length === 0) return 'not probed'
  // Of several accounts it is not known which one a mail leaves by.
  if (provider === 'ses') {
    const [first = 'unknown', ...others] = new Set(checks.map(sesAbility))
    return others.length === 0 ? first : 'unknown'
  }
  // The application needs every relay that is listed.
  const all = worst(checks.map(relay => relay.verdict))
  return all === 'fail' ? 'no' : all === 'unknown' ? 'unknown' : 'yes'
}

/** Whether SES would take mail by this account, as its last look proved. */
function sesAbility(account: CheckStatus): Exclude<Ability, 'not probed'> {
  const found = account.stale ? undefined : seenBy(ses, account.observation)
  const can = found ? canDeliver(found.seen, found.target) : 'unknown'
  // What the assessment holds against the check counts too.
  return can === 'yes' && !isFine(account) ? 'unknown' : can
}

const isFine = ({ verdict }: CheckStatus): boolean => verdict === 'ok' || verdict === 'warn'

/**
 * Whether mail can leave: by the provider that the application uses, or by the other one. A fallback to the other one
 * is not assumed: if that decides the verdict, the configuration has to say it.
 */
function delivery(target: MailTarget, provider: Provider | undefined, all: Ways): Contribution {
  const first = provider ?? firstProvider(kind => all[kind].length > 0)
  const second = first === 'smtp' ? 'ses' : 'smtp'
  const noFallback = provider !== undefined && target.fallback !== undefined && target.fallback !== second
  const ways: Ways = noFallback ? { ...all, [second]: [] } : all
  const can: Readonly<Record<Provider, Ability>> = { smtp: ability('smtp', ways.smtp), ses: ability('ses', ways.ses) }
  // A missing second provider matters only if the first one does not work.
  const broken = all[second].filter(check => check.verdict === 'fail')
  if (can[first] === 'yes') return survived([...ways[first], ...broken])
  const problems = [...ways[first], ...ways[second]].flatMap(problemsOf)
  if (can[first] === 'not probed')
    problems.push(mailProblem(target, 'mail_provider_not_probed', `no ${first} target is configured`))
  if (can[second] === 'yes' && (provider === undefined || target.fallback === second))
    return { blockers: [], exceptions: problems }
  if (can[second] === 'yes')
    problems.push(mailProblem(target, 'mail_fallback_not_said', fallbackNotSaid(first, second)))
  const dead = can[first] === 'no' && can[second] !== 'unknown' && can[second] !== 'yes'
  const harmless = ({ reason }: Problem): boolean =>
    reason.verdict === 'warn' && !stopping.some(code => code === reason.code)
  const levelOf = ({ reason }: Problem) => (dead && reason.verdict !== 'unknown' ? 'fail' : 'unknown')
  return {
    blockers: problems.filter(one => !harmless(one)).map(one => ({ ...one, level: levelOf(one) })),
    exceptions: [...problems.filter(harmless), ...(noFallback ? broken.flatMap(problemsOf) : [])],
  }
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
