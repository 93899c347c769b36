import { checkId, worst, type Reason, type Target, type Verdict } from '../core/probe.ts'
import { exporterKind } from '../core/want.ts'
import { leavesBy } from '../probes/canary/leaves-by.ts'
import { providers, type Provider } from '../probes/mail/index.ts'
import { needRow, needs, otherRanks } from '../probes/needs.ts'
import { postgres } from '../probes/postgres/index.ts'
import type { Blocker, CheckStatus, MailStatus } from './assessment.ts'
import type { Checks } from './checks.ts'
import { isRefusal } from './canary.ts'
import { clusterOf } from './nodes.ts'
import { isSource, isUnread, sourcesBehind } from './sources.ts'
import { assignShortage } from './starved.ts'

/** A reason and the check or cluster that has it. */
export interface Problem {
  readonly probe: string
  readonly target: string
  readonly reason: Reason
  /** The way out that it is about: it comes behind what the check of that way says. */
  readonly way?: Provider
}
type Blocking = Problem & { readonly level: Blocker['level'] }
/** How one need of a mail path affects its verdict: blockers, and problems that mail survives. */
export interface Contribution {
  readonly blockers: readonly Blocking[]
  readonly exceptions: readonly Problem[]
}

/** A check or a cluster, as a need of a mail path. */
export interface Standing {
  readonly probe: string
  readonly target: string
  readonly verdict: Verdict
  readonly reasons: readonly Reason[]
  /** Of a check. */
  readonly config?: Target
}

export function problemsOf({ probe, target, reasons, config }: Standing): Problem[] {
  const own = config && leavesBy({ probe, config })
  return reasons.map(reason =>
    assignShortage({ probe, target, reason, ...(own && isRefusal(reason) && { way: own.provider }) }),
  )
}

/** A need without which mail fails, or is unknown. */
export function needed(standing: Standing): Contribution {
  const { verdict } = standing
  const problems = problemsOf(standing)
  if (verdict !== 'fail' && verdict !== 'unknown') return { blockers: [], exceptions: problems }
  return {
    blockers: problems.filter(one => one.reason.verdict === verdict).map(one => ({ ...one, level: verdict })),
    exceptions: problems.filter(one => one.reason.verdict !== verdict),
  }
}

/** Needs that mail survives. */
export const survived = (standings: readonly Standing[]): Contribution => ({
  blockers: [],
  exceptions: standings.flatMap(problemsOf),
})

/** Whether a value could not be read that Vault or Kubernetes may have. */
export const isWaiting = ({ reasons }: CheckStatus): boolean => reasons.some(isUnread)

/** The verdict, its blockers in dependency order, and the root: the first blocker that is as bad as the verdict. */
export function conclude(
  contributions: readonly Contribution[],
  checks: Checks,
  waiting: readonly CheckStatus[],
  provider: Provider | undefined,
): Pick<MailStatus, 'verdict' | 'blockers' | 'root' | 'exceptions'> {
  const direct = contributions.flatMap(one => one.blockers)
  const blocking = oncePerKey([...direct, ...causesBehind(direct, checks, waiting)])
  const blockers = inOrder([...blocking.values()], provider)
  const others = new Map(contributions.flatMap(one => one.exceptions).map(one => [key(one), one]))
  const exceptions = [...others].flatMap(([of, one]) => (blocking.has(of) ? [] : [one]))
  const verdict = worst([...blockers.map(one => one.level), ...exceptions.map(() => 'warn' as const)])
  const first = blockers.find(one => one.level === verdict)
  const marked = blockers.map(one => ({ ...one, root: one === first }))
  return { verdict, blockers: marked, root: marked.find(one => one.root), exceptions }
}

/** In dependency order. The rank of each is found once, since there may be thousands. */
const inOrder = (blockers: readonly Blocking[], provider: Provider | undefined): Blocking[] =>
  blockers
    .map(one => ({ one, rank: rank(one, provider), after: Number(isConsequence(one)) }))
    .sort((a, b) => a.rank - b.rank || a.after - b.after)
    .map(({ one }) => one)

const firstWayOut = Math.min(...providers.map(kind => needs[kind].rank))

/** Place in the dependency order. What follows from a later link comes behind it. */
function rank(problem: Problem, provider: Provider | undefined): number {
  const own = ownRank(problem, provider)
  const [kind = ''] = problem.reason.because?.split('/') ?? []
  const ofCause = needRow(kind)?.rank
  return ofCause !== undefined && ofCause > own ? ofCause + 0.5 : own
}

/** The provider that the application uses comes before the other one. */
function ownRank({ probe, reason, way }: Problem, provider: Provider | undefined): number {
  if (probe === exporterKind) return otherRanks.exporter
  // A system that could not read its own values: before checks that wait for it, after the system it reads from.
  if (isSource({ probe }) && isUnread(reason)) return otherRanks.secret - 1
  if (reason.code.endsWith('_unresolved')) return otherRanks.secret
  const kind = way ?? probe
  const own = kind === provider ? firstWayOut - 1 : (needRow(kind)?.rank ?? Infinity)
  return way === undefined ? own : own + 0.5
}

const isConsequence = ({ reason }: Problem): boolean => reason.because !== undefined

const key = ({ probe, target, reason }: Problem): string => `${probe}/${target} ${reason.code} ${reason.text}`

/** Each blocker once, as bad as the worst of its kind. */
function oncePerKey(all: readonly Blocking[]): ReadonlyMap<string, Blocking> {
  const once = new Map<string, Blocking>()
  for (const one of all) {
    const of = key(one)
    once.set(of, once.get(of)?.level === 'fail' ? { ...one, level: 'fail' } : one)
  }
  return once
}

/**
 * The causes of blockers in other checks. What a blocker says that it follows from is as bad for mail as the blocker. Systems
 * that did not give values which blockers need are no failure of their own; not those that gave all values, or that nothing
 * waits for. A cluster waits for the values of its nodes.
 */
function causesBehind(blockers: readonly Blocking[], checks: Checks, waiting: readonly CheckStatus[]): Blocking[] {
  const blocking = new Set(blockers.map(checkId))
  const blocks = (check: CheckStatus): boolean =>
    blocking.has(check.id) ||
    (check.probe === postgres.kind && blocking.has(checkId({ probe: 'cluster', target: clusterOf(check) })))
  const sources = sourcesBehind(waiting.filter(blocks), checks)
    .flatMap(problemsOf)
    .filter(({ reason }) => reason.verdict !== 'warn')
    .map(problem => ({ ...problem, level: 'unknown' as const }))
  const named = blockers.flatMap(({ reason: { because }, level }) => {
    const [cause] = because === undefined ? [] : checks.withIds([because])
    // That a value was not read proves no failure. That no mail leaves does.
    return cause && (level === 'fail' || !isSource(cause))
      ? mainProblemsOf(cause).map(problem => ({ ...problem, level }))
      : []
  })
  return [...sources, ...named]
}

/** What of a pooler keeps its clients out. */
const keepOut: readonly string[] = ['pgbouncer_paused', 'pgbouncer_clients_wait']

/** Only the worst of a check is the cause of something else; of a pooler it is that it keeps its clients waiting. */
function mainProblemsOf(check: CheckStatus): Problem[] {
  const own = keepOut.flatMap(code => check.reasons.find(reason => reason.code === code) ?? [])
  return problemsOf({ ...check, reasons: [...own, ...check.reasons].slice(0, 1) })
}
