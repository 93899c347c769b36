import { withSubject } from '../../core/subject.ts'
import type { Addresses } from './addresses.ts'
import type { HandOver } from './seen.ts'

/** A mail that is ready to leave. */
export interface Outgoing extends Addresses {
  /** Kept out of the transcript. */
  readonly token: string
  /** What `compose` made. */
  readonly message: string
}

export interface HandedOver {
  readonly handOver: HandOver
  /** `host:port` of the relay, or of SES; else the name of the target. */
  readonly address: string
  /** When the answer came, or it was clear that none comes: by `performance.now()`. The session may end later. */
  readonly endedAt: number
}

/** A hand-over that has just ended. `address`: of the relay or of SES, or the name of the target. */
export const ended = (address: string, handOver: HandOver): HandedOver => ({
  address,
  handOver,
  endedAt: performance.now(),
})

/** The way is broken. */
export const notSent = (address: string, why: string): HandedOver =>
  ended(address, { kind: 'not_sent', text: withSubject(address, why) })
