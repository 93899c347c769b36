import { isUsable, type DkimSeen } from '../dkim.ts'
import type { DnsSeen } from '../seen.ts'
import type { SpfSeen } from '../spf/seen.ts'
import type { DnsTarget } from '../target.ts'
import { rowsOf, type PostureRow } from './row.ts'
import { textLine, zoneLine, zoneName } from './zone-file.ts'

/** The rows of what proves who sends: SPF and DKIM. */
export const senderRows = (seen: DnsSeen, target: DnsTarget): readonly PostureRow[] => [
  spfRow(seen, target),
  ...dkimRows(seen, target),
]

function spfRow({ envelope, spf, ptr }: DnsSeen, { account }: DnsTarget): PostureRow {
  const is = rowsOf('SPF', envelope)
  if (spf.record === 'unanswered') return is('unknown')
  if (spf.record === 'missing') {
    const addresses = [...new Set([...spf.senders, ...ptr].map(({ address }) => address))]
    const terms = [...addresses.map(byAddress), ...(account ? ['include:amazonses.com'] : [])]
    const senders = terms.length > 0 ? terms.join(' ') : 'ip4:ADDRESS'
    return is('missing', [], { publish: textLine(envelope, `v=spf1 ${senders} ~all`) })
  }
  const { text = '', errors, permissive, deprecated, lookups } = spf
  const found = [text, ...(lookups === undefined ? [] : [`${lookups} of 10 look-ups`])].filter(part => part !== '')
  if (errors.length > 0) return is('wrong', [...found, ...errors], { advice: 'One record without what is named.' })
  const open = spf.senders.filter(({ result }) => result !== 'pass')
  const mended = mendedSpf(spf, open.map(({ address }) => address).map(byAddress))
  const todo = mended === undefined ? {} : { publish: textLine(envelope, mended) }
  const results = open.map(({ sender, address, result }) => `${result} for ${withAddress(sender, address)}`)
  if (open.some(({ result }) => result !== 'temperror')) return is('wrong', [...found, ...results], todo)
  if (open.length > 0) return is('unknown', [...found, ...results])
  const notes = [...permissive, ...deprecated]
  return notes.length > 0 ? is('weak', [...found, ...notes], todo) : is('ok', found)
}

const byAddress = (address: string): string => `${address.includes(':') ? 'ip6' : 'ip4'}:${address}`

const withAddress = (sender: string, address: string): string =>
  sender === address ? address : `${sender} (${address})`

/** The record with these mechanisms first, so that they count, and with an end that lets in nobody else. Undefined: as it is. */
function mendedSpf({ text = '', permissive }: SpfSeen, mechanisms: readonly string[]): string | undefined {
  const [version = '', ...terms] = text.split(/ +/).filter(term => term !== '')
  const open = terms.findIndex(term => /^[+?]?all$/i.test(term))
  const ends = terms.some(term => /^(?:[-~+?]?all$|redirect=)/i.test(term))
  const changes = permissive.length > 0
  const kept = changes && open >= 0 ? [...terms.slice(0, open), '~all'] : terms
  const all = [version, ...mechanisms, ...kept, ...(changes && !ends ? ['~all'] : [])].join(' ')
  return mechanisms.length === 0 && kept === terms && !(changes && !ends) ? undefined : all
}

function dkimRows({ domain, dkim }: DnsSeen, { bulk }: DnsTarget): readonly PostureRow[] {
  if (dkim === undefined)
    return [rowsOf('DKIM', `SELECTOR._domainkey.${domain}`)('not_judged', ['`dkim` names no selector'])]
  if (dkim.length === 0)
    return [rowsOf('DKIM', domain)(bulk ? 'missing' : 'not_judged', ['`dkim: []` says that nothing signs'])]
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
