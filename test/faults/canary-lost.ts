/** A canary that is refused, or does not arrive. */
import type { Policy } from '../servers/policy.ts'
import {
  at,
  crowded,
  fails,
  held,
  notBounces,
  receiverDoes,
  relayDoes,
  series,
  warns,
  type Row,
} from './canary-stage.ts'

const refusal = (verb: string, code: string): string => `${code} the ${verb} of this canary is refused`
const rejected = { [series('rejected_total')]: 'any' } as const

/** The relay refuses it for good, at each verb. */
const rejections: readonly Row[] = [
  relayDoes(
    'the relay refuses the sender (550 at MAIL)',
    at('MAIL', refusal('sender', '550 5.7.1')),
    fails('rejected', rejected),
  ),
  relayDoes(
    'the relay refuses the recipient (550 at RCPT)',
    at('RCPT', refusal('recipient', '550 5.1.1')),
    fails('rejected', rejected),
  ),
  relayDoes(
    'the relay refuses it at DATA (554)',
    at('DATA', refusal('mail', '554 5.7.0')),
    fails('rejected', rejected),
  ),
  relayDoes(
    'the relay refuses what is in it (554 after DATA)',
    at('END-OF-MESSAGE', refusal('content', '554 5.7.1')),
    fails('rejected', rejected),
  ),
  {
    name: 'Canary: it is too large for the relay (552)',
    inject: ({ route }) => route.relay.configure('message_size_limit = 300'),
    seen: fails('rejected', rejected),
  },
]

/** For now. */
const deferral = (name: string, policy: Policy): Row =>
  relayDoes(name, policy, { ...warns('deferred'), not: [held('lost'), held('rejected')] })

export const deferrals: readonly Row[] = [
  deferral('the relay refuses the sender for now (451 at MAIL)', at('MAIL', refusal('sender', '451 4.7.1'))),
  deferral('the relay greylists the canary (450 at RCPT)', at('RCPT', refusal('recipient', '450 4.2.0'))),
  deferral('the relay refuses it at DATA for now (451)', at('DATA', refusal('mail', '451 4.3.0'))),
  deferral('the relay refuses it after DATA for now (452)', at('END-OF-MESSAGE', refusal('mail', '452 4.3.1'))),
  {
    name: 'Canary: the disk of the relay is full (452)',
    inject: ({ route }) => route.relay.configure('queue_minfree = 1000000000000000'),
    seen: warns('deferred'),
  },
]

/** The relay took it. */
const lost = fails('lost', { [series('lost_total')]: 'any', [series('mailbox_reachable')]: 1 })

const losses: readonly Row[] = [
  relayDoes('the relay holds it (HOLD)', at('END-OF-MESSAGE', 'HOLD'), lost),
  relayDoes('the relay throws it away (DISCARD)', at('END-OF-MESSAGE', 'DISCARD'), lost),
  receiverDoes('the receiver throws it away (DISCARD)', at('END-OF-MESSAGE', 'DISCARD'), lost),
  receiverDoes('the receiver refuses it for now, for ever (450)', at('RCPT', '450 4.2.0 greylisted'), lost),
  {
    name: 'Canary: the mail server of the receiver is stopped',
    inject: ({ route }) => {
      route.receiver.pause()
      return Promise.resolve()
    },
    seen: lost,
  },
  relayDoes('the relay delivers it to another mailbox', at('RCPT', `REDIRECT ${crowded}`), lost),
  relayDoes(
    'the relay refuses it for now, for longer than `lost_after`',
    at('RCPT', '450 4.2.0 try later'),
    fails('deferred'),
  ),
]

const bounced = fails('bounced', { [series('bounced_total')]: 'any' })

const bounces: readonly Row[] = [
  receiverDoes(
    'the receiver does not know the recipient (550)',
    at('RCPT', '550 5.1.1 no such user', notBounces),
    bounced,
  ),
  receiverDoes('the receiver refuses what is in it (554)', at('END-OF-MESSAGE', '554 5.7.1 spam', notBounces), bounced),
  receiverDoes(
    'the receiver takes it and bounces it later',
    at('END-OF-MESSAGE', 'FILTER error:gone', notBounces),
    bounced,
  ),
]

export const lostRows: readonly Row[] = [...rejections, ...losses, ...bounces]
