import { fingerprint } from '../core/fingerprint.ts'
import { fairQueue } from './fair-queue.ts'

/**
 * Whether the header has a user and the right password, or there are no users. Undefined if too many passwords of that
 * network wait to be verified.
 */
export type Authenticate = (authorization: string | undefined, network?: () => string) => Promise<boolean | undefined>

/** Wraps work that runs in a thread, so that the end of the process can wait for it. */
export type Threaded = <T>(work: Promise<T>) => Promise<T>

const maxRemembered = 100
/** A bcrypt takes 50 ms of a core and more: guesses of passwords must not take all cores. */
const limits = { atOnce: 2, waiting: 100, waitingInAll: 1_000 }

/**
 * Basic authentication (RFC 7617) against bcrypt hashes. A right password is remembered by a keyed hash, together with the
 * bcrypt hash that it fits, so that a scrape does not pay for bcrypt. It is verified even if the client has gone meanwhile:
 * the next request finds it remembered. After `stop` aborts, no bcrypt starts, and requests that wait get undefined.
 */
export function basicAuth(
  users: () => Readonly<Record<string, string>>,
  stop?: AbortSignal,
  threaded: Threaded = work => work,
): Authenticate {
  /** In the order of their last use. */
  const right = new Set<string>()
  const underWay = new Map<string, Promise<boolean | undefined>>()
  const queue = fairQueue(limits)

  return async (authorization, network = () => '') => {
    const known = users()
    const hashes = Object.values(known)
    if (hashes.length === 0) return true
    const given = credentialsIn(authorization)
    if (!given) return false
    const hash = Object.hasOwn(known, given.user) ? known[given.user] : undefined
    const print = fingerprint([given.user, given.password, hash ?? null])
    if (right.delete(print)) {
      right.add(print)
      return true
    }
    const same = underWay.get(print)
    if (same) return same
    /** Undefined after `stop` aborted. */
    const verify = async (): Promise<boolean | undefined> => {
      for (const one of hashesToTry(hash, hashes)) {
        if (stop?.aborted) return undefined
        if ((await threaded(isRight(given.password, one))) && one === hash) return true
      }
      return false
    }
    const answer = queue(network(), verify).finally(() => underWay.delete(print))
    underWay.set(print, answer)
    if (await answer) keep(right, print)
    return answer
  }
}

function keep(right: Set<string>, print: string): void {
  right.add(print)
  const [oldest] = right
  if (right.size > maxRemembered && oldest !== undefined) right.delete(oldest)
}

/**
 * The hash of the user, and hashes that fit no password. Each refusal takes as long as a verification against the most
 * expensive hash of all. So its time does not show whether the user exists, or the cost of the hash:
 * 2^c + (2^c + … + 2^(highest−1)) = 2^highest.
 */
function hashesToTry(hash: string | undefined, all: readonly string[]): string[] {
  const highest = Math.max(...all.map(costOf))
  if (hash === undefined) return [hashOfNothing(highest)]
  const cost = costOf(hash)
  return [hash, ...Array.from({ length: highest - cost }, (_, more) => hashOfNothing(cost + more))]
}

/** The binary logarithm of the number of rounds. */
const costOf = (hash: string): number => Number(hash.split('$')[2])
const hashOfNothing = (cost: number): string => `$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(53)}`

function credentialsIn(authorization: string | undefined): { user: string; password: string } | undefined {
  const [, encoded] = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(authorization ?? '') ?? []
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString()
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) }
}

/** Loads bcrypt only if there are users. */
async function isRight(password: string, hash: string): Promise<boolean> {
  const { verify } = await import('@node-rs/bcrypt')
  return verify(password, hash)
}
