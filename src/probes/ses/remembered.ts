import { failureIn, type AwsAnswer, type AwsFailure } from '../../clients/aws/answers.ts'
import { decide } from './identities.ts'
import { answersTo, type Question, type Questions } from './questions.ts'
import type { SesAsked, SesIdentity, SesSuppressed } from './seen.ts'

/** Facts that are asked in each run count for this many intervals, those that are asked in turn for longer. */
const keptIntervals = 3
const keptInTurn = 64
const keptInTurnMs = 3_600_000

type Facts = Pick<SesAsked, 'account' | 'monitored' | 'identity' | 'configurationSet' | 'suppressed' | 'statistics'>

/** What is known of SES by the answers that are not too old, and the age of the oldest that matters; undefined if one is missing. */
export interface Remembered extends Facts {
  readonly ageMs: number | undefined
}

/** `missing` stands for an answer that is not there, or is too old. */
export function remembered(
  questions: Questions,
  missing: AwsFailure,
  { intervalMs, hasMonitor }: { readonly intervalMs: number; readonly hasMonitor: boolean },
): Remembered {
  const now = performance.now()
  const keptMs = keptIntervals * intervalMs
  const turnMs = Math.max(keptInTurn * intervalMs, keptInTurnMs)
  const used: (number | undefined)[] = []
  /** The answer, which `canDeliver` rests on. */
  const needed = <T>(last: Question<T>['last']): AwsAnswer<T> => {
    const isFresh = last !== undefined && now - last.at < keptMs
    used.push(isFresh ? now - last.at : undefined)
    return isFresh ? last.answer : missing
  }
  const account = needed(questions.account.last)
  const monitored = account.kind === 'denied' && hasMonitor ? needed(questions.monitored.last) : undefined
  // The others say nothing while the keys are not taken, or SES is not there.
  const isRead = ['ok', 'denied'].includes((monitored ?? account).kind)
  const inTurn = <T>({ last }: Question<T>): AwsAnswer<T> | undefined =>
    last !== undefined && now - last.at < turnMs ? last.answer : undefined
  return {
    account,
    monitored,
    ...(isRead && {
      identity: questions.identities.length === 0 ? undefined : needed(decidingIdentity(questions, turnMs, now)),
      configurationSet: questions.configurationSet && needed(questions.configurationSet.last),
      suppressed: suppressedIn(questions.suppressed.map(inTurn)),
      statistics: inTurn(questions.statistics),
    }),
    ageMs: used.includes(undefined) ? undefined : Math.max(...used.filter(one => one !== undefined)),
  }
}

/** The identity that decides, as of the time of its own answer. */
function decidingIdentity({ identities }: Questions, turnMs: number, now: number): Question<SesIdentity>['last'] {
  const young = identities.filter(({ question: { last } }) => last !== undefined && now - last.at < turnMs)
  const decision = decide(identities, answersTo(young))
  const last = identities.find(({ name }) => name === decision?.by)?.question.last
  return decision && last && { at: last.at, answer: decision.answer }
}

/** One that is on the list is evidence, even where others could not be asked. */
function suppressedIn(
  answers: readonly (AwsAnswer<Omit<SesSuppressed, 'index'>> | undefined)[],
): SesAsked['suppressed'] {
  const found = answers.flatMap((answer, index) => (answer?.kind === 'ok' ? [{ index, ...answer.value }] : []))
  if (found.length > 0) return { kind: 'ok', value: found }
  const failure = answers.map(failureIn).find(one => one !== undefined && one.kind !== 'not_found')
  if (failure) return failure
  return answers.some(answer => answer !== undefined) ? { kind: 'ok', value: [] } : undefined
}
