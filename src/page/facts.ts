import type { CheckStatus } from '../assess/assessment.ts'
import { durationText } from '../core/duration.ts'
import { seenBy } from '../core/probe.ts'
import { outbox } from '../probes/outbox/index.ts'
import type { OutboxRows } from '../probes/outbox/observe.ts'
import { count } from '../probes/outbox/words.ts'
import { sesFacts } from '../probes/ses/facts.ts'
import { ses } from '../probes/ses/index.ts'
import type { Box } from './boxes.ts'

/** The box of an SES with what SES last said of the account. */
export function withSes(box: Box, check: CheckStatus | undefined): Box {
  const found = seenBy(ses, fresh(check))
  return found ? { ...box, detail: joined(box.detail, ...sesFacts(found.seen)) } : box
}

/** The box of an outbox with the mails in it, and with the check that it waits for. */
export function withOutbox(box: Box, check: CheckStatus | undefined): Box {
  const because = check?.reasons[0]?.because
  const found = seenBy(outbox, fresh(check))
  const facts = found?.seen.rows ? outboxFacts(found.seen.rows, found.target.limit) : []
  const brief = because === undefined ? box.detail : `${box.detail}, because of ${because}`
  return { ...box, detail: joined(brief, ...facts) }
}

const fresh = (check: CheckStatus | undefined) => (check?.stale === false ? check.observation : undefined)

const joined = (...parts: readonly string[]): string => parts.join(' · ')

function outboxFacts({ pending, oldestPendingSeconds: oldest, sending, failed }: OutboxRows, limit: number): string[] {
  const waits = count(pending, limit, 'waits', 'wait')
  return [
    oldest === undefined ? waits : `${waits}, the oldest for ${durationText(oldest)}`,
    ...(sending === undefined || sending === 0 ? [] : [`${sending} being sent`]),
    ...(failed === undefined || failed === 0 ? [] : [`${failed} given up`]),
  ]
}
