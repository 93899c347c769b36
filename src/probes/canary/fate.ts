import type { KnownMail, Memory } from './memory.ts'
import type { CanaryMail, FolderKind, HandOver, HeaderFacts } from './seen.ts'

/** A lost mail keeps its place: it may lie in a queue, and come when the queue is worked off. */
const mostOut = 3
/**
 * If all of them are lost, one more is sent each time this many `lost_after` are over. Else it would not be seen that mail
 * arrives again.
 */
const patience = 4
/** Of those whose fate is known: so a second copy of one is known. */
const mostDecided = 100
/** Of those whose fate is known, as a run shows them. */
const mostShown = 10

/** Runs are not punctual to the millisecond. */
const toleranceShare = 0.05

const isOut = ({ fate }: Pick<KnownMail, 'fate'>): boolean => fate === 'out'

/** Whether the interval is over for a run that began at `began`. So no look in between sends a mail of its own. */
export const isDue = ({ lastAttempt }: Memory, began: number, intervalMs: number): boolean =>
  lastAttempt === undefined || began - lastAttempt >= intervalMs * (1 - toleranceShare)

/**
 * Takes note that the run that began at `began` sends a mail. One that is a little early counts as punctual, so that the next
 * are no earlier.
 */
export function noteAttempt(memory: Memory, began: number, intervalMs: number): void {
  memory.lastAttempt = Math.max(began, (memory.lastAttempt ?? -Infinity) + intervalMs)
}

/** A mail that was not sent is due as before: once its way is fixed, the next look sends it. */
export function withdrawAttempt(memory: Memory, before: Memory['lastAttempt'], { kind }: HandOver): void {
  if (kind === 'not_sent') memory.lastAttempt = before
}

/** Whether there is a place for one more. Nothing is lost, and so nothing written off, while the mailbox cannot be read. */
export function hasPlace({ mails }: Memory, now: number, lostAfter: number): boolean {
  const out = mails.filter(isOut)
  return out.length < mostOut || out.every(({ isLost, since }) => isLost && now - since >= patience * lostAfter)
}

/** Takes note of a hand-over. `since`: the end of DATA. `isAwaited`: there is a mailbox. */
export function noteHandOver(
  memory: Memory,
  { token, result, since, isAwaited }: { token: string; result: HandOver; since: number; isAwaited: boolean },
): void {
  const { counts } = memory
  if (result.kind === 'accepted') counts.sent++
  if (result.kind === 'refused' && !result.forNow) counts.rejected++
  memory.deferredSince = result.kind === 'refused' && result.forNow ? (memory.deferredSince ?? since) : undefined
  if (!isAwaited || (result.kind !== 'accepted' && result.kind !== 'unanswered')) return
  const reply = result.kind === 'accepted' ? result.reply : undefined
  memory.mails.unshift({ token, since, reply, fate: 'out', isLost: false })
  for (const one of memory.mails.filter(isOut).slice(mostOut)) one.fate = 'written_off'
}

/** A mail of ours as it was found. Moments are of the monotonic clock. */
export interface FoundMail {
  readonly token: string
  /** INTERNALDATE (epoch); NaN if it was no date. */
  readonly receivedAt: number
  readonly seenAt: number
  /** When the folder was last read before, and the mail was not there. */
  readonly readBefore: number | undefined
  readonly folder: FolderKind
  readonly folderName: string
  readonly headers: HeaderFacts
}

/**
 * How long a mail took, in milliseconds. INTERNALDATE is of another clock, and one of the two may be wrong or was set. So it
 * only decides between the looks before and after the arrival, of which we know the time.
 */
export function tookMs(since: number, { receivedAt, seenAt, readBefore }: FoundMail, wallNow = Date.now()): number {
  const atMost = Math.max(0, seenAt - since)
  const atLeast = Math.max(0, (readBefore ?? since) - since)
  if (Number.isNaN(receivedAt)) return atMost
  // INTERNALDATE has whole seconds: it may be a second later.
  const stamped = receivedAt + 1000 - (wallNow - (performance.now() - since))
  return Math.max(Math.min(atLeast, atMost), Math.min(stamped, atMost))
}

/** Takes note of a mail that was found. Whether it is one of this process. */
export function noteArrival(memory: Memory, mail: FoundMail, lateAfter: number): boolean {
  const { counts } = memory
  const known = memory.mails.find(({ token }) => token === mail.token)
  if (!known) return false
  if (known.arrival) {
    known.arrival = { ...known.arrival, copies: known.arrival.copies + 1 }
    counts.duplicates++
    return true
  }
  const ms = tookMs(known.since, mail)
  const { folder, folderName, headers, seenAt } = mail
  known.arrival = { seconds: ms / 1000, seenAt, folder, folderName, copies: 1, headers }
  known.fate = 'arrived'
  // It went to two addresses, say, and one of them sent it back.
  known.bounce = undefined
  counts.arrived[folder]++
  if (ms > lateAfter) counts.late++
  return true
}

/** Takes note of a bounce. Whether it is about a mail of this process. `isFailure`: the mail is not delivered later. */
export function noteBounce(
  memory: Memory,
  {
    token,
    status,
    text,
    isFailure,
    seenAt,
  }: { token: string; status: string | undefined; text: string; isFailure: boolean; seenAt: number },
): boolean {
  const known = memory.mails.find(one => one.token === token)
  if (!known) return false
  if (known.arrival || known.bounce || !isFailure) return true
  known.bounce = { status, text, seenAt }
  known.fate = 'bounced'
  memory.counts.bounced++
  return true
}

/**
 * What follows from the time. A mail is lost only if the mailbox was read after its time was over (`readAt`, by the monotonic
 * clock). It keeps its place, also if the relay gave no answer to it: that may have taken it.
 */
export function settle(memory: Memory, lostAfter: number): void {
  const { mails, readAt = -Infinity, counts } = memory
  for (const mail of mails) {
    if (!isOut(mail) || mail.isLost || readAt - mail.since < lostAfter) continue
    mail.isLost = true
    counts.lost++
  }
  const decided = mails.filter(mail => !isOut(mail))
  const kept = new Set(decided.slice(0, mostDecided))
  memory.mails = mails.filter(mail => isOut(mail) || kept.has(mail))
}

/** The mails as a run shows them, with the time of day. */
export function shownMails({ mails }: Memory, timeOfDay: (moment: number) => number): CanaryMail[] {
  const decided = mails.filter(mail => !isOut(mail))
  const kept = new Set([...decided.slice(0, mostShown), mails.find(({ arrival }) => arrival)])
  return mails
    .filter(mail => isOut(mail) || kept.has(mail))
    .map(({ since, reply, fate, arrival, bounce }) => ({
      sentAt: timeOfDay(since),
      reply,
      fate,
      arrival: arrival && withTime(arrival, timeOfDay),
      bounce: bounce && withTime(bounce, timeOfDay),
    }))
}

const withTime = <T extends { readonly seenAt: number }>(one: T, timeOfDay: (moment: number) => number): T => ({
  ...one,
  seenAt: timeOfDay(one.seenAt),
})
