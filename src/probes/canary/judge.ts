import { exactDuration } from '../../core/duration.ts'
import { withSubject } from '../../core/subject.ts'
import { finding } from '../../core/probe.ts'
import { handOverReasons } from './judge-hand-over.ts'
import { boxReason, mailboxReasons } from './judge-mailbox.ts'
import { arrivalReasons, decide, fateReasons, isDecided, newestArrival, type Decision } from './judge-mails.ts'
import { reason, type Reason } from './reasons.ts'
import { samplesOf } from './samples.ts'
import type { CanarySeen, HeaderFacts } from './seen.ts'
import { methods, type CanaryTarget } from './target.ts'

export const judge = (seen: CanarySeen, target: CanaryTarget) =>
  finding(evidence(seen), reasonsIn(seen, target), samplesOf(seen, target.name))

function reasonsIn(seen: CanarySeen, target: CanaryTarget): Reason[] {
  const decision = decide(seen, target)
  const ofBox = boxReason(seen, decision, target)
  const found = [
    ...handOverReasons(seen, target),
    ...mailboxReasons(seen),
    ...(ofBox ? [ofBox] : fateReasons(seen, decision, target)),
    ...arrivalReasons(seen, decision, target),
  ]
  return isProven(seen, decision, found) ? found : [...found, underWay(seen)]
}

/**
 * No evidence is never ok, and no warning either. Without a mailbox the answer of the way is all there can be; it is also where
 * the way refuses the mail.
 */
function isProven({ handOver, mailbox }: CanarySeen, decision: Decision, found: readonly Reason[]): boolean {
  if (found.some(({ verdict }) => verdict !== 'warn')) return true
  return mailbox ? isDecided(decision) || handOver?.kind === 'refused' : handOver !== undefined
}

const underWay = ({ address, handOver }: CanarySeen): Reason =>
  reason(
    'canary_under_way',
    withSubject(
      address,
      handOver?.kind === 'accepted' ? `accepted (${handOver.reply}), and not there yet` : 'no canary has arrived yet',
    ),
  )

/** What a healthy canary shows. */
function evidence(seen: CanarySeen): string {
  const { address, handOver, mailbox } = seen
  const arrival = newestArrival(seen)
  if (mailbox && arrival) {
    const { headers, folderName, seconds } = arrival
    const way = `in ${folderName} of ${mailbox.address} after ${exactDuration(seconds * 1000)}`
    return withSubject(
      address,
      [way, `${headers.hops} ${headers.hops === 1 ? 'hop' : 'hops'}`, ...authenticated(headers)].join(', '),
    )
  }
  return handOver?.kind === 'accepted'
    ? withSubject(address, `accepted (${handOver.reply}); whether it arrives is not known: there is no mailbox`)
    : address
}

function authenticated({ authentication }: HeaderFacts): string[] {
  const results = methods.flatMap(method => {
    const result = authentication?.results[method]
    return result === undefined ? [] : [`${method}=${result}`]
  })
  return results.length > 0 ? [results.join(' ')] : []
}
