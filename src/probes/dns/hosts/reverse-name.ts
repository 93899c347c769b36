import { isIPv6 } from 'node:net'

/** The eight groups of an IPv6 address, as numbers. */
function groupsOf(address: string): number[] {
  // `URL` writes an address as RFC 5952 does, with an IPv4 part as hex.
  const [head = '', tail] = new URL(`http://[${address.replace(/%.*/, '')}]`).hostname.slice(1, -1).split('::')
  const numbers = (half: string): number[] =>
    half === '' ? [] : half.split(':').map(group => Number.parseInt(group, 16))
  const [before, after] = [numbers(head), numbers(tail ?? '')]
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after]
}

/** All hex digits of an IPv6 address: 32 of them. */
export const nibblesOf = (address: string): string =>
  groupsOf(address)
    .map(group => group.toString(16).padStart(4, '0'))
    .join('')

/** An address in one form, to compare it with others. */
export const canonical = (address: string): string => (isIPv6(address) ? nibblesOf(address) : address)

/** The name at which the PTR record of an address is (RFC 1035, 3.5; RFC 3596, 2.5). */
export const reverseName = (address: string): string =>
  isIPv6(address)
    ? `${Array.from(nibblesOf(address)).reverse().join('.')}.ip6.arpa`
    : `${address.split('.').reverse().join('.')}.in-addr.arpa`
