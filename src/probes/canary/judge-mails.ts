import { exactDuration, utcTime } from '../../core/duration.ts'
import { withSubject } from '../../core/subject.ts'
import { adviceOn } from './advice.ts'
import { isOfBox } from './judge-hand-over.ts'
import { reason, type Reason } from './reasons.ts'
import type { Arrival, CanaryMail, CanarySeen } from './seen.ts'
import { methods, type CanaryTarget } from './target.ts'

/** What the mails show. A mail that is under way and not late yet decides nothing. */
export interface Decision {
  /** The newest that arrived or came back. Older ones do not count. */
  readonly settled: CanaryMail | undefined
  /** Those sent since that are late or lost, newest first. */
  readonly overdue: readonly Overdue[]
}

interface Overdue {
  readonly mail: CanaryMail
  readonly ageMs: number
  readonly isLost: boolean
}

/**
 * While the mailbox cannot be read, mails are as old as when it last was: what was lost then is still lost, and no other mail is
 * known to be.
 */
export function decide({ at, mails, mailbox }: CanarySeen, { late_after, lost_after }: CanaryTarget): Decision {
  const asOf = mailbox?.readAt ?? (mailbox?.failure ? -Infinity : at)
  const settled = mails.find(isSettled)
  const overdue = undecided(mails)
    .map(mail => ({ mail, ageMs: asOf - mail.sentAt }))
    .map(one => ({ ...one, isLost: one.mail.fate === 'written_off' || one.ageMs >= lost_after }))
    .filter(({ ageMs, isLost }) => isLost || ageMs >= late_after)
  return { settled, overdue }
}

/** It arrived or came back. */
export const isSettled = ({ fate }: CanaryMail): boolean => fate === 'arrived' || fate === 'bounced'

/** The mails that were sent since the newest that arrived or came back, newest first. */
export function undecided(mails: readonly CanaryMail[]): readonly CanaryMail[] {
  const end = mails.findIndex(isSettled)
  return end < 0 ? mails : mails.slice(0, end)
}

export const isDecided = ({ settled, overdue }: Decision): boolean => settled !== undefined || overdue.length > 0

/** Whether the newest mail that can be judged came in time. */
export const isOnTime = ({ settled, overdue }: Decision, { late_after }: CanaryTarget): boolean =>
  overdue.length === 0 && settled?.arrival !== undefined && settled.arrival.seconds * 1000 <= late_after

/** The reasons of mails that did not come, came back or came late. */
export function fateReasons(seen: CanarySeen, decision: Decision, target: CanaryTarget): Reason[] {
  const { settled, overdue } = decision
  const lost = overdue.find(({ isLost }) => isLost)
  const oldest = overdue.at(-1)
  const found: Reason[] = []
  if (lost)
    found.push(
      reason('canary_lost', `${sentText(seen, lost.mail)}, and is not in the mailbox${after(lost)}${outText(seen)}`),
    )
  else if (oldest)
    found.push(reason('canary_late', `${sentText(seen, oldest.mail)}, and is not in the mailbox${after(oldest)}`))
  if (settled?.bounce && !isOfBox(settled.bounce.status)) found.push(bounced(seen, settled))
  if (settled?.arrival && overdue.length === 0 && !isOnTime(decision, target))
    found.push(
      reason('canary_late', `${sentText(seen, settled)}, and took ${exactDuration(settled.arrival.seconds * 1000)}`),
    )
  return found
}

const after = ({ ageMs }: Overdue): string =>
  Number.isFinite(ageMs) && ageMs > 0 ? ` after ${exactDuration(ageMs)}` : ''

/** The mails that may still come, newest first. */
export const outOf = ({ mails }: CanarySeen): readonly CanaryMail[] => mails.filter(({ fate }) => fate === 'out')

function outText(seen: CanarySeen): string {
  const out = outOf(seen).length
  return out > 1 ? `; ${out} have not arrived` : ''
}

const sentText = ({ address }: CanarySeen, { sentAt, reply }: CanaryMail): string =>
  `${address}: the canary of ${utcTime(sentAt)} ${reply === undefined ? 'was handed over without an answer' : `was accepted ("${reply}")`}`

function bounced(seen: CanarySeen, mail: CanaryMail): Reason {
  const { status, text = '' } = mail.bounce ?? {}
  const said = status === undefined || text.includes(status) ? text : `${status} ${text}`
  return reason('canary_bounced', `${sentText(seen, mail)}, and came back: "${said}"`, adviceOn(status, text))
}

export const newestArrival = ({ mails }: CanarySeen): Arrival | undefined => mails.find(mail => mail.arrival)?.arrival

const noFindings =
  'Set `authserv_id` to the host that writes Authentication-Results at the receiver, or take it out. If none writes it, take out `expect`.'

/** What is wrong with mails that came. */
export function arrivalReasons(seen: CanarySeen, decision: Decision, target: CanaryTarget): Reason[] {
  const arrival = newestArrival(seen)
  if (!arrival) return []
  const { headers, folder, folderName } = arrival
  const found: Reason[] = []
  if (folder === 'junk') found.push(reason('canary_in_junk', at(seen, `the canary was delivered to ${folderName}`)))
  const missing = unauthenticated(arrival, target)
  if (missing !== undefined)
    found.push(reason('canary_unauthenticated', at(seen, missing), headers.authentication ? undefined : noFindings))
  if (headers.clearHops.length > 0)
    found.push(
      reason('canary_sent_in_clear', at(seen, `taken without TLS by ${headers.clearHops.slice(0, 5).join(', ')}`)),
    )
  const copies = Math.max(0, ...seen.mails.map(mail => mail.arrival?.copies ?? 0))
  if (copies > 1) found.push(reason('canary_duplicated', at(seen, `a canary arrived ${copies} times`)))
  const late = isOnTime(decision, target) ? backlog(seen, decision, target) : 0
  if (late > 0) {
    const those = late === 1 ? '1 older one came' : `${late} older ones came`
    found.push(reason('canary_backlog_draining', at(seen, `the newest canary is on time, and ${those} late since`)))
  }
  return found
}

const at = ({ address, mailbox }: CanarySeen, text: string): string => withSubject(mailbox?.address ?? address, text)

function unauthenticated(
  { headers: { authentication } }: Arrival,
  { expect, authserv_id: host }: CanaryTarget,
): string | undefined {
  const wanted = methods.filter(method => expect?.[method] !== undefined)
  if (wanted.length === 0) return undefined
  if (!authentication)
    return `the canary has no Authentication-Results${host === undefined ? '' : ` of ${host}`}, and ${wanted.join(', ')} should pass`
  const failed = wanted.flatMap(method => {
    const result = authentication.results[method]
    return result === 'pass' ? [] : [result === undefined ? `nothing of ${method}` : `${method}=${result}`]
  })
  return failed.length === 0 ? undefined : `${authentication.by} found ${failed.join(', ')} in the canary`
}

/** How many older mails came late since the mail before the newest was sent: for about one interval. */
function backlog({ mails }: CanarySeen, { settled }: Decision, { late_after }: CanaryTarget): number {
  const older = settled ? mails.slice(mails.indexOf(settled) + 1) : []
  const since = older[0]?.sentAt ?? Infinity
  return older.filter(({ arrival }) => arrival && arrival.seconds * 1000 > late_after && arrival.seenAt >= since).length
}
