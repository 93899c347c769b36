import type { AwsAnswer, AwsFailure } from '../../clients/aws/answers.ts'
import { askAws } from '../../clients/aws/ask.ts'
import type { AwsKeys } from '../../clients/aws/sign.ts'
import type { Look } from '../../core/probe.ts'
import type { Memory } from './memory.ts'
import type { Question } from './questions.ts'
import type { SesWanted } from './wanted.ts'

/** The keys of a run. `monitor`: only if they are of the same account. */
export interface RunKeys {
  readonly own: AwsKeys
  readonly monitor: AwsKeys | undefined
}

/** Puts questions to SES, and keeps the answers with them. After an answer that ends the run nothing more is sent. */
export interface Asker {
  put<T>(question: Question<T>, by: AwsKeys): Promise<AwsAnswer<T>>
  /** With the keys of the application; with those of `monitor` once the application may not read something. */
  read<T>(question: Question<T>): Promise<AwsAnswer<T>>
  readonly requests: number
  readonly stopped: AwsFailure | undefined
  readonly clockSkewSeconds: number | undefined
}

/** After any other the next question would get the same answer, or SES should be left alone. */
const goesOn = ({ kind }: AwsAnswer<unknown>): boolean =>
  ['ok', 'denied', 'not_found', 'bad_request', 'error'].includes(kind)

export function askerFor(memory: Memory, wanted: SesWanted, { own, monitor }: RunKeys, look: Look): Asker {
  let requests = 0
  let stopped: AwsFailure | undefined
  let clockSkewSeconds: number | undefined
  const put: Asker['put'] = async (question, keys) => {
    if (stopped) return stopped
    requests += 1
    const reply = await look.phase(question.phase, () => askAws(question.call, { ...wanted.service, keys }, look))
    const { answer } = reply
    clockSkewSeconds ??= reply.clockSkewSeconds
    if (answer.kind !== 'throttled') question.last = { at: performance.now(), answer }
    if (answer.kind !== 'ok' && !goesOn(answer)) stopped = answer
    return answer
  }
  return {
    put,
    async read(question) {
      const answer = await put(question, memory.byMonitor && monitor ? monitor : own)
      if (answer.kind !== 'denied' || memory.byMonitor || !monitor) return answer
      memory.byMonitor = true
      return put(question, monitor)
    },
    get requests() {
      return requests
    },
    get stopped() {
      return stopped
    },
    get clockSkewSeconds() {
      return clockSkewSeconds
    },
  }
}
