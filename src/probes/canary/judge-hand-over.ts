import { exactDuration, utcTime } from '../../core/duration.ts'
import { withSubject, withoutSubject } from '../../core/subject.ts'
import { adviceOn } from './advice.ts'
import { reason, type Reason } from './reasons.ts'
import type { CanarySeen, HandOver } from './seen.ts'
import type { CanaryTarget } from './target.ts'

/** Why the last mail was not handed over. */
export function handOverReasons(seen: CanarySeen, target: CanaryTarget): Reason[] {
  const { address, handOver } = seen
  if (!handOver || handOver.kind === 'accepted') return []
  if (handOver.kind === 'not_sent') return [reason('canary_not_sent', withSubject(address, handOver.text))]
  if (handOver.kind === 'unanswered') return [unanswered(seen, handOver.text)]
  return isFullBox(handOver.status) ? [] : [refused(seen, handOver, target)]
}

/** RFC 3463: the mailbox is full. */
export const isFullBox = (status: string | undefined): boolean => status !== undefined && /^[45]\.2\.2$/.test(status)

/** What a refusal says, with what was refused. */
export const quoteRefusal = ({ address }: CanarySeen, { verb, text }: Refused): string =>
  `${address}: ${ofVerb[verb] ?? verb} was refused with "${withoutSubject(address, text)}"`

export type Refused = Extract<HandOver, { kind: 'refused' }>

const ofVerb: Readonly<Record<string, string | undefined>> = {
  MAIL: 'the sender (MAIL FROM)',
  RCPT: 'the recipient (RCPT TO)',
  mail: 'the mail (after DATA)',
}

function refused(seen: CanarySeen, answer: Refused, { lost_after }: CanaryTarget): Reason {
  const remedy = adviceOn(answer.status, answer.text)
  const text = quoteRefusal(seen, answer)
  if (!answer.forNow) return reason('canary_rejected', text, remedy)
  const since = seen.deferredSince ?? seen.at
  const lasts = seen.at - since
  return reason(
    'canary_deferred',
    `${text}, since ${utcTime(since)} (${exactDuration(lasts)})`,
    remedy,
    lasts >= lost_after ? 'fail' : undefined,
  )
}

/** A client takes such a mail for not sent, and sends it again, also where it was taken. */
function unanswered({ address, mails }: CanarySeen, text: string): Reason {
  const [newest] = mails
  return newest?.fate === 'arrived' && newest.reply === undefined
    ? reason(
        'canary_deferred',
        withSubject(address, `${text}; the mail arrived all the same`),
        'See why the relay does not answer at the end of a mail: a filter of its content that takes too long? The application may send such a mail twice.',
      )
    : reason(
        'canary_not_sent',
        withSubject(address, text),
        'See why the relay does not answer at the end of a mail: a filter of its content, or a full disk.',
      )
}
