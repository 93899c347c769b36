import type { DkimSeen } from '../dkim/index.ts'
import { isUsable } from '../dkim/key.ts'
import { withoutAnswer } from '../evidence.ts'
import type { DnsSeen } from '../seen.ts'
import { isUncovered, spfToClose, spfToPublish } from '../judge/spf-to-publish.ts'
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
  const { text, errors, open, permissive, deprecated, lookups, senders, lookalikes = [] } = spf
  const wanted = spfToPublish(seen)
  const anyones = target.account ? 'include:amazonses.com' : 'ip4:ADDRESS'
  if (spf.record === 'missing' || text === undefined) {
    const todo =
      errors.length > 0
        ? { advice: 'Make one record of them, and take the others out.' }
        : { publish: textLine(envelope, wanted ?? `v=spf1 ${anyones} ~all`) }
    return is(errors.length > 0 ? 'wrong' : 'missing', [...errors, ...lookalikes], todo)
  }
  const found = [text, ...(lookups === undefined ? [] : [`${lookups} of 10 look-ups`]), ...errors]
  if (errors.length > 0) return is('wrong', found, { advice: 'Publish the record without these errors.' })
  const results = senders
    .filter(({ result }) => result !== 'pass')
    .map(({ sender, address, result }) => `${result} for ${sender === address ? address : `${sender} (${address})`}`)
  const all = [...found, ...results, ...open, ...permissive, ...deprecated]
  const isOpen = open.length + permissive.length > 0
  const fixed = isOpen ? spfToClose(seen, anyones) : wanted
  const todo =
    fixed === undefined || fixed === text
      ? {}
      : { publish: textLine(envelope, fixed), advice: isOpen ? 'First add all other hosts that send.' : undefined }
  if (senders.some(isUncovered)) return is('wrong', all, todo)
  const named = { advice: 'Publish the record without what is named.' }
  if (open.length > 0) return is('wrong', all, todo.publish === undefined ? named : todo)
  if (permissive.length + deprecated.length === 0) return is(results.length > 0 ? 'unknown' : 'ok', all)
  return is('weak', all, todo.publish === undefined ? named : todo)
}

function dkimRows({ domain, dkim, isAwaitingSes }: DnsSeen, { bulk, ses = '' }: DnsTarget): readonly PostureRow[] {
  if (isAwaitingSes)
    return [
      ...(dkim ?? []).map(one => dkimRow(one, false)),
      rowsOf('DKIM', `TOKEN._domainkey.${domain}`)('unknown', [withoutAnswer(`ses/${ses}`)]),
    ]
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
  const other = { advice: 'Publish an RSA key of 2048 bits under another selector, and then sign with it.' }
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
    ? is('weak', found, { advice: 'Publish the same record without t=y, once signing works.' })
    : is('ok', found)
}
