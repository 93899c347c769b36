import type { DomainSeen } from '../hosts/domain.ts'
import type { PtrSeen } from '../hosts/ptr.ts'
import type { DnsSeen } from '../seen.ts'
import type { DnsTarget } from '../target.ts'
import { helloReasons } from '../judge/hello.ts'
import { reverseNameOf } from '../hosts/reverse-name.ts'
import { rowsOf, type PostureRow } from './row.ts'
import { addressLine, zoneLine, zoneName } from './zone-file.ts'

/** The rows of the domains themselves: whether they exist, and take bounces. */
export const domainRows = ({ domain, envelope, ownDomain, envelopeDomain }: DnsSeen): readonly PostureRow[] => [
  ...(domain === envelope ? [] : [domainRow(ownDomain, 'of From')]),
  domainRow(envelopeDomain, domain === envelope ? 'of From and of the envelope' : 'of the envelope'),
  ...(domain !== envelope && ownDomain.nullMx ? [mxRow(ownDomain)] : []),
  mxRow(envelopeDomain),
]

function domainRow({ name, exists }: DomainSeen, whose: string): PostureRow {
  const is = rowsOf('Domain', name)
  if (exists === undefined) return is('unknown', [whose])
  return exists
    ? is('ok', [whose])
    : is('missing', [whose], { advice: 'Register or renew the domain, and publish it; or send with one that exists.' })
}

function mxRow({ name, exists, nullMx, servers, hasAddress }: DomainSeen): PostureRow {
  const is = rowsOf('MX', name)
  const todo = { publish: zoneLine(name, 'MX', '10 HOST.') }
  if (nullMx)
    return is('wrong', ['says that the domain takes no mail (null MX)'], {
      ...todo,
      advice: 'In place of the null MX.',
    })
  if (exists === false) return is('missing', [], todo)
  if (servers === undefined) return is('unknown')
  if (servers.length === 0) {
    if (hasAddress === undefined || exists === undefined) return is('unknown')
    return hasAddress ? is('ok', ['none: bounces go to the address of the domain']) : is('missing', [], todo)
  }
  const found = servers.map(({ name: host, problem }) => (problem === undefined ? host : `${host}, which ${problem}`))
  return servers.some(({ problem }) => problem !== undefined)
    ? is('wrong', found, { advice: 'Name hosts that have a public address of their own.' })
    : is('ok', found)
}

/** The rows of the hosts that send: their names, and the name they say hello with. */
export const senderHostRows = (seen: DnsSeen, target: DnsTarget): readonly PostureRow[] => [
  ...seen.senders.lost.map(({ sender, problem }) =>
    rowsOf('Sender', sender)('unknown', [problem], {
      advice: 'Name the public address that mail leaves from in `senders`.',
    }),
  ),
  ...seen.ptr.map(one => ptrRow(one, seen.hello?.name)),
  ...helloRow(seen, target),
]

function ptrRow({ sender, address, names, isConfirmed, isGeneric }: PtrSeen, hello: string | undefined): PostureRow {
  const name = reverseNameOf(address)
  const is = rowsOf('PTR', name)
  const host = hello ?? (sender === address ? undefined : sender)
  const todo = {
    publish: zoneLine(name, 'PTR', host === undefined ? 'HOST.' : zoneName(host)),
    advice: 'The provider of the address sets it.',
  }
  const found = [`of ${address}`, ...(names ?? [])]
  if (names?.length === 0) return is('missing', found, todo)
  if (isConfirmed === false) return is('wrong', [...found, 'does not lead back to the address'], todo)
  if (names === undefined || isConfirmed === undefined) return is('unknown', found)
  return isGeneric ? is('weak', [...found, 'looks like the name of a dial-up line'], todo) : is('ok', found)
}

function helloRow(seen: DnsSeen, target: DnsTarget): readonly PostureRow[] {
  if (!seen.hello)
    return target.smtp === undefined
      ? []
      : [rowsOf('HELO', 'HOST')('unknown', [`smtp/${target.smtp} was not asked, or has not named itself`])]
  const { name, addresses, notOf } = seen.hello
  const is = rowsOf('HELO', name)
  if (addresses === undefined) return [is('unknown')]
  if (helloReasons(seen, target).length === 0) return [is('ok', addresses)]
  const todo = { publish: addressLine(name, notOf[0] ?? 'ADDRESS') }
  return [
    addresses.length > 0
      ? is('wrong', [...addresses, `does not lead to ${notOf.join(', ')}`], todo)
      : is('missing', [], todo),
  ]
}
