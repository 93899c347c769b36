import { seconds } from '../../core/errors.ts'
import type { TakeNote } from '../../core/transcript.ts'
import { ask, hasRoom, type Answer } from './ask.ts'
import { patienceMs, type Resolv } from './resolv.ts'

/** An answer, and the server that gave it. */
type Reply = Answer & { readonly server: string }

/** After this time without an answer the next server is asked as well, in milliseconds. The system waits longer. */
const nextServerMs = 1_000
/** A lost question is asked again after this time, in milliseconds. */
const againMs = 2_000

/**
 * Asks the servers for one name, as the system does: the next one if one fails or says SERVFAIL, with as many tries.
 * But slow servers are asked side by side, and the first answer counts. So a dead first server costs a second here, and
 * not the whole run. Rejects with the signal's reason.
 */
export async function askServers(
  name: string,
  servers: readonly string[],
  resolv: Resolv,
  port: number,
  signal: AbortSignal,
  note: TakeNote | undefined,
): Promise<Reply> {
  const begun = performance.now()
  const patience = patienceMs(resolv)
  const types = resolv.noAaaa ? (['A'] as const) : (['A', 'AAAA'] as const)
  const turns = Array.from({ length: resolv.attempts }, () => servers).flat()
  const pauseMs = Math.max(nextServerMs, againMs / servers.length)
  const underWay = new Map<Promise<Reply | undefined>, { readonly server: string; readonly end: AbortController }>()
  const endAll = (): void => {
    for (const { end } of underWay.values()) end.abort(signal.reason)
  }
  const begin = (server: string): void => {
    const end = new AbortController()
    const timeoutMs = Math.max(1, Math.ceil(patience - (performance.now() - begun)))
    const asking: Promise<Reply | undefined> = ask(
      server,
      port,
      { name, types, single: resolv.single, timeoutMs },
      end.signal,
    )
      // It rejects only when it was ended here.
      .then(
        answer => ({ ...answer, server }),
        () => undefined,
      )
      .finally(() => underWay.delete(asking))
    underWay.set(asking, { server, end })
  }
  const silent = new Set<string>()
  const noteSilent = (): void => {
    for (const { server } of underWay.values()) {
      if (silent.has(server)) continue
      silent.add(server)
      note?.(
        `the name server ${server} has not answered for ${name} yet; the system waits ${seconds(resolv.timeoutMs)}`,
      )
    }
  }
  let last: Reply | undefined
  let due = 0
  signal.addEventListener('abort', endAll)
  try {
    for (let next = 0; ;) {
      signal.throwIfAborted()
      const server = turns[next]
      const elapsed = performance.now() - begun
      const [waitMs, leftMs] = [due - elapsed, patience - elapsed]
      if (server !== undefined && (underWay.size === 0 || waitMs <= 0)) {
        // As the system does: leave a silent server for the next.
        if (!hasRoom()) underWay.values().next().value?.end.abort(new Error('another server is asked instead'))
        begin(server)
        due = elapsed + pauseMs
        next++
        continue
      }
      // By our own clock: the one of c-ares in Node goes by whole seconds.
      if (underWay.size === 0 || leftMs <= 0) break
      const reply = await firstOf([...underWay.keys()], server === undefined ? leftMs : Math.min(waitMs, leftMs))
      if (reply === undefined) noteSilent()
      else if (reply.kind !== 'failed') return reply
      else {
        note?.(`the name server ${reply.server} ${dnsErrorText(reply.code)} for ${name}`)
        if (!reply.want || !last) last = reply
        // c-ares waits for at most 5 s, whatever it is given.
        if (reply.code === 'ETIMEOUT' && performance.now() - begun < patience - 100) turns.push(reply.server)
        // The next one at once.
        due = 0
      }
    }
  } finally {
    signal.removeEventListener('abort', endAll)
    endAll()
  }
  return last ?? { kind: 'failed', code: 'ETIMEOUT', server: servers[0] ?? '' }
}

/** The first answer; undefined if none came in time. */
async function firstOf(asking: readonly Promise<Reply | undefined>[], ms: number): Promise<Reply | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const over = new Promise<undefined>(resolve => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  try {
    return await Promise.race([...asking, over])
  } finally {
    clearTimeout(timer)
  }
}

/** A failure of a name server, as the end of a sentence that begins with it. No word of it can be about the target. */
export function dnsErrorText(code: string): string {
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
