import type { DnsSeen } from './seen.ts'

/** How soon a record that has vanished is asked for once more, in milliseconds. */
const confirmedInMs = 15_000
/** How soon name servers that did not answer are asked once more: a question is sent once, and it may only have been lost. */
const answeredInMs = 60_000

/** How long after this look the next is worth it, in milliseconds: see `Probe`. */
export function againInMs({ unconfirmed, unanswered, isAwaitingSes, isUsedUp }: DnsSeen): number | undefined {
  if (unconfirmed.length > 0 || isAwaitingSes) return confirmedInMs
  // The next look would ask as many questions.
  return unanswered.length > 0 && !isUsedUp ? answeredInMs : undefined
}
