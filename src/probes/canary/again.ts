import { undecided } from './judge-mails.ts'
import type { CanarySeen } from './seen.ts'
import type { CanaryTarget } from './target.ts'

/**
 * When the oldest mail that is waited for becomes late or lost, in milliseconds after the look. It may be in the mailbox by then, so
 * only a look tells. While the mailbox cannot be read, a time that has passed is not looked for again.
 */
export function againInMs({ at, mails, mailbox }: CanarySeen, target: CanaryTarget): number | undefined {
  const oldest = undecided(mails).at(-1)
  if (oldest?.fate !== 'out') return undefined
  const lookedAt = mailbox?.failure ? at : (mailbox?.readAt ?? at)
  const next = [target.late_after, target.lost_after].find(ms => lookedAt - oldest.sentAt < ms)
  return next === undefined ? undefined : Math.max(0, oldest.sentAt + next - at)
}
