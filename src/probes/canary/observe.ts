import { deadline } from '../../core/deadline.ts'
import { DeadlineExceeded, describeError, Unresolved } from '../../core/errors.ts'
import { endingWith, type Look } from '../../core/probe.ts'
import { redactor } from '../../core/redact.ts'
import { domainsOf, readAddresses, type Addresses } from './addresses.ts'
import { hasPlace, isDue, noteAttempt, noteHandOver, settle, shownMails, withdrawAttempt } from './fate.ts'
import { handOver } from './hand-over.ts'
import { wayOut } from './leaves-by.ts'
import { newMark, targetMark } from './mark.ts'
import { memoryOf, timeOfDay, type Memory } from './memory.ts'
import { compose } from './message.ts'
import { notSent } from './outgoing.ts'
import type { CanarySeen } from './seen.ts'
import type { CanaryTarget } from './target.ts'
import { leftMs, visitMailbox, type Visit } from './visit.ts'

/** Looks for the mails that are out, sends one if it is due, waits for it, and deletes what it found of its own. */
export async function observe(target: CanaryTarget, look: Look): Promise<CanarySeen> {
  const began = performance.now()
  const memory = memoryOf(target)
  for (const { token, fate } of memory.mails) if (fate === 'out') look.conceal(token)
  const addresses = await addressesOf(target, look)
  const mark = typeof addresses === 'string' ? undefined : targetMark([target.name, addresses.to])
  const visit =
    target.mailbox && (await visitMailbox({ target, mailbox: target.mailbox, memory, mark, look }, cleaner(addresses)))
  try {
    settle(memory, target.lost_after)
    if (typeof addresses === 'string') memory.handOver = notSent(wayOut(target).id, addresses)
    else if (
      mark !== undefined &&
      isDue(memory, began, look.intervalMs) &&
      hasPlace(memory, began, target.lost_after)
    ) {
      const limit = deadline(visit ? leftMs(look, began) : look.timeoutMs, look.signal)
      const sending = endingWith(limit.signal, look)
      const token = await send({ target, memory, addresses, mark, began, look: sending }).finally(() => limit.clear())
      await visit?.waitFor(token)
      settle(memory, target.lost_after)
    }
  } finally {
    await visit?.end()
  }
  return { ...seen(target, memory, visit), domains: typeof addresses === 'string' ? undefined : domainsOf(addresses) }
}

/** The addresses, or why one of them cannot be read. */
async function addressesOf(target: CanaryTarget, look: Look): Promise<Addresses | string> {
  try {
    return await readAddresses(target, look)
  } catch (error) {
    if (!(error instanceof Unresolved)) throw error
    return describeError(error)
  }
}

/** What is remembered outlives the secrets of its run. */
function cleaner(addresses: Addresses | string): (text: string) => string {
  const secrets = redactor()
  if (typeof addresses !== 'string') Object.values(addresses).forEach(secrets.add)
  return secrets.text
}

interface Sending {
  readonly target: CanaryTarget
  readonly memory: Memory
  readonly addresses: Addresses
  readonly mark: string
  /** When the run began. */
  readonly began: number
  readonly look: Look
}

/** Hands one mail over. Returns its token. */
async function send({ target, memory, addresses, mark: ofTarget, began, look }: Sending): Promise<string> {
  const { lastAttempt } = memory
  noteAttempt(memory, began, look.intervalMs)
  const mark = newMark(ofTarget)
  const { token } = mark
  const message = compose({ from: addresses.from, to: addresses.to, mark, at: Date.now() })
  const handed = target.way
    ? await handOver(target.way, { ...addresses, token, message }, look)
    : notSent(wayOut(target).id, 'is not there')
  if (!isCutOff(look.signal)) memory.handOver = handed
  withdrawAttempt(memory, lastAttempt, handed.handOver)
  noteHandOver(memory, {
    token,
    result: handed.handOver,
    since: handed.endedAt,
    isAwaited: target.mailbox !== undefined,
  })
  return token
}

/** By a reload, or the end of the exporter: that says nothing of the way. */
const isCutOff = ({ aborted, reason }: AbortSignal): boolean => aborted && !(reason instanceof DeadlineExceeded)

function seen(target: CanaryTarget, memory: Memory, visit: Visit | undefined): CanarySeen {
  const clock = timeOfDay(memory)
  const { handOver: last, deferredSince, readAt, counts } = memory
  return {
    at: clock(performance.now()),
    address: last?.address ?? wayOut(target).id,
    handOver: last && ('at' in last.handOver ? { ...last.handOver, at: clock(last.endedAt) } : last.handOver),
    deferredSince: deferredSince === undefined ? undefined : clock(deferredSince),
    mails: shownMails(memory, clock),
    mailbox: visit && { ...visit.seen(), readAt: readAt === undefined ? undefined : clock(readAt) },
    counts: { ...counts, arrived: { ...counts.arrived } },
  }
}
