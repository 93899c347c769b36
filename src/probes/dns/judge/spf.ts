import { bounded } from '../../../clients/dns/index.ts'
import { ofLostSenders } from './by-sender.ts'
import { cases } from './cases.ts'
import { reason, type Reason } from '../reasons.ts'
import type { DnsSeen } from '../seen.ts'
import type { SenderSeen } from '../spf/seen.ts'
import { isUncovered, spfToPublish } from './spf-to-publish.ts'
import type { DnsTarget } from '../target.ts'

type Seen = Pick<DnsSeen, 'envelope' | 'envelopeDomain' | 'spf'>

/** What is wrong with the SPF record. A domain that does not exist has no record, and that is another reason. */
export function spfReasons(seen: Seen, { bulk }: Pick<DnsTarget, 'bulk'>): Reason[] {
  const { spf, envelope } = seen
  if (seen.envelopeDomain.exists === false || spf.record === 'unanswered') return []
  const verdict = bulk ? 'fail' : undefined
  if (spf.record === 'missing') return [reason('dns_spf_missing', missing(seen), spfRemedy(seen), verdict)]
  const uncovered = spf.senders.filter(isUncovered)
  const isLost = ofLostSenders(spf.senders, isUncovered).length > 0
  // Receivers stop at the term that fits: what comes behind it is an error for others.
  const isPassing = spf.senders.length > 0 && spf.senders.every(({ result }) => result === 'pass')
  return [
    ...(spf.errors.length > 0
      ? [reason('dns_spf_invalid', cases(spf.errors.map(bounded)), undefined, isPassing ? undefined : verdict)]
      : []),
    ...(uncovered.length > 0
      ? [
          reason(
            'dns_spf_not_covering',
            cases(uncovered.map(one => notCovered(one, envelope))),
            spfRemedy(seen),
            isLost ? verdict : undefined,
          ),
        ]
      : []),
    ...(spf.open.length > 0 ? [reason('dns_spf_open', cases(spf.open.map(bounded)))] : []),
    ...(spf.permissive.length > 0 ? [reason('dns_spf_permissive', cases(spf.permissive.map(bounded)))] : []),
    ...(spf.deprecated.length > 0
      ? [reason('dns_spf_deprecated', cases(spf.deprecated.map(one => `${bounded(one)} is not to be used`)))]
      : []),
  ]
}

function missing({ spf, envelope }: Seen): string {
  const [lookalike] = spf.lookalikes ?? []
  const found = lookalike === undefined ? '' : `; there is \`${bounded(lookalike)}\`, which is none`
  return `${envelope} has no TXT record that begins with \`v=spf1\` and a space${found}`
}

const notCovered = ({ result, why, ...one }: SenderSeen, envelope: string): string =>
  bounded(`${envelope}: SPF gives ${result} and not pass for ${nameOf(one)}, by ${why}`)

const nameOf = ({ sender, address }: Pick<SenderSeen, 'sender' | 'address'>): string =>
  sender === address ? address : `${address} (${sender})`

/** With a record to publish, if it can be known. */
export function spfRemedy(seen: Pick<Seen, 'envelope' | 'spf'>): string | undefined {
  const record = spfToPublish(seen)
  return record === undefined || record.length > 253
    ? undefined
    : `Publish this TXT record at ${seen.envelope}: \`${record}\`. If an address is that of a provider, put the \`include:\` of the provider in place of it.`
}
