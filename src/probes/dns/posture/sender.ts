import type { DkimSeen } from '../dkim/index.ts'
import { isUsable } from '../dkim/key.ts'
import { spfToPublish } from '../judge/spf.ts'
import type { DnsSeen } from '../seen.ts'
import { mostLookups } from '../spf/evaluation.ts'
import type { SpfResult } from '../spf/seen.ts'
import type { DnsTarget } from '../target.ts'
import { rowsOf, type PostureRow } from './row.ts'
import { textLine, zoneLine, zoneName } from './zone-file.ts'

/** The rows of what proves who sends: SPF and DKIM. */
export const senderRows = (seen: DnsSeen, target: DnsTarget): readonly PostureRow[] => [
  spfRow(seen, target),
  ...dkimRows(seen, target),
]

function spfRow(seen: DnsSeen, target: DnsTarget): PostureRow {
  const { envelope, spf } = seen
  const is = rowsOf('SPF', envelope)
  if (spf.record === 'unanswered') return is('unknown')
  const { text, errors, permissive, deprecated, lookups, senders, lookalikes = [] } = spf
  const wanted = spfToPublish(seen)
  if (spf.record === 'missing' || text === undefined) {
    const anyones = `v=spf1 ${target.account ? 'include:amazonses.com' : 'ip4:ADDRESS'} ~all`
    const todo = errors.length > 0 ? { advice: oneRecord } : { publish: textLine(envelope, wanted ?? anyones) }
    return is(errors.length > 0 ? 'wrong' : 'missing', [...errors, ...lookalikes], todo)
  }
  const found = [text, ...(lookups === undefined ? [] : [`${lookups} of 10 look-ups`]), ...errors]
  if (errors.length > 0) return is('wrong', found, { advice: (lookups ?? 0) > mostLookups ? fewerLookups : corrected })
  const results = senders
    .filter(({ result }) => result !== 'pass')
    .map(({ sender, address, result }) => `${result} for ${sender === address ? address : `${sender} (${address})`}`)
  const all = [...found, ...results, ...permissive, ...deprecated.map(one => `${one} is not to be used`)]
  const mended = permissive.length > 0 ? closed(wanted ?? text, senders.length > 0) : wanted
  const todo = mended === undefined || mended === text ? {} : { publish: textLine(envelope, mended) }
  if (senders.some(({ result }) => uncovered.includes(result))) return is('wrong', all, todo)
  if (permissive.length + deprecated.length === 0) return is(results.length > 0 ? 'unknown' : 'ok', all)
  return is('weak', all, todo.publish === undefined ? { advice: withoutOpen } : todo)
}

const oneRecord = 'Put the terms of all of them into one record, and delete the others.'
const fewerLookups = 'Take out includes that are not needed, or name addresses (ip4:, ip6:) in place of names.'
const corrected = 'Correct what is named. The name in front of it says in which record.'
const withoutOpen = 'In place of what is named, name the hosts that send (ip4:, ip6:, include:), and end with ~all.'

const uncovered: readonly SpfResult[] = ['fail', 'softfail', 'neutral']

/** The record with an end that lets in no others. Undefined if the end is in another record, or only that end lets the senders in. */
function closed(text: string, areSendersKnown: boolean): string | undefined {
  const terms = text.split(/ +/).filter(term => term !== '')
  const all = terms.findIndex(term => /^[-~+?]?all$/i.test(term))
  if (!areSendersKnown && /^\+?all$/i.test(terms[all] ?? '')) return undefined
  if (all >= 0) return [...terms.slice(0, all), '~all'].join(' ')
  return terms.some(term => /^redirect=/i.test(term)) ? undefined : [...terms, '~all'].join(' ')
}

function dkimRows({ domain, dkim }: DnsSeen, { bulk }: DnsTarget): readonly PostureRow[] {
  if (dkim === undefined)
    return [rowsOf('DKIM', `SELECTOR._domainkey.${domain}`)('not_judged', ['`dkim` names no selector'])]
  if (dkim.length === 0)
    return [
      bulk
        ? rowsOf('DKIM', domain)('missing', [], {
            advice: 'Sign the mail, publish the key, and name its selector in `dkim`.',
          })
        : rowsOf('DKIM', domain)('not_judged', ['`dkim: []` says that nothing signs']),
    ]
  const onlyEd25519 = dkim.every(({ key }) => key.kind === 'key' && key.algorithm === 'ed25519')
  return dkim.map(one => dkimRow(one, onlyEd25519))
}

function dkimRow({ name, ses, key }: DkimSeen, onlyEd25519: boolean): PostureRow {
  const is = rowsOf('DKIM', name)
  const todo = {
    publish: ses ? zoneLine(name, 'CNAME', zoneName(ses.target)) : textLine(name, 'v=DKIM1; k=rsa; p=KEY'),
  }
  const other = { advice: 'An RSA key of 2048 bits for mail, under another selector, which the signer then uses.' }
  if (ses && ses.leadsTo !== 'unanswered' && ses.leadsTo?.name !== ses.target)
    return ses.leadsTo ? is('wrong', [`leads to ${ses.leadsTo.name}`], todo) : is('missing', [], todo)
  if (key.kind === 'unanswered') return is('unknown')
  if (key.kind === 'missing') return is('missing', [], todo)
  if (key.kind === 'revoked') return is('wrong', ['revoked (p= is empty)'], other)
  if (key.kind === 'invalid') return is('wrong', [`the record ${key.problem}`], todo)
  const found = [
    key.algorithm === 'rsa' ? `RSA, ${key.bits} bits` : 'Ed25519',
    ...(key.isForMail ? [] : ['not for mail (s=)']),
    ...(key.hashes?.includes('sha256') === false ? [`only for ${key.hashes.join(', ')} (h=)`] : []),
    ...(key.isTesting ? ['only tested (t=y)'] : []),
    ...(onlyEd25519 ? ['some receivers know RSA only'] : []),
  ]
  if (!isUsable(key)) return is('wrong', found, other)
  if (onlyEd25519 || (key.algorithm === 'rsa' && key.bits < 2048)) return is('weak', found, other)
  return key.isTesting
    ? is('weak', found, { advice: 'The same record without t=y, once signing works.' })
    : is('ok', found)
}
