import { queryCodes, type Dns, type DnsAnswer, type RecordOf, type RecordType } from '../../clients/dns/index.ts'
import type { Look } from '../../core/probe.ts'
import type { Memory } from './memory.ts'
import type { DnsSeen } from './seen.ts'

type Gaps = Pick<DnsSeen, 'unanswered' | 'unconfirmed' | 'isUsedUp' | 'queries'>

/** The questions of one look, compared with those of the look before. */
interface Remembering {
  readonly dns: Dns
  /** Remembers what was found, and returns what is not known. To be called once, when all questions have ended. */
  readonly done: () => Gaps
}

/** The most records that are remembered. A look finds no more than it asks for, but the names in records may change each time. */
const mostRemembered = 400

/**
 * What was found in the look before and is missing in this one may come from one name server that is behind, so it counts as
 * not answered, and as missing from the next look on. What is not known is collected here, so no subject has to.
 */
export function remembering(asked: Dns, memory: Memory, look: Pick<Look, 'failed'>): Remembering {
  const { found: before, missing } = memory
  const [found, gone] = [new Set<string>(), new Set<string>()]
  const [unanswered, unconfirmed] = [new Set<string>(), new Set<string>()]
  let isUsedUp = false

  function heard<Data>(key: string, answer: DnsAnswer<Data>): DnsAnswer<Data> {
    if (answer.kind === 'found') found.add(key)
    else if (answer.kind === 'failed') {
      unanswered.add(answer.text)
      isUsedUp ||= answer.code === 'too_many_queries'
      if (answer.want) look.failed({ want: answer.want }, answer.text)
    } else if (before.has(key) && !missing.has(key)) {
      unconfirmed.add(key)
      return { kind: 'failed', code: 'other', text: `${key} was there in the look before` }
    } else gone.add(key)
    return answer
  }

  const dns: Dns = {
    servers: asked.servers,
    counts: asked.counts,
    ask: async <Type extends RecordType>(name: string, type: Type): Promise<DnsAnswer<RecordOf[Type]>> =>
      heard(`${name.toLowerCase()} ${type}`, await asked.ask(name, type)),
    // That one server of several does not answer is no gap: others do.
    askAt: (server, name, type) => asked.askAt(server, name, type),
  }
  return {
    dns,
    done() {
      for (const code of queryCodes) memory.queries[code] += asked.counts[code]
      // What was not asked for, or not answered, may only be behind what is not known.
      const isWhole = unanswered.size === 0 && unconfirmed.size === 0
      const kept = isWhole ? [] : [...before].filter(key => !gone.has(key))
      memory.found = new Set([...found, ...kept].slice(0, mostRemembered))
      memory.missing = unconfirmed
      return {
        unanswered: [...unanswered],
        unconfirmed: [...unconfirmed],
        isUsedUp,
        queries: { ...memory.queries },
      }
    },
  }
}
