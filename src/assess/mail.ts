import { gauge, sample, stateSet, type Sample } from '../core/metric.ts'
import { reasonsOf, seenBy, verdicts, worst, type Reason, type ReasonSpec, type Verdict } from '../core/probe.ts'
import { mail, providerOf, type MailTarget, type Provider } from '../probes/mail/index.ts'
import { canDeliver, ses } from '../probes/ses/index.ts'
import type { Blocker, CheckStatus, ClusterStatus, MailStatus } from './assessment.ts'
import { clusterOf } from './cluster.ts'

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
}

export const mailReasons = {
  mail_write_path_not_probed: {
    verdict: 'unknown',
    severity: 'high',
    meaning: 'The configuration has no write_path target, so nothing is known of whether the application can write.',
    remedy: 'Add a write_path target; if the application needs no database, say so with `write_path: []` under mail.',
  },
  mail_provider_not_probed: {
    verdict: 'unknown',
    severity: 'high',
    meaning: 'The configuration has no target for the provider the application sends with.',
    remedy: 'Add an smtp (or ses) target for it.',
  },
} as const satisfies Record<string, ReasonSpec>
const mailReason = reasonsOf(mailReasons)

/** In dependency order: what stands first may be the cause of what stands later. */
const order = ['vault', 'secret', 'mail', 'settings', 'packages', 'cluster', 'write_path', 'smtp', 'ses'] as const

type Level = Blocker['level']
interface Problem {
  readonly probe: string
  readonly target: string
  readonly reason: Reason
}
/** What one necessity does to the verdict, with what is to blame. */
interface Contribution {
  readonly blockers: readonly (Problem & { readonly level: Level })[]
  readonly exceptions: readonly Problem[]
}

export function assessMail(
  targets: readonly MailTarget[],
  checks: readonly CheckStatus[],
  clusters: readonly ClusterStatus[],
): { readonly paths: readonly MailStatus[]; readonly samples: readonly Sample[] } {
  const paths = targets.map(target => assessPath(target, checks, clusters))
  return { paths, samples: paths.flatMap(samplesOf) }
}

function assessPath(
  target: MailTarget,
  checks: readonly CheckStatus[],
  clusters: readonly ClusterStatus[],
): MailStatus {
  const needed = (kind: 'write_path' | 'smtp' | 'ses' | 'settings' | 'packages'): CheckStatus[] =>
    checks.filter(check => check.probe === kind && (target[kind]?.includes(check.target) ?? true))
  const own = checks.filter(check => check.probe === mail.kind && check.target === target.name)
  const seen = own.find(check => !check.stale)
  const mailSeen = seenBy(mail, seen?.observation)?.seen
  const provider = mailSeen && providerOf(mailSeen)
  const writePaths = needed('write_path')
  const clusterNames = new Set(writePaths.map(clusterOf))
  const plain = [...own, ...needed('settings'), ...needed('packages'), ...writePaths]
  const users = [...plain, ...needed('smtp'), ...needed('ses')]
  const ownClusters = clusters.filter(cluster => clusterNames.has(cluster.name))
  const contributions = [
    ...plain.map(contributionOf),
    ...ownClusters.map(cluster => contributionOf({ ...cluster, probe: 'cluster', target: cluster.name })),
    ...(target.write_path === undefined && writePaths.length === 0
      ? [notProbed(target, 'mail_write_path_not_probed', 'no write_path target is configured')]
      : []),
    delivery(target, provider, needed('smtp'), needed('ses')),
    ...users.map(check => vaultsBehind(check, checks)),
    onlyExceptions(
      checks.filter(
        check => check.probe === 'vault' || (check.probe === 'postgres' && clusterNames.has(clusterOf(check))),
      ),
    ),
  ]
  const needs = {
    vault: [...new Set(users.flatMap(check => check.needs))].map(id => id.slice('vault/'.length)),
    settings: needed('settings').map(check => check.target),
    packages: needed('packages').map(check => check.target),
    cluster: ownClusters.map(cluster => cluster.name),
    write_path: writePaths.map(check => check.target),
    smtp: needed('smtp').map(check => check.target),
    ses: needed('ses').map(check => check.target),
  }
  return { name: target.name, provider, needs, ...conclude(contributions, provider) }
}

/** The verdict, its blockers in dependency order, and the root: the first of those that make the verdict what it is. */
function conclude(contributions: readonly Contribution[], provider: Provider | undefined) {
  const rank = (problem: Problem): number => {
    const kind = isSecret(problem.reason) ? 'secret' : problem.probe
    if (kind === 'ses' && provider === 'ses') return order.indexOf('smtp') - 0.5
    return order.indexOf(kind as (typeof order)[number])
  }
  const blockers = distinct(contributions.flatMap(one => one.blockers)).sort((a, b) => rank(a) - rank(b))
  const blocked = new Set(blockers.map(key))
  const exceptions = distinct(contributions.flatMap(one => one.exceptions)).filter(
    problem => !blocked.has(key(problem)),
  )
  const verdict: Verdict =
    blockers.length > 0 ? worst(blockers.map(one => one.level)) : exceptions.length > 0 ? 'warn' : 'ok'
  const first = blockers.find(one => one.level === verdict)
  const marked = blockers.map(one => ({ ...one, root: one === first }))
  return { verdict, blockers: marked, root: marked.find(one => one.root), exceptions }
}

const isSecret = (reason: Reason): boolean => reason.code.endsWith('_unresolved')
const key = (problem: Problem): string =>
  `${problem.probe}/${problem.target} ${problem.reason.code} ${problem.reason.text}`
const distinct = <T extends Problem>(problems: readonly T[]): T[] => [
  ...new Map(problems.map(problem => [key(problem), problem])).values(),
]

interface Standing {
  readonly probe: string
  readonly target: string
  readonly verdict: Verdict
  readonly reasons: readonly Reason[]
}
const problemsOf = ({ probe, target, reasons }: Standing): Problem[] =>
  reasons.map(reason => ({ probe, target, reason }))

/** A necessity: if it fails or is unknown, so is mail. */
function contributionOf(standing: Standing): Contribution {
  const { verdict } = standing
  const problems = problemsOf(standing)
  if (verdict !== 'fail' && verdict !== 'unknown') return { blockers: [], exceptions: problems }
  const blocking = problems.filter(problem => problem.reason.verdict === verdict)
  return {
    blockers: blocking.map(problem => ({ ...problem, level: verdict })),
    exceptions: problems.filter(problem => !blocking.includes(problem)),
  }
}

const onlyExceptions = (standings: readonly Standing[]): Contribution => ({
  blockers: [],
  exceptions: standings.flatMap(problemsOf),
})

function notProbed(target: MailTarget, code: keyof typeof mailReasons, text: string): Contribution {
  const reason = mailReason(code, `${target.name}: ${text}`)
  return { blockers: [{ probe: mail.kind, target: target.name, reason, level: 'unknown' }], exceptions: [] }
}

/** A Vault that does not give a secret which is needed: unknown, not a second failure. */
function vaultsBehind(check: CheckStatus, checks: readonly CheckStatus[]): Contribution {
  if (!check.reasons.some(isSecret)) return { blockers: [], exceptions: [] }
  const broken = checks.filter(
    one => check.needs.includes(one.id) && (one.verdict === 'fail' || one.verdict === 'unknown'),
  )
  return {
    blockers: broken.flatMap(problemsOf).map(problem => ({ ...problem, level: 'unknown' as const })),
    exceptions: [],
  }
}

type Ability = 'yes' | 'no' | 'unknown'

/** Every relay listed is one the application needs. */
const byRelays = (relays: readonly CheckStatus[]): Ability => {
  const all = worst(relays.map(relay => relay.verdict))
  return all === 'fail' ? 'no' : all === 'unknown' ? 'unknown' : 'yes'
}
/** Nobody has asked SES itself yet, so the best that can be said is unknown. */
const bySes = (accounts: readonly CheckStatus[]): Ability =>
  accounts.some(account => {
    const found = account.stale ? undefined : seenBy(ses, account.observation)
    return !found || canDeliver(found.seen, found.target) !== 'no'
  })
    ? 'unknown'
    : 'no'

/** Whether a provider can deliver: the one the application is set to, or else the other one. */
function delivery(
  target: MailTarget,
  provider: Provider | undefined,
  relays: readonly CheckStatus[],
  accounts: readonly CheckStatus[],
): Contribution {
  const chosen = provider === 'ses' ? accounts : relays
  if (chosen.length === 0) {
    const missing = notProbed(target, 'mail_provider_not_probed', `no ${provider ?? 'smtp'} target is configured`)
    return { blockers: missing.blockers, exceptions: [...relays, ...accounts].flatMap(problemsOf) }
  }
  const [first, second] = provider === 'ses' ? [bySes(accounts), byRelays(relays)] : [byRelays(relays), bySes(accounts)]
  const hasSecond = provider === 'ses' ? relays.length > 0 : accounts.length > 0
  // That there is no second way out matters only where the first one does not work.
  if (first === 'yes') return onlyExceptions([...relays, ...accounts.filter(account => account.verdict === 'fail')])
  if (first === 'no' && hasSecond && second === 'yes') return onlyExceptions(chosen)
  const level: Level = first === 'no' && (!hasSecond || second === 'no') ? 'fail' : 'unknown'
  const to = (check: CheckStatus): Level =>
    level === 'fail' && (check.probe === ses.kind || check.verdict === 'fail') ? 'fail' : 'unknown'
  const culprits = [...relays, ...accounts].filter(
    check => check.verdict !== 'ok' && (check.probe === ses.kind || check.verdict !== 'warn'),
  )
  const blockers = culprits.flatMap(check =>
    problemsOf(check)
      .filter(({ reason }) => check.probe === ses.kind || reason.verdict !== 'warn')
      .map(problem => ({ ...problem, level: to(check) })),
  )
  return { blockers, exceptions: relays.flatMap(problemsOf) }
}

const samplesOf = (status: MailStatus): Sample[] => [
  ...stateSet(mailMetrics.verdict, 'verdict', verdicts, status.verdict, { mail_path: status.name }),
  ...dedupe(status.blockers).flatMap(({ reason, probe, target, root }) =>
    sample(mailMetrics.blocker, 1, { mail_path: status.name, reason: reason.code, probe, target, root: String(root) }),
  ),
]

/** The text is no label: two reasons that differ in nothing else are one series. The root one goes first. */
const dedupe = (blockers: readonly Blocker[]): Blocker[] => [
  ...new Map(
    [...blockers]
      .sort((a, b) => Number(a.root) - Number(b.root))
      .map(one => [`${one.probe}/${one.target}/${one.reason.code}`, one]),
  ).values(),
]
