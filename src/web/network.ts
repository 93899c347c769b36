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
  const [head = '', tail] = written.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length
  return [...before, ...Array<string>(zeros).fill('0'), ...after].slice(0, 4).join(':')
}
