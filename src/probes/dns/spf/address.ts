import { isIPv4, isIPv6 } from 'node:net'

/** An address as its bytes: 4 or 16. */
export type Bytes = readonly number[]

/** The bytes of an address; undefined if it is none. IPv4 in IPv6 (`::ffff:192.0.2.1`) is IPv4 (RFC 7208, 5). */
export function bytesOf(address: string): Bytes | undefined {
  const bytes = rawBytesOf(address)
  const mapped = bytes?.length === 16 && bytes.slice(0, 10).every(byte => byte === 0) && bytes[10] === 255
  return mapped && bytes[11] === 255 ? bytes.slice(12) : bytes
}

/** The same, and an address of IPv6 stays one. */
export function rawBytesOf(address: string): Bytes | undefined {
  if (isIPv4(address)) return address.split('.').map(Number)
  return isIPv6(address) && !address.includes('%') ? bytesOfIpv6(address) : undefined
}

function bytesOfIpv6(address: string): Bytes {
  const [before = [], after] = address.split('::').map(half => half.split(':').flatMap(bytesOfGroup))
  return after ? [...before, ...Array<number>(16 - before.length - after.length).fill(0), ...after] : before
}

function bytesOfGroup(group: string): Bytes {
  if (group === '') return []
  if (group.includes('.')) return group.split('.').map(Number)
  const value = Number.parseInt(group, 16)
  return [value >> 8, value & 255]
}

/** Whether both are of one kind, and the first `bits` of them are the same. */
export function isWithin(address: Bytes, network: Bytes, bits: number): boolean {
  if (address.length !== network.length) return false
  const whole = bits >> 3
  const mask = (0xff00 >> (bits & 7)) & 255
  return network.every((byte, i) => {
    const own = address[i] ?? 0
    return i > whole || (i < whole ? own === byte : (own & mask) === (byte & mask))
  })
}

/** With a dot between its parts, as the macro `i` has it (RFC 7208, 7.3): bytes of IPv4, half bytes of IPv6. */
export const dotted = (bytes: Bytes): string =>
  bytes.length === 4 ? bytes.join('.') : bytes.flatMap(b => [(b >> 4).toString(16), (b & 15).toString(16)]).join('.')

/** The name that its PTR records are at. */
export const reverseName = (bytes: Bytes): string =>
  `${dotted(bytes).split('.').reverse().join('.')}.${zoneOf(bytes)}.arpa`

/** The macro `v`. */
export const zoneOf = (bytes: Bytes): 'in-addr' | 'ip6' => (bytes.length === 4 ? 'in-addr' : 'ip6')
