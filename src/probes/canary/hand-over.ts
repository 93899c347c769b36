import type { Look } from '../../core/probe.ts'
import { bySes } from './by-ses.ts'
import { bySmtp } from './by-smtp.ts'
import type { HandedOver, Outgoing } from './outgoing.ts'
import type { Way } from './target.ts'

/** Hands a mail over to the way. An expected failure is a result. It ends with the signal of the look. */
export function handOver(way: Way, mail: Outgoing, look: Look): Promise<HandedOver> {
  look.conceal(mail.token)
  return way.kind === 'smtp' ? bySmtp(way.target, mail, look) : bySes(way.target, mail, look)
}
