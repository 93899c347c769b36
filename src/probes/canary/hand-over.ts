import type { Look } from '../../core/probe.ts'
import type { Mark } from './mark.ts'
import type { HandOver } from './seen.ts'
import type { Way } from './target.ts'

/** A mail that is to leave now. */
export interface Outgoing {
  readonly mark: Mark
  /** The address in `From`. */
  readonly from: string
  readonly to: string
  /** The sender of the envelope. */
  readonly envelopeFrom: string
}

export interface HandedOver {
  readonly result: HandOver
  /** Set if the way has the mail, or may have it (cut off after DATA): the end of DATA, by the monotonic clock, in milliseconds. */
  readonly outSince: number | undefined
}

/** Sends a mail, by exactly the way its target takes. Never rejects: why it did not leave is its result. */
export function handOver(way: Way, mail: Outgoing, look: Look): Promise<HandedOver> {
  look.note(`skeleton: ${way.kind}`)
  return Promise.resolve({ result: { kind: 'not_sent', text: 'skeleton' }, outSince: undefined })
}
