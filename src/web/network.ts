import { SocketAddress, isIPv6 } from 'node:net'

/**
 * Where a client is; `unix` without an address. Who may have many addresses counts as one: of IPv6 a network is 64 bits long (RFC 4291,
 * section 2.5.4).
 */
export function networkOf(address: string | undefined): string {
  if (address === undefined) return 'unix'
  const [bare = ''] = address.split('%')
  if (!isIPv6(bare)) return bare
  const { address: written } = new SocketAddress({ address: bare, family: 'ipv6' })
  // `::ffff:192.0.2.1` is IPv4, which a socket for both kinds shows so.
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(written)?.[1]
  if (mapped !== undefined) return mapped
  const [head = '', tail] = written.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length
  return [...before, ...Array<string>(zeros).fill('0'), ...after].slice(0, 4).join(':')
}
