import type { CheckStatus } from '../assess/assessment.ts'
import { durationText } from '../core/duration.ts'
import { seenBy } from '../core/probe.ts'
import { canary } from '../probes/canary/index.ts'
import { newestArrival, outOf } from '../probes/canary/judge-mails.ts'
import type { Arrival, CanarySeen } from '../probes/canary/seen.ts'
import { recordsInBrief } from '../probes/dns/evidence.ts'
import { dns } from '../probes/dns/index.ts'
import { outbox } from '../probes/outbox/index.ts'
import type { OutboxRows } from '../probes/outbox/observe.ts'
import { count } from '../probes/outbox/words.ts'
import { sesFacts } from '../probes/ses/facts.ts'
import { ses } from '../probes/ses/index.ts'
import type { Box } from './boxes.ts'
import { length } from './format.ts'

/** The box of an SES with what SES last said of the account. */
export function withSes(box: Box, check: CheckStatus | undefined): Box {
  const found = seenBy(ses, fresh(check))
  return found ? { ...box, detail: joined(box.detail, ...sesFacts(found.seen)) } : box
}

/** The box of an outbox with the mails in it, and with the check that it waits for. */
export function withOutbox(box: Box, check: CheckStatus | undefined): Box {
  const found = seenBy(outbox, fresh(check))
  const facts = found?.seen.rows ? outboxFacts(found.seen.rows, found.target.limit) : []
  return { ...box, detail: joined(withBecause(box, check), ...facts) }
}

/** The box of the mailbox in which a canary is awaited, with how long the last one took, and with the check that it waits for. */
export function withCanary(box: Box, check: CheckStatus | undefined): Box {
  const found = seenBy(canary, fresh(check))
  return { ...box, detail: joined(withBecause(box, check), ...(found ? canaryFacts(found.seen) : [])) }
}

/** The box of a domain with what its records are. */
export function withDns(box: Box, check: CheckStatus | undefined): Box {
  const found = seenBy(dns, fresh(check))
  return found ? { ...box, detail: joined(box.detail, ...recordsInBrief(found.seen, found.target)) } : box
}

const withBecause = ({ detail }: Box, check: CheckStatus | undefined): string => {
  const because = check?.reasons[0]?.because
  return because === undefined ? detail : `${detail}, because of ${because}`
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

function canaryFacts(seen: CanarySeen): string[] {
  const { at, handOver, mailbox } = seen
  if (!mailbox) return handOver?.kind === 'accepted' ? ['accepted; it has no mailbox, so no more is known'] : []
  const arrived = newestArrival(seen)
  const out = outOf(seen)
  const oldest = out.at(-1)
  return [
    ...(arrived ? [`the last arrived in ${length(arrived.seconds * 1_000)}${whereOf(arrived)}`] : []),
    ...(oldest ? [`${out.length} under way, the oldest for ${durationText((at - oldest.sentAt) / 1_000)}`] : []),
  ]
}

const whereOf = ({ folder, folderName }: Arrival): string =>
  folder === 'inbox' ? '' : folder === 'junk' ? ', in the junk folder' : `, in the folder ${folderName}`
