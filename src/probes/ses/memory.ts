import type { AwsFailure } from '../../clients/aws/answers.ts'
import type { AwsKeys } from '../../clients/aws/sign.ts'
import { fingerprint } from '../../core/fingerprint.ts'
import { questionsFor, type Questions } from './questions.ts'
import type { SesTarget } from './target.ts'
import type { SesWanted } from './wanted.ts'

/** What is kept of a target between its runs. */
export interface Memory {
  /** Fingerprint of what is asked, and by whom. Answers to something else are no answers. */
  readonly of: string
  readonly questions: Questions
  /** All was asked once. From then on some questions are asked in turn. */
  complete: boolean
  /** Counts the runs that asked. */
  runs: number
  /** Whose turn it is of the questions that are asked in turn. */
  turn: number
  /** Set once the keys of the application may not read something: those of `monitor` read from then on. */
  byMonitor: boolean
  /** SES throttled: until when nothing is asked (by the monotonic clock), and for how many intervals. */
  wait: { readonly until: number; readonly intervals: number; readonly failure: AwsFailure } | undefined
}

/** Kept here because a probe has no state, and weakly, so that it goes with the target. */
const memories = new WeakMap<SesTarget, Memory>()

/**
 * With other keys or another sender everything is asked from the start: a new secret may be wrong. SES throttles the account,
 * so that stays. `by`: whose answers they are.
 */
export function memoryOf(target: SesTarget, wanted: SesWanted, by: AwsKeys | string | undefined): Memory {
  const { service, ...rest } = wanted
  const of = fingerprint([service.region, service.endpoint ?? '', by ?? '', rest])
  const last = memories.get(target)
  if (last?.of === of) return last
  const questions = questionsFor(wanted)
  const memory = { of, questions, complete: false, runs: 0, turn: 0, byMonitor: false, wait: last?.wait }
  memories.set(target, memory)
  return memory
}
