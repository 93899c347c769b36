import { SocketAddress, isIPv6 } from 'node:net'

/**
 * The network of a client; `unix` if it has no address. An address of IPv4 is a network of its own. In IPv6 one client can
 * have a whole /64 (RFC 4291, section 2.5.4), so that counts as one.
 */
export function networkOf(address: string | undefined): string {
  if (address === undefined) return 'unix'
  const [bare = ''] = address.split('%')
  if (!isIPv6(bare)) return bare
  const { address: written } = new SocketAddress({ address: bare, family: 'ipv6' })
  // A socket for both kinds shows IPv4 as `::ffff:192.0.2.1`.
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(written)?.[1]
  if (mapped !== undefined) return mapped
  const [before = [], after = []] = written.split('::').map(half => half.split(':').filter(group => group !== ''))
  const zeros = Array<string>(8 - before.length - after.length).fill('0')
  return [...before, ...zeros, ...after].slice(0, 4).join(':')
}
