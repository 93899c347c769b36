import { isIPv6 } from 'node:net'
import type { DnsSeen } from '../seen.ts'
import { readRecord } from '../spf/record.ts'
import type { SenderSeen } from '../spf/seen.ts'
import { isWide } from '../spf/survey.ts'

type Seen = Pick<DnsSeen, 'spf'>

/** The others are errors, not known, or without a record. */
export const isUncovered = ({ result }: SenderSeen): boolean =>
  result === 'fail' || result === 'softfail' || result === 'neutral'

const needsTerm = (one: SenderSeen): boolean => isUncovered(one) || one.result === 'none'

/**
 * The record that lets all senders pass, and has no mail refused of one that was forgotten. Undefined if there is none to publish:
 * all pass, or the senders are not known.
 */
export function spfToPublish({ spf }: Seen): string | undefined {
  const terms = termsFor(spf.senders.filter(needsTerm)).join(' ')
  if (terms === '') return undefined
  return spf.text === undefined ? `v=spf1 ${terms} ~all` : spf.text.replace(/^v=spf1/i, `v=spf1 ${terms}`)
}

/**
 * The record with an end that lets in no others, without networks that are too wide, and with the senders that only these let pass. `hosts` stands for them if
 * none are known. Undefined if the end is in another record.
 */
export function spfToClose({ spf: { text = '', senders } }: Seen, hosts: string): string | undefined {
  const [, ...own] = text.split(/ +/).filter(term => term !== '')
  const all = own.findIndex(term => /^[-~+?]?all$/i.test(term))
  if (all < 0 && own.some(term => /^redirect=/i.test(term))) return undefined
  const wide = new Set(
    readRecord(text)
      .directives.filter(isWide)
      .map(directive => directive.text),
  )
  const kept = (all < 0 ? own : own.slice(0, all)).filter(term => !wide.has(term))
  const terms = [...termsFor(senders.filter(one => needsTerm(one) || one.isByAll === true)), ...kept]
  return ['v=spf1', ...(terms.length > 0 ? terms : [hosts]), '~all'].join(' ')
}

const termsFor = (senders: readonly SenderSeen[]): string[] => [
  ...new Set(senders.map(({ address }) => `${isIPv6(address) ? 'ip6' : 'ip4'}:${address}`)),
]
