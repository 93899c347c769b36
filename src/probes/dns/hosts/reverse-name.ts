import { bytesOf, type Bytes } from '../../../core/address.ts'

/** All hex digits of an address: 8 or 32 of them. The same for all ways to write it, so it serves to compare two. */
export const hexOf = (address: string): string => Buffer.from(bytesOf(address) ?? []).toString('hex')

/** With a dot between its parts: bytes of IPv4, half bytes of IPv6. It is the macro `i` of SPF, too (RFC 7208, 7.3). */
export const dotted = (bytes: Bytes): string =>
  bytes.length === 4 ? bytes.join('.') : Array.from(Buffer.from(bytes).toString('hex')).join('.')

/** What comes before `.arpa`; the macro `v` of SPF. */
export const zoneOf = (bytes: Bytes): 'in-addr' | 'ip6' => (bytes.length === 4 ? 'in-addr' : 'ip6')

/** The name at which the PTR record of an address is (RFC 1035, 3.5; RFC 3596, 2.5). */
export const reverseName = (bytes: Bytes): string =>
  `${dotted(bytes).split('.').reverse().join('.')}.${zoneOf(bytes)}.arpa`

/** The same of an address as text. */
export const reverseNameOf = (address: string): string => reverseName(bytesOf(address) ?? [])
