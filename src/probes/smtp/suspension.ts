import { createHmac, randomBytes } from 'node:crypto'
import type { SmtpTarget } from './index.ts'
import type { Reply } from './transcript.ts'

/** A login that is held off, because the server refused it. */
export interface Suspension {
  /** Milliseconds since the epoch. */
  readonly until: number
  /** How often in a row this very login was refused. */
  readonly refusals: number
  /** What the server said last. */
  readonly reply: Reply
}

/** Four tries in the first ten minutes: fail2ban's default is to ban at the fifth. */
const firstMs = 60_000
const longestMs = 3_600_000

/** Makes fingerprints of logins worth nothing outside of this process. */
const key = randomBytes(32)

/**
 * The suspension of each login, by the fingerprint of where it leads and what is sent. Here, because a probe has no state of
 * its own, and not by the target: a reload that changes its interval, or its name, must not send a refused login again.
 */
const suspensions = new Map<string, Held>()

/** A login that nobody has tried for so long belongs to no target any more. */
const forgetMs = 2 * longestMs

interface Held extends Omit<Suspension, 'until'> {
  /** By the monotonic clock: a wall clock that is set back must not hold a login off for longer. */
  readonly untilTick: number
}

const asSuspension = ({ untilTick, refusals, reply }: Held): Suspension => ({
  until: Date.now() + (untilTick - performance.now()),
  refusals,
  reply,
})

/** The login of a target as its back-off sees it. */
export interface LoginGuard {
  /** The suspension that holds now. A login that was changed meanwhile is another login. */
  held(): Suspension | undefined
  /** Refused for good: 5xx. Doubles with each time, up to an hour. */
  refused(reply: Reply): Suspension
  taken(): void
}

export function guardLogin(target: SmtpTarget, login: readonly string[]): LoginGuard {
  const fingerprint = createHmac('sha256', key).update(JSON.stringify(login)).digest('base64')
  const earlier = (): Held | undefined => suspensions.get(fingerprint)
  return {
    held() {
      const known = earlier()
      return known && performance.now() < known.untilTick ? asSuspension(known) : undefined
    },
    refused(reply) {
      const refusals = (earlier()?.refusals ?? 0) + 1
      const pause = Math.max(target.interval ?? 0, firstMs) * 2 ** (refusals - 1)
      const held = { untilTick: performance.now() + Math.min(pause, longestMs), refusals, reply }
      for (const [login, { untilTick }] of suspensions)
        if (performance.now() - untilTick > forgetMs) suspensions.delete(login)
      suspensions.set(fingerprint, held)
      return asSuspension(held)
    },
    taken() {
      suspensions.delete(fingerprint)
    },
  }
}
