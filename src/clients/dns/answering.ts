import { cut } from '../../core/shown.ts'
import type { TakeNote } from '../../core/transcript.ts'
import { ofSeveral } from '../../core/want.ts'
import { askOnce, type Reply } from './ask.ts'
import {
  mostAtOnce,
  mostQueries,
  queryCodes,
  type DnsAnswer,
  type QueryCode,
  type RecordOf,
  type RecordType,
} from './records.ts'
import type { Server } from './server.ts'
import { inTurns } from './turns.ts'

interface Answering {
  readonly answer: <Type extends RecordType>(
    servers: readonly Server[],
    name: string,
    type: Type,
  ) => Promise<DnsAnswer<RecordOf[Type]>>
  readonly counts: Record<QueryCode, number>
}

/** No server is waited for longer, and none shorter, in milliseconds. */
const patience = { least: 250, most: 5_000 }
/** The share of the time of a run after which nothing more is asked. */
const usableShare = 0.85
/** A server that has answered nothing, and has failed with this many questions, is not asked again in this run. */
const mostFailures = 3
/** In place of a number of failures: the server has answered, so silence about a name is about the name. */
const lives = -Infinity
const noteLength = 200

/** Asks servers in turn, within the number of questions and the time of a run. */
export function answering({
  signal,
  note,
  timeoutMs,
  servers: usual,
}: {
  readonly signal: AbortSignal
  readonly note: TakeNote
  readonly timeoutMs: number
  /** Those that are asked mostly: the time of the run is shared among them. */
  readonly servers: readonly Server[]
}): Answering {
  const counts = Object.fromEntries(queryCodes.map(code => [code, 0])) as Record<QueryCode, number>
  const inTurn = inTurns(mostAtOnce, signal)
  const end = performance.now() + timeoutMs * usableShare
  const shareMs = Math.min(patience.most, Math.max(patience.least, timeoutMs / (4 * Math.max(1, usual.length))))
  /** How many questions each server has failed with; none once it has answered one. */
  const failures = new Map<string, number>()
  let answered: string | undefined
  let asked = 0

  const isDead = ({ label }: Server): boolean => (failures.get(label) ?? 0) >= mostFailures

  /** The server that answered last is asked first. */
  const inOrder = (servers: readonly Server[]): Server[] =>
    [...servers].sort((a, b) => Number(b.label === answered) - Number(a.label === answered))

  function learn<Data>(server: Server, reply: Reply<Data>): Reply<Data> {
    // Nothing was sent.
    if (reply.kind === 'failed' && reply.want) return reply
    counts[codeOf(reply)]++
    const before = failures.get(server.label) ?? 0
    const isSilent = reply.kind === 'failed' && (reply.code === 'timeout' || reply.code === 'unreachable')
    failures.set(server.label, isSilent ? before + 1 : lives)
    if (reply.kind !== 'failed' && usual.includes(server)) answered = server.label
    const isTcp = before === lives && reply.kind === 'failed' && reply.code === 'unreachable'
    return isTcp ? { ...reply, words: 'answers over UDP, and refuses TCP, which a long answer takes,' } : reply
  }

  async function one<Type extends RecordType>(
    server: Server,
    name: string,
    type: Type,
  ): Promise<Reply<RecordOf[Type]> | undefined> {
    const leftMs = end - performance.now()
    if (asked >= mostQueries || leftMs <= 0) return undefined
    asked++
    const begun = performance.now()
    const reply = learn(server, await askOnce(server, name, type, { timeoutMs: Math.min(shareMs, leftMs), signal }))
    const ms = Math.round(performance.now() - begun)
    note(`${name} ${type}: ${cut(inWords(reply), noteLength)} (${server.label}, ${ms} ms)`)
    return reply
  }

  async function answer<Type extends RecordType>(
    servers: readonly Server[],
    name: string,
    type: Type,
  ): Promise<DnsAnswer<RecordOf[Type]>> {
    const failed: (Extract<Reply<unknown>, { kind: 'failed' }> & { readonly label: string })[] = []
    for (const server of inOrder(servers)) {
      if (isDead(server)) {
        failed.push({ kind: 'failed', code: 'timeout', words: 'does not answer', label: server.label })
        continue
      }
      const reply = await one(server, name, type)
      if (reply === undefined) break
      if (reply.kind !== 'failed') return reply
      failed.push({ ...reply, label: server.label })
    }
    const [first, ...others] = failed
    const last = failed.at(-1)
    if (servers.length === 0)
      return { kind: 'failed', code: 'other', text: `no name server is known, so ${name} ${type} was not asked for` }
    if (first === undefined || last === undefined) return notAsked(name, type)
    const also = others.map(({ label, words }) => `, ${label} ${words}`).join('')
    return {
      kind: 'failed',
      code: last.code,
      text: `${first.label} ${first.words}${also} for ${name} ${type}`,
      want: ofSeveral(failed.map(({ want }) => want)),
    }
  }

  const notAsked = (name: string, type: RecordType): DnsAnswer<never> =>
    asked >= mostQueries
      ? {
          kind: 'failed',
          code: 'too_many_queries',
          text: `${name} ${type} was not asked for: a look asks at most ${mostQueries} questions`,
        }
      : { kind: 'failed', code: 'timeout', text: `${name} ${type} was not asked for: the time of the look was over` }

  return { counts, answer: (servers, name, type) => inTurn(() => answer(servers, name, type)) }
}

const codeOf = (reply: Reply<unknown>): QueryCode => {
  if (reply.kind === 'found') return 'noerror'
  if (reply.kind === 'none') return reply.exists ? 'nodata' : 'nxdomain'
  return reply.code
}

function inWords(reply: Reply<unknown>): string {
  if (reply.kind === 'found') return reply.records.map(record => JSON.stringify(record)).join(' ')
  if (reply.kind === 'none') return reply.exists ? 'no such record' : 'no such name'
  return reply.words
}
