import { durationText } from '../../core/duration.ts'
import { gauge, sample } from '../../core/metric.ts'
import { finding } from '../../core/probe.ts'
import type { OutboxRows, OutboxSeen } from './observe.ts'
import { reason, reasons, type Reason } from './reasons.ts'
import type { OutboxTarget } from './target.ts'
import { whyOld, whyUnreadable } from './unreadable.ts'
import { count } from './words.ts'

export const metrics = {
  pending: gauge('mailpath_outbox_pending', 'Mails that wait to be sent, up to `limit` and one.', ['target']),
  oldestPending: gauge(
    'mailpath_outbox_oldest_pending_timestamp_seconds',
    'When the oldest mail that waits was put there; absent if none waits.',
    ['target'],
  ),
  lastSent: gauge(
    'mailpath_outbox_last_sent_timestamp_seconds',
    'When the last mail was sent; absent without `sent`, or if none was.',
    ['target'],
  ),
  failed: gauge(
    'mailpath_outbox_failed',
    'Mails that the application has given up, up to `limit` and one; absent without `failed`.',
    ['target'],
  ),
  sending: gauge(
    'mailpath_outbox_sending',
    'Mails that are being sent, up to `limit` and one; absent without `sending`.',
    ['target'],
  ),
}

export function judge(seen: OutboxSeen, target: OutboxTarget) {
  const unreadable = whyUnreadable(seen, target)
  const { rows } = seen
  const leaf = seen.certificates?.chain.leaf
  const unread = unreadable ? [unreadable] : []
  const at = `${seen.address}, ${target.table}`
  const waiting = rows && !whyOld(rows, target) ? unsent(at, rows, target) : []
  // One row with a strange time does not hide another that is stuck.
  const isStuck = waiting.some(({ code }) => code === 'outbox_stuck')
  if (!rows || (unreadable && !isStuck)) return finding('', [...unread, ...costly(seen, target)], [], leaf)
  const found = [...waiting, ...others(at, rows, target), ...unread, ...costly(seen, target)]
  return finding(`${at}: ${describe(rows, target)}`, found, samplesOf(rows, target), leaf)
}

/** What waits, and what was sent. */
function describe(rows: OutboxRows, { limit }: OutboxTarget): string {
  const { pending, oldestPendingSeconds: age, zoneless, standby } = rows
  const oldest = age === undefined ? '' : `, ${pending === 1 ? '' : 'the oldest '}for ${durationText(age)}`
  return [
    pending === 0 ? 'no mail waits' : `${count(pending, limit, 'waits', 'wait')}${oldest}`,
    ...lastSent(rows),
    ...(zoneless === true ? ['`created` has no time zone and is taken as UTC'] : []),
    ...(standby ? ['read on a standby'] : []),
  ].join('; ')
}

const lastSent = ({ lastSentSeconds: ago }: OutboxRows): string[] =>
  ago === undefined ? [] : [`the last was sent ${durationText(ago)} ago`]

/** Mails that wait, or are being sent, for too long. */
function unsent(at: string, rows: OutboxRows, target: OutboxTarget): Reason[] {
  const waits = msOf(rows.oldestPendingSeconds)
  const found: Reason[] = []
  if (waits >= target.stuck_after)
    found.push(reason('outbox_stuck', `${at}: ${describe(rows, target)}`, remedyOfStuck(rows, target)))
  else if (waits >= target.late_after)
    found.push(reason('outbox_late', `${at}: ${describe(rows, target)}`, inUtc(rows, reasons.outbox_late.remedy)))
  if (msOf(rows.oldestSendingSeconds) >= target.stuck_after) {
    const sending = count(rows.sending ?? 0, target.limit, 'is being sent', 'are being sent')
    const since = durationText(rows.oldestSendingSeconds ?? 0)
    found.push(reason('outbox_stuck', `${at}: ${sending}, the oldest was put there ${since} ago`, remedyOfSending))
  }
  return found
}

const msOf = (seconds: number | undefined): number => (seconds ?? -Infinity) * 1000

/** If others are sent, the sender works. */
const remedyOfStuck = (rows: OutboxRows, { late_after }: OutboxTarget): string =>
  inUtc(
    rows,
    rows.lastSentSeconds !== undefined && rows.lastSentSeconds >= 0 && msOf(rows.lastSentSeconds) < late_after
      ? 'The sender works: other mails are sent. See what is wrong with the oldest row, and what the log of the application says of it.'
      : reasons.outbox_stuck.remedy,
  )

/** A local time west of UTC makes each mail look hours old. */
const inUtc = ({ zoneless }: OutboxRows, remedy: string): string =>
  zoneless === true
    ? `First see whether \`created\` is in UTC (docs/outbox.md): it has no time zone. ${remedy}`
    : remedy

const remedyOfSending =
  'The sender may have died while it sent them: see its process and its log. Before you have one sent again, see in the log of the relay whether it has left already.'

function others(at: string, rows: OutboxRows, target: OutboxTarget): Reason[] {
  const { pending, failed = 0 } = rows
  const { limit } = target
  const found: Reason[] = []
  if (pending >= limit)
    found.push(reason('outbox_growing', `${at}: ${count(pending, limit, 'waits', 'wait')} (limit: ${limit})`))
  if (failed > 0) {
    const given = count(failed, limit, 'was given up', 'were given up')
    found.push(reason('outbox_given_up', `${at}: ${given}`))
  }
  return [...found, ...quiet(at, rows, target)]
}

/** If mails wait, the application puts them there, and its sender is what to look at. */
function quiet(at: string, rows: OutboxRows, { quiet_after: after, late_after }: OutboxTarget): Reason[] {
  const { lastSentSeconds: ago } = rows
  if (after === undefined || msOf(rows.oldestPendingSeconds) >= late_after) return []
  if (ago === undefined) return [reason('outbox_quiet', `${at}: no mail was ever sent`)]
  return ago * 1000 < after ? [] : [reason('outbox_quiet', `${at}: the last mail was sent ${durationText(ago)} ago`)]
}

function costly({ address, costly: found }: OutboxSeen, { table }: OutboxTarget): Reason[] {
  if (!found) return []
  const { cost, index } = found
  const text = `${address}, ${table}: the server expects a cost of ${Math.round(cost)}`
  const remedy = `Create an index (it takes a while, and writes go on meanwhile): ${index}.${ofTime.test(index) ? noTime : ''}`
  return [reason('outbox_scan_costly', text, remedy)]
}

const ofTime = /\b(?:now\s*\(|\w+_timestamp\b|current_|local(?:time|date))/i
const noTime = ' First take out of its condition what depends on the time, such as now(): an index cannot hold that.'

function samplesOf(rows: OutboxRows, { name: target }: OutboxTarget) {
  const { pending, sending, failed, now } = rows
  const at = { target }
  const moment = (ago: number | undefined): number | undefined => (ago === undefined ? undefined : now - ago)
  return [
    ...sample(metrics.pending, pending, at),
    ...sample(metrics.oldestPending, moment(rows.oldestPendingSeconds), at),
    ...sample(metrics.lastSent, moment(rows.lastSentSeconds), at),
    ...sample(metrics.failed, failed, at),
    ...sample(metrics.sending, sending, at),
  ]
}
