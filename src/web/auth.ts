import { createHmac, randomBytes } from 'node:crypto'
import { verify } from '@node-rs/bcrypt'

/** Whether the header names a user with the right password; undefined where nobody is asked. */
export type Authenticate = (authorization: string | undefined) => Promise<boolean>

/** What is verified in place of a user that does not exist, so that how long it takes tells nothing. */
const nobody = '$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy'
const remembered = 100
/** A bcrypt costs 50 ms of a core and more: who guesses passwords must not have all of them. */
const atOnce = 2
const waiting = 20

/**
 * Basic authentication (RFC 7617) against bcrypt hashes. What was verified is remembered by a keyed hash, so that a
 * scrape does not pay for bcrypt, and is forgotten with the hash it was verified against.
 */
export function basicAuth(users: () => Readonly<Record<string, string>>): Authenticate {
  const key = randomBytes(32)
  const verified = new Set<string>()
  const slots = limiter(atOnce, waiting)

  return async authorization => {
    const known = users()
    if (Object.keys(known).length === 0) return true
    const given = credentialsIn(authorization)
    if (!given) return false
    const hash = Object.hasOwn(known, given.user) ? known[given.user] : undefined
    const fingerprint = createHmac('sha256', key)
      .update(JSON.stringify([given.user, given.password, hash ?? nobody]))
      .digest('base64')
    if (verified.has(fingerprint)) return true
    const right = await slots(() => verify(given.password, hash ?? nobody))
    if (!right || hash === undefined) return false
    if (verified.size >= remembered) verified.clear()
    verified.add(fingerprint)
    return true
  }
}

function credentialsIn(authorization: string | undefined): { user: string; password: string } | undefined {
  const [, encoded] = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(authorization ?? '') ?? []
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString()
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) }
}

/** Runs so many at once, lets so many wait, and takes the rest for refused. */
function limiter(atMost: number, queue: number) {
  let running = 0
  const next: (() => void)[] = []
  return async (work: () => Promise<boolean>): Promise<boolean> => {
    if (running >= atMost) {
      if (next.length >= queue) return false
      await new Promise<void>(resolve => next.push(resolve))
    }
    running++
    try {
      return await work()
    } catch {
      // A hash that cannot be read is nobody's.
      return false
    } finally {
      running--
      next.shift()?.()
    }
  }
}
