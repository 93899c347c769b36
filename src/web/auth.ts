import { fingerprint } from '../core/fingerprint.ts'

/** Whether the header names a user with the right password, or nobody is asked; undefined where too many are asking. */
export type Authenticate = (authorization: string | undefined) => Promise<boolean | undefined>

const remembered = 100
/** A bcrypt costs 50 ms of a core and more: who guesses passwords must not have all of them. */
const atOnce = 2
const waiting = 20

/**
 * Basic authentication (RFC 7617) against bcrypt hashes. What was right is remembered by a keyed hash, so that a scrape
 * does not pay for bcrypt, and is worth nothing without the hash it was verified against.
 */
export function basicAuth(users: () => Readonly<Record<string, string>>): Authenticate {
  const answers = new Map<string, Promise<boolean | undefined>>()
  const slots = limiter(atOnce, waiting)

  return async authorization => {
    const known = users()
    const [somebody] = Object.values(known)
    if (somebody === undefined) return true
    const given = credentialsIn(authorization)
    if (!given) return false
    // For who does not exist another's hash is verified, so that the time it takes does not tell.
    const exists = Object.hasOwn(known, given.user)
    const hash = (exists ? known[given.user] : undefined) ?? somebody
    const print = fingerprint([given.user, given.password, exists, hash])
    const answered = answers.get(print)
    if (answered) return answered
    if (answers.size >= remembered) answers.clear()
    const answer = slots(async () => (await isRightFor(given.password, hash)) && exists)
    answers.set(print, answer)
    const right = await answer
    if (!right && answers.get(print) === answer) answers.delete(print)
    return right
  }
}

function credentialsIn(authorization: string | undefined): { user: string; password: string } | undefined {
  const [, encoded] = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(authorization ?? '') ?? []
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString()
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) }
}

/** bcrypt is loaded where there are users at all. */
async function isRightFor(password: string, hash: string): Promise<boolean> {
  const { verify } = await import('@node-rs/bcrypt')
  return verify(password, hash)
}

/** Runs so many at once and lets so many wait; for the rest there is no answer. */
function limiter(atMost: number, queue: number) {
  let running = 0
  const next: (() => void)[] = []
  return async (work: () => Promise<boolean>): Promise<boolean | undefined> => {
    if (running >= atMost) {
      if (next.length >= queue) return undefined
      await new Promise<void>(resolve => next.push(resolve))
    }
    running++
    try {
      return await work()
    } finally {
      running--
      next.shift()?.()
    }
  }
}
