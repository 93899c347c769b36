import { askAws } from '../../clients/aws/ask.ts'
import type { AwsAnswer } from '../../clients/aws/answers.ts'
import type { AwsKeys } from '../../clients/aws/sign.ts'
import type { Look } from '../../core/probe.ts'
import type { Fault } from './judge-faults.ts'
import { verifiedOf } from './identities.ts'
import type { Memory } from './memory.ts'
import type { Question } from './questions.ts'
import type { SesWanted } from './wanted.ts'

/** In the steady state. The first run asks everything. */
const mostRequests = 4
/** SES counts in quarters of an hour, and the sums are those of two weeks. */
const statisticsEveryMs = 900_000
/** Most times that an interval is waited for, when SES throttles. */
const longestWait = 16

/** After one of these the next question would get the same answer, or SES should be left alone. */
const isEnd = ({ kind }: Fault): boolean => !['denied', 'not_found', 'bad_request', 'error'].includes(kind)

/** What a round of questions found out besides the answers, which are with the questions. */
export interface Round {
  /** Why no more was asked. */
  readonly stopped: Fault | undefined
  readonly clockSkewSeconds: number | undefined
}

/** Asks SES what is due in this run, one request after the other. The first one is always signed by the application. */
export async function ask(
  memory: Memory,
  wanted: SesWanted,
  { keys, monitor }: { readonly keys: AwsKeys; readonly monitor: AwsKeys | undefined },
  look: Look,
): Promise<Round> {
  const { questions } = memory
  const { identities, configurationSet } = questions
  let requests = 0
  let stopped: Fault | undefined
  let clockSkewSeconds: number | undefined

  const put = async <T>(question: Question<T>, by: AwsKeys): Promise<AwsAnswer<T>> => {
    if (stopped) return stopped
    requests += 1
    const service = { ...wanted.service, keys: by }
    const reply = await look.phase(question.phase, () => askAws(question.call, service, look))
    const { answer } = reply
    clockSkewSeconds ??= reply.clockSkewSeconds
    if (answer.kind !== 'throttled') question.last = { at: performance.now(), answer }
    if (answer.kind !== 'ok' && isEnd(answer)) stopped = answer
    return answer
  }
  /** The keys of `monitor` are used only if those of the application may not. */
  const read = async <T>(question: Question<T>): Promise<AwsAnswer<T>> => {
    const answer = await put(question, memory.byMonitor && monitor ? monitor : keys)
    if (answer.kind !== 'denied' || memory.byMonitor || !monitor) return answer
    memory.byMonitor = true
    return put(question, monitor)
  }
  /** Only the one that was verified in the last run. If it is not any more, or none was, all of them. */
  const readIdentities = async (): Promise<void> => {
    const last = verifiedOf(identities, answersTo(identities))
    const isVerified = async ({ name }: { readonly name: string }): Promise<boolean> => {
      const one = identities.find(identity => identity.name === name)
      const answer = one && (await read(one.question))
      return answer?.kind === 'ok' && answer.value.verified === true
    }
    if (last && (await isVerified(last))) return
    for (const one of identities) if (one.name !== last?.name && (await isVerified(one))) return
  }
  /** Those before the verified one are looked at as well: the address may have got an identity of its own. */
  const inTurn = (): readonly Question<unknown>[] => {
    const verified = verifiedOf(identities, answersTo(identities))
    const before = verified
      ? identities.slice(
          0,
          identities.findIndex(({ name }) => name === verified.name),
        )
      : []
    return [...questions.suppressed, questions.statistics, ...before.map(({ question }) => question)]
  }
  const readNext = async (): Promise<void> => {
    const all = inTurn()
    const ordered = [...all.slice(memory.turn % all.length), ...all.slice(0, memory.turn % all.length)]
    const next = ordered.find(isDue)
    if (!next) return
    memory.turn = all.indexOf(next) + 1
    await read(next)
  }
  const isDue = (question: Question<unknown>): boolean =>
    question !== questions.statistics ||
    question.last === undefined ||
    performance.now() - question.last.at >= statisticsEveryMs
  const readAll = async (): Promise<void> => {
    const all: readonly Question<unknown>[] = [...questions.suppressed, questions.statistics]
    for (const question of all) await read(question)
  }

  const account = await put(questions.account, keys)
  if (account.kind === 'denied' && monitor) {
    memory.byMonitor = true
    const monitored = await put(questions.monitored, monitor)
    if (monitored.kind !== 'ok' && monitored.kind !== 'denied') return wound()
  } else if (account.kind !== 'ok' && account.kind !== 'denied') return wound()
  memory.runs += 1
  await readIdentities()
  const isFirst = !memory.complete
  const hasRoom = mostRequests - requests > 1
  if (configurationSet && (isFirst || hasRoom || memory.runs % 2 === 0)) await read(configurationSet)
  if (isFirst) await readAll()
  else if (requests < mostRequests) await readNext()
  memory.complete = true
  return wound()

  function wound(): Round {
    memory.wait = stopped?.kind === 'throttled' ? waitAfter(memory, stopped, look) : undefined
    return { stopped, clockSkewSeconds }
  }
}

function waitAfter({ wait }: Memory, fault: Fault, { intervalMs }: Look): Memory['wait'] {
  const intervals = Math.min(2 * (wait?.intervals ?? 1), longestWait)
  // Half an interval less, since runs are not punctual to the millisecond.
  return { intervals, until: performance.now() + (intervals - 0.5) * intervalMs, fault }
}

/** The last answers about identities, by name. */
export const answersTo = (identities: Memory['questions']['identities']) =>
  new Map(identities.flatMap(({ name, question: { last } }) => (last ? [[name, last.answer] as const] : [])))
