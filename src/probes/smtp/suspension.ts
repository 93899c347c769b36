import { fingerprint } from '../../core/fingerprint.ts'
import type { SmtpTarget } from './target.ts'
import type { Reply } from './dialogue.ts'

/** A login that is not tried again for some time, because the server refused it. */
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

/**
 * The suspension of each login, by the fingerprint of where it leads and what is sent. Here, because a probe has no state of
 * its own, and not by the target: a reload that changes its interval, or its name, must not send a refused login again.
 */
const suspensions = new Map<string, Held>()

/** A login that nobody has tried for so long belongs to no target any more. */
const forgetMs = 2 * longestMs

interface Held extends Omit<Suspension, 'until'> {
  /** By the monotonic clock: a wall clock that is set back must make no pause longer. */
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
  const print = fingerprint(login)
  const earlier = (): Held | undefined => suspensions.get(print)
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
      suspensions.set(print, held)
      return asSuspension(held)
    },
    taken() {
      suspensions.delete(print)
    },
  }
}
