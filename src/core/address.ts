import { isIPv4, isIPv6 } from 'node:net'

/** An address as its bytes: 4 or 16. */
export type Bytes = readonly number[]

/** The bytes of an address of IPv4 or IPv6 (RFC 4291, 2.2), without its zone (`%eth0`); undefined if it is none. */
export function bytesOf(address: string): Bytes | undefined {
  if (isIPv4(address)) return address.split('.').map(Number)
  return isIPv6(address) ? bytesOfIpv6(address.replace(/%.*/s, '')) : undefined
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
