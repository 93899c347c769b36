import { groupBy } from '../core/group.ts'
import { seenBy, worst, type Reason } from '../core/probe.ts'
import { leavesBy } from '../probes/canary/leaves-by.ts'
import { firstProvider, type MailTarget, type Provider } from '../probes/mail/index.ts'
import { ses } from '../probes/ses/index.ts'
import { canDeliver } from '../probes/ses/judge.ts'
import type { Reason as SesReason } from '../probes/ses/reasons.ts'
import type { Blocker, CheckStatus } from './assessment.ts'
import { isLoss, isRefusal } from './canary.ts'
import { mailProblem } from './mail-reasons.ts'
import { problemsOf, type Contribution, type Problem } from './verdict.ts'

/** The ways out of a mail path. */
export type Ways = Readonly<Record<Provider, readonly CheckStatus[]>>
type Ability = 'yes' | 'no' | 'unknown' | 'not probed'

const fallbackNotSaid = (first: Provider, second: Provider): string =>
  `sends with ${first}, which is not known to work; ${second} works, and whether the application falls back to it is not said`

/** Warnings that stop all mail of their way out. It may well be meant that SES is not in use. */
const stopping: readonly SesReason['code'][] = ['ses_absent', 'ses_stub']

/**
 * Whether mail can leave, and whether it arrives: by the provider that the application uses, or by the other one. A fallback to
 * the other one is not assumed: if that decides the verdict, the configuration has to say it. A way that refuses a canary
 * cannot deliver.
 */
export function delivery(
  target: MailTarget,
  provider: Provider | undefined,
  all: Ways,
  canaries: readonly CheckStatus[],
): readonly Contribution[] {
  const proofs = canaries.flatMap(proofOf)
  const byWay = groupBy(proofs, ({ way }) => way)
  const refusalsOf = ({ id }: CheckStatus): Problem[] => byWay.get(id)?.flatMap(({ refusals }) => refusals) ?? []
  const first = provider ?? firstProvider(kind => all[kind].length > 0)
  const second = first === 'smtp' ? 'ses' : 'smtp'
  const noFallback = provider !== undefined && target.fallback !== undefined && target.fallback !== second
  const ways: Ways = noFallback ? { ...all, [second]: [] } : all
  const can = { smtp: ability('smtp', ways.smtp, refusalsOf), ses: ability('ses', ways.ses, refusalsOf) }
  const leaving: Leaving = {
    can,
    first,
    second,
    isSure: provider !== undefined,
    fallsBack: provider === undefined || target.fallback === second,
  }
  const losing = new Set(proofs.filter(one => one.others.some(hasLoss)).map(({ way }) => way))
  // Of several accounts it is not known which one a mail leaves by.
  const someAccountsLose = !ways.ses.every(({ id }) => losing.has(id))
  return [
    departure(target, leaving, all, ways, refusalsOf),
    ...proofs.map(one => arrival(one, leaving, one.provider === 'ses' && someAccountsLose)),
  ]
}

/** Which ways out the application takes. */
interface Leaving {
  readonly can: Readonly<Record<Provider, Ability>>
  readonly first: Provider
  readonly second: Provider
  /** It is known that `first` is the provider. */
  readonly isSure: boolean
  readonly fallsBack: boolean
}

/** What a canary says of a way out. */
interface Proof {
  readonly provider: Provider
  /** The check of its way. */
  readonly way: string
  readonly refusals: readonly Problem[]
  /** Without what follows from its way: that has a blocker of its own. */
  readonly others: readonly Problem[]
}

function proofOf(canary: CheckStatus): Proof[] {
  const own = leavesBy(canary)
  if (!own) return []
  const problems = problemsOf(canary).filter(({ reason }) => reason.because !== own.id)
  return [
    {
      provider: own.provider,
      way: own.id,
      refusals: problems.filter(({ reason }) => isRefusal(reason)),
      others: problems.filter(({ reason }) => !isRefusal(reason)),
    },
  ]
}

type RefusalsOf = (way: CheckStatus) => readonly Problem[]

function ability(provider: Provider, checks: readonly CheckStatus[], refusalsOf: RefusalsOf): Ability {
  if (checks.length === 0) return 'not probed'
  const refuses = (way: CheckStatus): boolean => refusalsOf(way).length > 0
  // Of several accounts it is not known which one a mail leaves by.
  if (provider === 'ses') {
    const all = new Set(checks.map(account => (refuses(account) ? 'no' : sesAbility(account))))
    const [first = 'unknown', ...others] = all
    return others.length === 0 ? first : 'unknown'
  }
  // The application needs every relay that is listed.
  const all = worst(checks.map(relay => (refuses(relay) ? 'fail' : relay.verdict)))
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

/** Whether mail can leave. */
function departure(
  target: MailTarget,
  { can, first, second, fallsBack }: Leaving,
  all: Ways,
  ways: Ways,
  refusalsOf: RefusalsOf,
): Contribution {
  const allOf = (way: CheckStatus): Problem[] => [...problemsOf(way), ...refusalsOf(way)]
  // A missing second provider matters only if the first one does not work.
  const broken = all[second].flatMap(way => (way.verdict === 'fail' ? allOf(way) : refusalsOf(way)))
  if (can[first] === 'yes') return { blockers: [], exceptions: [...ways[first].flatMap(allOf), ...broken] }
  const problems = [...ways[first], ...ways[second]].flatMap(allOf)
  if (can[first] === 'not probed')
    problems.push(mailProblem(target, 'mail_provider_not_probed', `no ${first} target is configured`))
  if (can[second] === 'yes' && fallsBack) return { blockers: [], exceptions: problems }
  if (can[second] === 'yes')
    problems.push(mailProblem(target, 'mail_fallback_not_said', fallbackNotSaid(first, second)))
  const dead = can[first] === 'no' && can[second] !== 'unknown' && can[second] !== 'yes'
  const harmless = ({ reason }: Problem): boolean =>
    reason.verdict === 'warn' && !stopping.some(code => code === reason.code)
  const levelOf = ({ reason }: Problem) => (dead && reason.verdict !== 'unknown' ? 'fail' : 'unknown')
  return {
    blockers: problems.filter(one => !harmless(one)).map(one => ({ ...one, level: levelOf(one) })),
    exceptions: [...problems.filter(harmless), ...(ways[second].length === 0 ? broken : [])],
  }
}

/**
 * Whether what leaves arrives. A loss does not make the application fall back: its mail was accepted. A proof that is missing
 * stops no mail. `isSome`: mail may leave by another account, whose canary was not lost.
 */
function arrival({ provider, others }: Proof, leaving: Leaving, isSome: boolean): Contribution {
  const level = lossLevel(provider, leaving)
  const isFail = ({ reason }: Problem): boolean => reason.verdict === 'fail'
  if (level === undefined) return { blockers: [], exceptions: others.filter(isFail) }
  return {
    blockers: others.filter(hasLoss).map(one => ({ ...one, level: isSome ? 'unknown' : level })),
    exceptions: others.filter(one => !hasLoss(one)),
  }
}

const hasLoss = ({ reason }: { readonly reason: Reason }): boolean => isLoss(reason)

/** What a loss behind this provider makes of the verdict; undefined if no mail leaves by it. */
function lossLevel(
  provider: Provider,
  { can, first, second, isSure, fallsBack }: Leaving,
): Blocker['level'] | undefined {
  if (can[provider] === 'no') return undefined
  if (provider === first) return isSure || can[second] === 'no' || can[second] === 'not probed' ? 'fail' : 'unknown'
  if (!fallsBack || can[first] === 'yes') return undefined
  return can[first] === 'no' ? 'fail' : 'unknown'
}
