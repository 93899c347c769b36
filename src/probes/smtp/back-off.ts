import {
  createBackOff,
  doublingPause,
  leastPauseMs,
  type Attempt,
  type BackOff,
  type Refusal,
} from '../../core/back-off.ts'
import type { Reply } from './dialogue.ts'
import type { Credentials, SmtpPlan } from './plan.ts'

/** A login that a relay refused permanently (5xx). */
interface SmtpRefusal extends Refusal {
  readonly reply: Reply
  /** The first pause. */
  readonly firstMs: number
}
export type SmtpBackOff = Pick<BackOff<SmtpRefusal>, 'until' | 'count' | 'reply'>

/**
 * The first pause is one interval, but at least a minute. With a short interval this makes four tries in the first ten
 * minutes: by default fail2ban bans at the fifth.
 */
export const firstPause = (intervalMs = 0): number => Math.max(intervalMs, leastPauseMs)

/**
 * The back-off of all logins at relays. Kept here because a probe has no state, and not by target: a reload that
 * changes an interval or a name must not repeat a refused login. Each pause is twice the one before.
 */
export const loginBackOff = createBackOff<SmtpRefusal>({
  now: () => performance.now(),
  windowMs: 0,
  pauseMs: ({ count, firstMs }) => doublingPause(firstMs, count),
})

/** It is unknown how a relay counts, so each password has a back-off of its own. */
export const attemptOf = ({ host, port }: SmtpPlan, { user, secret }: Credentials): Attempt => ({
  account: [host, String(port), user, secret],
  credentials: secret,
})
