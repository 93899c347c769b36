import type { AwsAnswer, AwsFailure } from '../../clients/aws/answers.ts'
import type { Look } from '../../core/probe.ts'
import { askerFor, type Asker, type RunKeys } from './asker.ts'
import type { Memory } from './memory.ts'
import { verifiedIn, type Question } from './questions.ts'
import type { SesWanted } from './wanted.ts'

/** In the steady state. The first run asks everything. */
const mostRequests = 4
/** SES counts in quarters of an hour, and the answer has those of two weeks. */
const statisticsEveryMs = 900_000
/** Most intervals that are waited for when SES throttles. */
const longestWait = 16

/** What a round found out besides the answers, which are with the questions. */
export interface Round {
  /** Why no more was asked. */
  readonly stopped: AwsFailure | undefined
  readonly clockSkewSeconds: number | undefined
}

/** Asks SES what is due in this run, one request after the other. */
export async function askRound(memory: Memory, wanted: SesWanted, keys: RunKeys, look: Look): Promise<Round> {
  const asker = askerFor(memory, wanted, keys, look)
  if (await readsOn(memory, asker, keys)) await askRest(memory, asker)
  const { stopped, clockSkewSeconds } = asker
  memory.wait = stopped?.kind === 'throttled' ? waitAfter(memory, stopped, look) : undefined
  return { stopped, clockSkewSeconds }
}

/** Asks for the account, first with the keys of the application. Whether more can be read. */
async function readsOn(memory: Memory, asker: Asker, { own, monitor }: RunKeys): Promise<boolean> {
  const { account, monitored } = memory.questions
  const { kind } = await asker.put(account, own)
  if (kind !== 'denied' || !monitor) return kind === 'ok' || kind === 'denied'
  memory.byMonitor = true
  const read = await asker.put(monitored, monitor)
  return read.kind === 'ok' || read.kind === 'denied'
}

async function askRest(memory: Memory, asker: Asker): Promise<void> {
  const { questions, complete } = memory
  const { configurationSet, suppressed, statistics } = questions
  memory.runs += 1
  await readIdentities(memory, asker)
  // If there is room for one more, the configuration set and those in turn take turns.
  const isItsTurn = mostRequests - asker.requests > 1 || memory.runs % 2 === 0
  if (configurationSet && (!complete || isItsTurn)) await asker.read(configurationSet)
  if (complete && asker.requests < mostRequests) await readNext(memory, asker)
  if (!complete) for (const question of [...suppressed, statistics] as Question<unknown>[]) await asker.read(question)
  memory.complete = true
}

/**
 * Only the one that was verified in the last run. If it is not any more, or none was, all of them up to one that is. Of those
 * that may not be read, which is usual for keys that only send, two at most: the first, and one in turn.
 */
async function readIdentities({ questions: { identities }, complete, runs }: Memory, asker: Asker): Promise<void> {
  const last = verifiedIn(identities)
  const [first, ...others] = identities.filter(({ question }) => question.last?.answer.kind === 'denied')
  const left = complete && first ? others.filter((_, i) => i !== runs % others.length) : []
  for (const one of last ? [last, ...identities.filter(other => other !== last)] : identities) {
    if (left.includes(one)) continue
    await asker.read(one.question)
    if (verifiedIn([one])) return
  }
}

/** The one of those in turn that is due next. */
async function readNext(memory: Memory, asker: Asker): Promise<void> {
  const { identities, suppressed, statistics } = memory.questions
  // The address may have got an identity of its own since.
  const verified = verifiedIn(identities)
  const before = verified ? identities.slice(0, identities.indexOf(verified)) : []
  const all: readonly Question<unknown>[] = [...suppressed, statistics, ...before.map(({ question }) => question)]
  const first = memory.turn % all.length
  const next = [...all.slice(first), ...all.slice(0, first)].find(one => one !== statistics || isDue(statistics))
  if (!next) return
  memory.turn = all.indexOf(next) + 1
  await asker.read(next)
}

const isDue = ({ last }: Question<unknown>): boolean =>
  last === undefined || !isSettled(last.answer) || performance.now() - last.at >= statisticsEveryMs

/** After any other answer it is worth asking again before a quarter of an hour is over. */
const isSettled = ({ kind }: AwsAnswer<unknown>): boolean => kind === 'ok' || kind === 'denied'

function waitAfter({ wait }: Memory, failure: AwsFailure, { intervalMs }: Look): Memory['wait'] {
  const intervals = Math.min(2 * (wait?.intervals ?? 1), longestWait)
  // Half an interval less, since runs are not punctual to the millisecond.
  return { intervals, until: performance.now() + (intervals - 0.5) * intervalMs, failure }
}
