import { setMaxListeners } from 'node:events'
import { seconds } from '../../core/errors.ts'
import type { TakeNote } from '../../core/transcript.ts'
import { ask, hasRoom, type Answer } from './ask.ts'
import { patienceMs, type Resolv } from './resolv.ts'

/** An answer, and the server that gave it. */
export type Told = Answer & { readonly server: string }

/** A server that has not answered by then has company: the next one is asked as well. The system waits for longer. */
const nextServerMs = 1_000
/** A question that was lost on its way is asked again so much later. */
const againMs = 2_000

/**
 * Asks the servers for one name, as the system does: the next one where one fails, or says SERVFAIL, and as often as it
 * does. But servers that are slow are asked side by side, and the first that knows is believed: a dead first server costs
 * a second here, and not the whole time of a run. Rejects with the signal's reason.
 */
export async function askServers(
  name: string,
  servers: readonly string[],
  resolv: Resolv,
  port: number,
  signal: AbortSignal,
  note: TakeNote | undefined,
): Promise<Told> {
  const begun = performance.now()
  const patience = patienceMs(resolv)
  const types = resolv.noAaaa ? (['A'] as const) : (['A', 'AAAA'] as const)
  const turns = Array.from({ length: resolv.attempts }, () => servers).flat()
  const pauseMs = Math.max(nextServerMs, againMs / servers.length)
  const over = new AbortController()
  const all = AbortSignal.any([signal, over.signal])
  // One for each socket.
  setMaxListeners(0, all)
  const underWay = new Map<Promise<Told>, string>()
  const silent = new Set<string>()
  const timers = new Set<ReturnType<typeof setTimeout>>()
  const wait = (ms: number): Promise<undefined> =>
    new Promise(resolve => {
      timers.add(setTimeout(() => resolve(undefined), ms))
    })
  const begin = (server: string, timeoutMs: number): void => {
    const asking: Promise<Told> = ask(server, port, { name, types, single: resolv.single, timeoutMs }, all)
      .then(answer => ({ ...answer, server }))
      .finally(() => underWay.delete(asking))
    asking.catch(() => undefined)
    underWay.set(asking, server)
  }
  let last: Told | undefined
  let next = 0
  try {
    for (let due = 0; ;) {
      const server = turns[next]
      const elapsed = performance.now() - begun
      if (server !== undefined && (underWay.size === 0 || (elapsed >= due && hasRoom()))) {
        begin(server, Math.max(1, Math.ceil(patience - elapsed)))
        due = elapsed + pauseMs
        next++
        continue
      }
      if (underWay.size === 0) break
      const pause = elapsed < due ? due - elapsed : pauseMs
      const told = await Promise.race([...underWay.keys(), ...(server === undefined ? [] : [wait(pause)])])
      if (told === undefined) {
        for (const one of underWay.values()) {
          if (silent.has(one)) continue
          silent.add(one)
          note?.(
            `the name server ${one} has not answered for ${name} yet; the system waits ${seconds(resolv.timeoutMs)}`,
          )
        }
      } else if (told.kind === 'failed') {
        note?.(`the name server ${told.server} ${inWords(told.code)} for ${name}`)
        if (!told.want || !last) last = told
        // c-ares waits for 5 s at most, whatever it is given.
        if (told.code === 'ETIMEOUT' && performance.now() - begun < patience - 100) turns.push(told.server)
        // The next one at once.
        due = 0
      } else return told
    }
  } finally {
    for (const timer of timers) clearTimeout(timer)
    over.abort(new Error('another server has answered'))
  }
  return last ?? { kind: 'failed', code: 'ETIMEOUT', server: servers.join(', ') }
}

/** A failure of a name server, as the end of a sentence that begins with it. Never a word that could be about the target. */
export function inWords(code: string): string {
  switch (code) {
    case 'ETIMEOUT':
    case 'ECANCELLED':
      return 'does not answer'
    case 'ECONNREFUSED':
      return 'cannot be reached'
    case 'ESERVFAIL':
      return 'answers SERVFAIL'
    case 'EREFUSED':
      return 'answers REFUSED'
    case 'ENOTIMP':
      return 'answers NOTIMP'
    case 'EFORMERR':
      return 'answers FORMERR'
    default:
      return `gives no whole answer (${code})`
  }
}
