import { distinctBy } from '../core/group.ts'
import { checkId, worst, type Reason, type Verdict } from '../core/probe.ts'
import { exporterKind } from '../core/want.ts'
import { providers, type Provider } from '../probes/mail/index.ts'
import { needRow, needs, otherRanks } from '../probes/needs.ts'
import { postgres } from '../probes/postgres/index.ts'
import type { Blocker, CheckStatus, MailStatus } from './assessment.ts'
import type { Checks } from './checks.ts'
import { clusterOf } from './nodes.ts'
import { isSource, isUnread, sourcesBehind } from './sources.ts'
import { whose } from './starved.ts'

/** A reason and whose it is. */
export interface Problem {
  readonly probe: string
  readonly target: string
  readonly reason: Reason
}
type Blocking = Problem & { readonly level: Blocker['level'] }
/** What one necessity does to the verdict: what is to blame, and what is wrong with it besides. */
export interface Contribution {
  readonly blockers: readonly Blocking[]
  readonly exceptions: readonly Problem[]
}

/** What can be a necessity: a check or a cluster. */
export interface Standing {
  readonly probe: string
  readonly target: string
  readonly verdict: Verdict
  readonly reasons: readonly Reason[]
}
export const problemsOf = ({ probe, target, reasons }: Standing): Problem[] =>
  reasons.map(reason => whose({ probe, target, reason }))

/** A necessity: if it fails or is unknown, so is mail. */
export function needed(standing: Standing): Contribution {
  const { verdict } = standing
  const problems = problemsOf(standing)
  if (verdict !== 'fail' && verdict !== 'unknown') return { blockers: [], exceptions: problems }
  return {
    blockers: problems.filter(one => one.reason.verdict === verdict).map(one => ({ ...one, level: verdict })),
    exceptions: problems.filter(one => one.reason.verdict !== verdict),
  }
}

/** What may be broken without mail being so. */
export const survived = (standings: readonly Standing[]): Contribution => ({
  blockers: [],
  exceptions: standings.flatMap(problemsOf),
})

/** Whether something could not be read that a Vault or Kubernetes may have. */
export const isWaiting = ({ reasons }: CheckStatus): boolean => reasons.some(isUnread)

/** The verdict, its blockers in dependency order, and the root: the first of those that make the verdict what it is. */
export function conclude(
  contributions: readonly Contribution[],
  checks: Checks,
  waiting: readonly CheckStatus[],
  provider: Provider | undefined,
): Pick<MailStatus, 'verdict' | 'blockers' | 'root' | 'exceptions'> {
  const direct = contributions.flatMap(one => one.blockers)
  const blockers = distinctBy([...direct, ...systemsBehind(direct, checks, waiting)], key).sort(
    (a, b) => rank(a, provider) - rank(b, provider),
  )
  const blocked = new Set(blockers.map(key))
  const others = contributions.flatMap(one => one.exceptions).filter(one => !blocked.has(key(one)))
  const exceptions = distinctBy(others, key)
  const verdict = worst([...blockers.map(one => one.level), ...exceptions.map(() => 'warn' as const)])
  const first = blockers.find(one => one.level === verdict)
  const marked = blockers.map(one => ({ ...one, root: one === first }))
  return { verdict, blockers: marked, root: marked.find(one => one.root), exceptions }
}

const firstWayOut = Math.min(...providers.map(kind => needs[kind].rank))

/** Place in the dependency order; the provider the application is set to comes before the other one. */
function rank({ probe, reason }: Problem, provider: Provider | undefined): number {
  if (probe === exporterKind) return otherRanks.exporter
  // What a system could not read itself comes before what waits for it, and after the system it is read from.
  if (isSource({ probe }) && isUnread(reason)) return otherRanks.secret - 1
  if (reason.code.endsWith('_unresolved')) return otherRanks.secret
  if (probe === provider) return firstWayOut - 1
  return needRow(probe)?.rank ?? Infinity
}

const key = ({ probe, target, reason }: Problem): string => `${probe}/${target} ${reason.code} ${reason.text}`

/**
 * The systems that do not give what a blocker could not read: its cause, and no failure of their own. One that nothing
 * waits for is not among them, nor one that gave what was asked of it. A cluster waits for what its nodes could not read.
 */
function systemsBehind(blockers: readonly Blocking[], checks: Checks, waiting: readonly CheckStatus[]): Blocking[] {
  const blocking = new Set(blockers.map(checkId))
  const blocks = (check: CheckStatus): boolean =>
    blocking.has(check.id) ||
    (check.probe === postgres.kind && blocking.has(checkId({ probe: 'cluster', target: clusterOf(check) })))
  return sourcesBehind(waiting.filter(blocks), checks)
    .flatMap(problemsOf)
    .filter(({ reason }) => reason.verdict !== 'warn')
    .map(problem => ({ ...problem, level: 'unknown' }))
}
