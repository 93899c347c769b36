import type { Look } from '../../core/probe.ts'
import type { Addresses } from './addresses.ts'
import { bySes } from './by-ses.ts'
import { bySmtp } from './by-smtp.ts'
import type { HandOver } from './seen.ts'
import type { Way } from './target.ts'

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

/** Hands a mail over to the way. An expected failure is a result. It ends with the signal of the look. */
export function handOver(way: Way, mail: Outgoing, look: Look): Promise<HandedOver> {
  look.conceal(mail.token)
  return way.kind === 'smtp' ? bySmtp(way.target, mail, look) : bySes(way.target, mail, look)
}

/** The same look, which ends with this signal. */
export const endingWith = (signal: AbortSignal, look: Look): Look => ({
  ...look,
  signal,
  get current() {
    return look.current
  },
})
