import { isUsable } from './dkim/key.ts'
import { spfCovers, spfIsValid } from './samples.ts'
import type { DnsSeen } from './seen.ts'
import type { DnsTarget } from './target.ts'

/** What was seen, in one line. Who was asked is part of it: inside of a network other records may be seen than outside. */
export function evidenceOf(seen: DnsSeen, target: DnsTarget): string {
  const { domain, envelope, servers } = seen
  const names = envelope === domain ? domain : `${domain}, envelope ${envelope}`
  return `${names}: ${[...recordsInBrief(seen, target), ptr(seen)].join(', ')} (asked ${servers.join(', ')})`
}

/** SPF, DKIM and DMARC in a few words each. */
export const recordsInBrief = (seen: DnsSeen, target: DnsTarget): readonly string[] => [
  spf(seen),
  dkim(seen, target),
  dmarc(seen),
]

function spf(seen: DnsSeen): string {
  if (seen.spf.record === 'missing') return 'no SPF'
  const valid = spfIsValid(seen)
  if (valid !== true) return valid === undefined ? 'SPF not known' : 'SPF with errors'
  const covers = spfCovers(seen)
  if (covers !== undefined) return covers ? 'SPF passes for each sender' : 'SPF does not pass for each sender'
  return `SPF with ${seen.spf.lookups ?? 0} of 10 look-ups`
}

function dkim({ dkim, isAwaitingSes }: DnsSeen, { ses = '' }: DnsTarget): string {
  if (isAwaitingSes) return `DKIM of SES not known: ${withoutAnswer(`ses/${ses}`)}`
  if (dkim === undefined) return 'DKIM not looked at'
  const usable = dkim.filter(({ key }) => isUsable(key) === true)
  return `${usable.length} of ${dkim.length} DKIM keys usable`
}

function dmarc({ dmarc }: DnsSeen): string {
  if (dmarc.kind === 'found') return `DMARC ${dmarc.policy ?? 'without a policy'}`
  if (dmarc.kind === 'missing') return 'no DMARC'
  return dmarc.kind === 'invalid' ? 'DMARC with errors' : 'DMARC not known'
}

function ptr({ ptr }: DnsSeen): string {
  if (ptr.length === 0) return 'no senders looked at'
  const confirmed = ptr.filter(({ isConfirmed }) => isConfirmed === true)
  return `PTR of ${confirmed.length} of ${ptr.length} addresses leads back`
}

/** Why it is not known what the answer of another check gives. */
export const withoutAnswer = (check: string): string => `${check} was not asked, or has not answered`
