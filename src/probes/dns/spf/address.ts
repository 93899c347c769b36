import { bytesOf as plainBytesOf, type Bytes } from '../../../core/address.ts'

/** The bytes of an address; undefined if it is none. IPv4 in IPv6 (`::ffff:192.0.2.1`) is IPv4 (RFC 7208, 5). */
export function bytesOf(address: string): Bytes | undefined {
  const bytes = rawBytesOf(address)
  const mapped = bytes?.length === 16 && bytes.slice(0, 10).every(byte => byte === 0) && bytes[10] === 255
  return mapped && bytes[11] === 255 ? bytes.slice(12) : bytes
}

/** The same, and an address of IPv6 stays one. A zone (`%eth0`) is no part of one here. */
export const rawBytesOf = (address: string): Bytes | undefined =>
  address.includes('%') ? undefined : plainBytesOf(address)

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
