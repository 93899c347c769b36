import { isIPv6 } from 'node:net'
import { bounded } from '../../../clients/dns/index.ts'
import { cases } from './cases.ts'
import { reason, type Reason } from '../reasons.ts'
import type { DnsSeen } from '../seen.ts'
import type { SenderSeen } from '../spf/seen.ts'
import type { DnsTarget } from '../target.ts'

type Seen = Pick<DnsSeen, 'envelope' | 'envelopeDomain' | 'spf'>

/** What is wrong with the SPF record. A domain that does not exist has no record, and that is another reason. */
export function spfReasons(seen: Seen, { bulk }: Pick<DnsTarget, 'bulk'>): Reason[] {
  const { spf, envelope } = seen
  if (seen.envelopeDomain.exists === false || spf.record === 'unanswered') return []
  const verdict = bulk ? 'fail' : undefined
  if (spf.record === 'missing') return [reason('dns_spf_missing', missing(seen), publish(seen), verdict)]
  const uncovered = spf.senders.filter(isUncovered)
  return [
    ...(spf.errors.length > 0 ? [reason('dns_spf_invalid', cases(spf.errors.map(bounded)), undefined, verdict)] : []),
    ...(uncovered.length > 0
      ? [reason('dns_spf_not_covering', cases(uncovered.map(one => notCovered(one, envelope))), publish(seen), verdict)]
      : []),
    ...permissiveReasons(spf),
    ...(spf.deprecated.length > 0
      ? [reason('dns_spf_deprecated', cases(spf.deprecated.map(one => `${bounded(one)} is not to be used`)))]
      : []),
  ]
}

/** Who lets in everybody vouches for all of their mail; who only says nothing of others does not. */
function permissiveReasons({ permissive, isOpen }: Seen['spf']): Reason[] {
  if (permissive.length === 0) return []
  const found = reason('dns_spf_permissive', cases(permissive.map(bounded)))
  return [isOpen ? { ...found, severity: 'high' } : found]
}

function missing({ spf, envelope }: Seen): string {
  const [lookalike] = spf.lookalikes ?? []
  const found = lookalike === undefined ? '' : `; there is \`${bounded(lookalike)}\`, which is none`
  return `${envelope} has no TXT record that begins with \`v=spf1\` and a space${found}`
}

/** The others are errors, not known, or without a record. */
const isUncovered = ({ result }: SenderSeen): boolean =>
  result === 'fail' || result === 'softfail' || result === 'neutral'

const notCovered = ({ result, why, ...one }: SenderSeen, envelope: string): string =>
  bounded(`${envelope}: SPF gives ${result} and not pass for ${nameOf(one)}, by ${why}`)

const nameOf = ({ sender, address }: Pick<SenderSeen, 'sender' | 'address'>): string =>
  sender === address ? address : `${address} (${sender})`

/** With a record to publish, if it can be known. */
function publish(seen: Seen): string | undefined {
  const record = spfToPublish(seen)
  return record === undefined || record.length > 253
    ? undefined
    : `Publish this TXT record at ${seen.envelope}: \`${record}\`. If an address is that of a provider, put the \`include:\` of the provider in place of it.`
}

/**
 * The record that lets all senders pass by themselves, and has no mail refused of one that was forgotten. Undefined if there is none
 * to publish: all pass, or the senders are not known.
 */
export function spfToPublish({ spf }: Pick<DnsSeen, 'spf'>): string | undefined {
  const wanted = spf.senders
    .filter(one => isUncovered(one) || one.result === 'none' || one.byAll)
    .map(({ address }) => termFor(address))
  const terms = [...new Set(wanted)].join(' ')
  if (terms === '') return undefined
  return spf.text === undefined ? `v=spf1 ${terms} ~all` : spf.text.replace(/^v=spf1/i, `v=spf1 ${terms}`)
}

const termFor = (address: string): string => `${isIPv6(address) ? 'ip6' : 'ip4'}:${address}`
