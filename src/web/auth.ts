import { fingerprint } from '../core/fingerprint.ts'
import { fairQueue } from './fair-queue.ts'

/**
 * Whether the header names a user with the right password, or nobody is asked; undefined where too many of that network
 * are asking.
 */
export type Authenticate = (authorization: string | undefined, network?: () => string) => Promise<boolean | undefined>

/** Waits for work that runs in a thread of its own, at the end of which the process may have to be without it. */
export type Threaded = <T>(work: Promise<T>) => Promise<T>

const remembered = 100
/** A bcrypt costs 50 ms of a core and more: who guesses passwords must not have all of them. */
const limits = { atOnce: 2, waiting: 100, waitingInAll: 1_000 }

/**
 * Basic authentication (RFC 7617) against bcrypt hashes. What was right is remembered by a keyed hash, so that a scrape
 * does not pay for bcrypt, and is worth nothing without the hash it was verified against. It is verified in its turn even
 * if the client has gone meanwhile: the next try finds it remembered. Once `stop` aborts no bcrypt begins any more, and who
 * waits for one gets undefined.
 */
export function basicAuth(
  users: () => Readonly<Record<string, string>>,
  stop?: AbortSignal,
  threaded: Threaded = work => work,
): Authenticate {
  /** The one used last is the last. */
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
    const isRightFor = (one: string): Promise<boolean> | undefined =>
      stop?.aborted === true ? undefined : threaded(isRight(given.password, one))
    const answer = queue(network(), () => verified(isRightFor, hash, dearest(hashes))).finally(() =>
      underWay.delete(print),
    )
    underWay.set(print, answer)
    if (await answer) keep(right, print)
    return answer
  }
}

function keep(right: Set<string>, print: string): void {
  right.add(print)
  const [oldest] = right
  if (right.size > remembered && oldest !== undefined) right.delete(oldest)
}

/**
 * Whether the password is right. Each refusal costs what a verification against the dearest hash of all does, so that its
 * time tells neither whether the user exists nor how dear that hash is: 2^c + (2^c + … + 2^(dearest−1)) = 2^dearest.
 */
async function verified(
  isRightFor: (hash: string) => Promise<boolean> | undefined,
  hash: string | undefined,
  dearest: number,
): Promise<boolean | undefined> {
  if (hash === undefined) return (await isRightFor(hashOfNothing(dearest))) === undefined ? undefined : false
  const isRight = await isRightFor(hash)
  if (isRight !== false) return isRight
  for (let cost = costOf(hash); cost < dearest; cost++)
    if ((await isRightFor(hashOfNothing(cost))) === undefined) return undefined
  return false
}

/** The binary logarithm of the rounds. */
const costOf = (hash: string): number => Number(hash.split('$')[2])
const dearest = (hashes: readonly string[]): number => Math.max(...hashes.map(costOf))
const hashOfNothing = (cost: number): string => `$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(53)}`

function credentialsIn(authorization: string | undefined): { user: string; password: string } | undefined {
  const [, encoded] = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(authorization ?? '') ?? []
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString()
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) }
}

/** bcrypt is loaded where there are users at all. */
async function isRight(password: string, hash: string): Promise<boolean> {
  const { verify } = await import('@node-rs/bcrypt')
  return verify(password, hash)
}
