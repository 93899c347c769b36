import type { DomainSeen } from '../domain.ts'
import type { PtrSeen } from '../ptr.ts'
import type { DnsSeen } from '../seen.ts'
import type { DnsTarget } from '../target.ts'
import { rowsOf, type PostureRow } from './row.ts'
import { addressLine, zoneLine, zoneName } from './zone-file.ts'

/** The rows of the domains themselves: whether they exist, and take bounces. */
export const domainRows = ({ domain, envelope, ownDomain, envelopeDomain }: DnsSeen): readonly PostureRow[] => [
  ...(domain === envelope ? [] : [domainRow(ownDomain, 'of From')]),
  domainRow(envelopeDomain, domain === envelope ? 'of From and of the envelope' : 'of the envelope'),
  mxRow(envelopeDomain),
]

function domainRow({ name, exists }: DomainSeen, whose: string): PostureRow {
  const is = rowsOf('Domain', name)
  if (exists === undefined) return is('unknown', [whose])
  return exists
    ? is('ok', [whose])
    : is('missing', [whose], { advice: 'Register and publish the domain, or send with one that exists.' })
}

function mxRow({ name, exists, nullMx, servers, hasAddress }: DomainSeen): PostureRow {
  const is = rowsOf('MX', name)
  const todo = { publish: zoneLine(name, 'MX', '10 HOST.') }
  if (nullMx) return is('wrong', ['says that the domain takes no mail (null MX)'], todo)
  if (exists === false) return is('missing', [], todo)
  if (servers === undefined) return is('unknown')
  if (servers.length === 0) {
    if (hasAddress === undefined) return is('unknown')
    return hasAddress ? is('ok', ['none: bounces go to the address of the domain']) : is('missing', [], todo)
  }
  const found = servers.map(({ name: host, problem }) => (problem === undefined ? host : `${host}, which ${problem}`))
  return servers.some(({ problem }) => problem !== undefined)
    ? is('wrong', found, { advice: 'Name hosts that have a public address of their own.' })
    : is('ok', found)
}

/** The rows of the hosts that send: their names, and the name they say hello with. */
export const senderHostRows = ({ ptr, hello }: DnsSeen, target: DnsTarget): readonly PostureRow[] => [
  ...ptr.map(one => ptrRow(one, hello?.name, target)),
  ...(hello ? [helloRow(hello)] : []),
]

function ptrRow(seen: PtrSeen, hello: string | undefined, { direct }: DnsTarget): PostureRow {
  const { sender, address, names, isConfirmed, isGeneric } = seen
  const name = reverseName(address)
  const is = rowsOf('PTR', name)
  const host = hello ?? (sender === address ? undefined : sender)
  const todo = {
    publish: zoneLine(name, 'PTR', host === undefined ? 'HOST.' : zoneName(host)),
    advice: 'The provider of the address sets it.',
  }
  const found = [`of ${address}`, ...(names ?? [])]
  if (names === undefined) return is('unknown', found)
  if (names.length === 0) return direct ? is('missing', found, todo) : is('not_judged', found)
  if (isConfirmed === undefined) return is('unknown', found)
  if (!isConfirmed) {
    const all = [...found, 'does not lead back to the address']
    return direct ? is('wrong', all, todo) : is('not_judged', all)
  }
  return isGeneric ? is('weak', [...found, 'looks like the name of a dial-up line'], todo) : is('ok', found)
}

function helloRow({ name, addresses, notOf }: NonNullable<DnsSeen['hello']>): PostureRow {
  const is = rowsOf('HELO', name)
  const [address] = notOf
  if (addresses === undefined) return is('unknown')
  if (address === undefined) return is('ok', addresses)
  const todo = { publish: addressLine(name, address) }
  return addresses.length > 0
    ? is('wrong', [...addresses, `does not lead to ${notOf.join(', ')}`], todo)
    : is('missing', [], todo)
}

/** The name of an address in the tree of addresses (RFC 1035, 3.5; RFC 3596, 2.5). */
function reverseName(address: string): string {
  if (!address.includes(':')) return `${address.split('.').reverse().join('.')}.in-addr.arpa`
  const [head = '', tail] = address.split('::')
  const groups = (half: string): string[] => (half === '' ? [] : half.split(':').map(group => group.padStart(4, '0')))
  const zeros = tail === undefined ? [] : Array<string>(8 - groups(head).length - groups(tail).length).fill('0000')
  const digits = [...groups(head), ...zeros, ...groups(tail ?? '')].join('')
  return `${digits.split('').reverse().join('.')}.ip6.arpa`
}
