import { undecided } from './judge-mails.ts'
import type { CanarySeen } from './seen.ts'
import type { CanaryTarget } from './target.ts'

/** How soon a mail that was not sent is tried again, in milliseconds: its way may be fixed long before the interval is over. */
const triedAgainMs = 60_000

/** How long after this look the next is worth it, in milliseconds: see `Probe`. */
export function againInMs(seen: CanarySeen, target: CanaryTarget): number | undefined {
  const moments = [dueInMs(seen, target), seen.handOver?.kind === 'not_sent' ? triedAgainMs : undefined].filter(
    ms => ms !== undefined,
  )
  return moments.length === 0 ? undefined : Math.min(...moments)
}

/**
 * When the oldest mail that is waited for becomes late or lost, in milliseconds after the look. It may be in the mailbox by then, so
 * only a look tells. While the mailbox cannot be read, a time that has passed is not looked for again.
 */
function dueInMs({ at, mails, mailbox }: CanarySeen, target: CanaryTarget): number | undefined {
  const oldest = undecided(mails).at(-1)
  if (oldest?.fate !== 'out') return undefined
  const lookedAt = mailbox?.failure ? at : (mailbox?.readAt ?? at)
  const next = [target.late_after, target.lost_after].find(ms => lookedAt - oldest.sentAt < ms)
  return next === undefined ? undefined : Math.max(0, oldest.sentAt + next - at)
}
