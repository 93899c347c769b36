import { BlockList, isIPv6 } from 'node:net'

/**
 * Addresses that cannot be reached from the Internet (RFC 6890, and the registries of IANA that follow it), and what each range is.
 * Those for documentation (192.0.2.0/24 and the like) are not among them: they stand for public ones in examples.
 */
const ranges: readonly (readonly [range: string, what: string])[] = [
  ['0.0.0.0/8', 'no address of a host'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'of a provider, behind NAT'],
  ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'link-local'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'reserved'],
  ['192.88.99.0/24', 'reserved'],
  ['192.168.0.0/16', 'private'],
  ['198.18.0.0/15', 'for benchmarks'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'reserved'],
  ['::/128', 'no address of a host'],
  ['::1/128', 'loopback'],
  ['::ffff:0:0/96', 'no address of a host'],
  ['64:ff9b:1::/48', 'private'],
  ['100::/64', 'discarded'],
  ['2001:2::/48', 'for benchmarks'],
  ['fc00::/7', 'private'],
  ['fe80::/10', 'link-local'],
  ['fec0::/10', 'private'],
  ['ff00::/8', 'multicast'],
]

const lists = ranges.map(([range, what]) => {
  const [network = '', prefix = ''] = range.split('/')
  const family = familyOf(network)
  const list = new BlockList()
  list.addSubnet(network, Number(prefix), family)
  return { list, family, what }
})

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4'
}

/**
 * What an address is, if it cannot be reached from the Internet: `private`, `loopback`, …; undefined for a public one. An IPv4
 * address is not looked for in ranges of IPv6: `BlockList` would find each in `::ffff:0:0/96`.
 */
export const specialUse = (address: string): string | undefined =>
  lists.find(({ list, family }) => family === familyOf(address) && list.check(address, family))?.what

/** Whether an address can be one that is seen on the Internet. */
export const isPublic = (address: string): boolean => specialUse(address) === undefined

const nat64 = new BlockList()
nat64.addSubnet('64:ff9b::', 96, 'ipv6')

/**
 * Whether a resolver in a network that has only IPv6 made this address up for one of IPv4 (DNS64, RFC 6052, 2.1). Receivers never
 * see it.
 */
export const isMadeUp = (address: string): boolean => isIPv6(address) && nat64.check(address, 'ipv6')
