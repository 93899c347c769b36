import {
  createBackOff,
  doublingPause,
  leastPauseMs,
  longestPauseMs,
  type Attempt,
  type Refusal,
} from '../../core/back-off.ts'
import type { MailboxPlan } from '../../clients/imap/index.ts'

/** A login that a mailbox refused. */
interface MailboxRefusal extends Refusal {
  /** What the server said. */
  readonly text: string
  readonly token: boolean
}

const pause = (count: number): number => doublingPause(leastPauseMs, count)

/**
 * The back-off of all logins at mailboxes: after a wrong password a server makes even the right one wait. Kept here because a
 * probe has no state, and not by target: a reload that changes a name must not repeat a refused login. A new password is
 * tried after a minute. A token is another one in each run, so what counts is how often any of them was refused.
 */
export const loginBackOff = createBackOff<MailboxRefusal>({
  now: () => performance.now(),
  windowMs: 2 * longestPauseMs,
  pauseMs: ({ count, chain, token }, isSame) => (token ? pause(chain) : isSame ? pause(count) : leastPauseMs),
})

export const attemptOf = ({ host, port, user, secret }: MailboxPlan): Attempt => ({
  account: [host, String(port), user],
  credentials: secret,
})
