import type { Shown } from '../../clients/certificates.ts'
import { basicAuthorization, unanswered, type RequestFailure } from '../../clients/http-target.ts'
import { HttpFailure, addressOf, httpRequest, type HttpResponse } from '../../clients/http.ts'
import { readPemFiles } from '../../clients/pem.ts'
import type { Look } from '../../core/probe.ts'
import { factsIn, type PatroniFacts, type PatroniMember } from './answer.ts'
import { membersOf } from './members.ts'
import type { PatroniTarget } from './target.ts'

export interface PatroniSeen {
  /** `host:port` */
  readonly address: string
  /** HTTP status, if it answered. */
  readonly status?: number | undefined
  /** When the answer came, in milliseconds since the epoch. */
  readonly answeredAt?: number | undefined
  /** Undefined if it gave no answer, or not one of Patroni. */
  readonly facts?: PatroniFacts | undefined
  /** All members, by the last list that the holder of the lock gave; undefined if this one does not hold it. */
  readonly members?: readonly PatroniMember[] | undefined
  readonly certificates?: Shown | undefined
  readonly failure?: PatroniFailure | undefined
}

export interface PatroniFailure extends RequestFailure {
  /** Something came that no Patroni sends: no HTTP, or too much of it. */
  readonly strange: boolean
}

const maxBodyBytes = 65_536

/**
 * One GET of /leader: its status says who holds the lock, and its body is that of /patroni. Patroni answers it from memory
 * and by one query to its own Postgres, and takes no login for it. The holder of the lock is asked for /cluster as well, once in
 * 5 minutes. Both only read.
 */
export async function observe(target: PatroniTarget, look: Look): Promise<PatroniSeen> {
  const address = addressOf(target.url)
  const trust = await readPemFiles(target, look)
  const headers = await basicAuthorization(target, look)
  const ask = (path: string, signal: AbortSignal): Promise<HttpResponse> =>
    httpRequest({
      method: 'GET',
      url: below(target.url, path),
      headers,
      ...trust,
      maxBodyBytes,
      signal,
      note: look.note,
    })
  try {
    const answer = await look.phase('request', () => ask('/leader', look.signal))
    const answeredAt = Date.now()
    const { status, chain } = answer
    const facts = factsIn(answer, answeredAt)
    const list = facts?.holdsLock ? await membersOf(target, look, facts, ask) : undefined
    return {
      address,
      status,
      answeredAt,
      facts: facts && { ...facts, name: facts.name ?? list?.leader },
      members: list?.members,
      certificates: chain && { chain, verified: true, at: answeredAt },
    }
  } catch (error) {
    const { failure, certificates } = unanswered(error, look, address)
    return { address, certificates, failure: { ...failure, strange: !failure.timedOut && isStrange(error) } }
  }
}

/** A path below the URL, which may have one itself, where a proxy leads to several Patronis. */
function below(url: string, path: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname.replace(/\/+$/, '')}${path}`
}

const isStrange = (error: unknown): boolean =>
  error instanceof HttpFailure &&
  (error.code?.startsWith('HPE_') === true || (error.phase === 'body' && error.code === undefined))
