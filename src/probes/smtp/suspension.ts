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
 * The suspension of each target. Here, because a probe has no state of its own, and by the target, so that it goes with
 * it: a reload that changes the target tries at once, and one that leaves it as it is does not.
 */
const suspensions = new WeakMap<SmtpTarget, Held>()

interface Held extends Omit<Suspension, 'until'> {
  readonly login: string
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
  const earlier = (): Held | undefined => {
    const known = suspensions.get(target)
    return known?.login === fingerprint ? known : undefined
  }
  return {
    held() {
      const known = earlier()
      return known && performance.now() < known.untilTick ? asSuspension(known) : undefined
    },
    refused(reply) {
      const refusals = (earlier()?.refusals ?? 0) + 1
      const pause = Math.max(target.interval ?? 0, firstMs) * 2 ** (refusals - 1)
      const held = { untilTick: performance.now() + Math.min(pause, longestMs), refusals, reply, login: fingerprint }
      suspensions.set(target, held)
      return asSuspension(held)
    },
    taken() {
      suspensions.delete(target)
    },
  }
}
