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
 * The suspension of each target. Here, because a probe has no state of its own, and by the target, so that it goes
 * with it: a reloaded configuration has new targets, and tries at once.
 */
const suspensions = new WeakMap<SmtpTarget, Suspension & { readonly login: string }>()

/** The login of a target as its back-off sees it. */
export interface LoginGuard {
  /** The suspension that holds now. A login that was changed meanwhile is another login. */
  held(now: number): Suspension | undefined
  /** Refused for good: 5xx. Doubles with each time, up to an hour. */
  refused(reply: Reply, now: number): Suspension
  taken(): void
}

export function guardLogin(target: SmtpTarget, login: readonly string[]): LoginGuard {
  const fingerprint = createHmac('sha256', key).update(JSON.stringify(login)).digest('base64')
  const earlier = (): Suspension | undefined => {
    const known = suspensions.get(target)
    return known?.login === fingerprint ? known : undefined
  }
  return {
    held(now) {
      const known = earlier()
      return known && now < known.until
        ? { until: known.until, refusals: known.refusals, reply: known.reply }
        : undefined
    },
    refused(reply, now) {
      const refusals = (earlier()?.refusals ?? 0) + 1
      const pause = Math.max(target.interval ?? 0, firstMs) * 2 ** (refusals - 1)
      const suspension = { until: now + Math.min(pause, longestMs), refusals, reply }
      suspensions.set(target, { ...suspension, login: fingerprint })
      return suspension
    },
    taken() {
      suspensions.delete(target)
    },
  }
}
