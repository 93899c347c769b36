import { domainToASCII } from 'node:url'

/** The address with its domain in small letters, and with a domain of other letters in ASCII (RFC 5890). */
export function withAsciiDomain(address: string): string {
  const domain = domainOf(address)
  return `${address.slice(0, address.length - domain.length)}${domainToASCII(domain) || domain}`
}

/** What is behind the last `@`. */
export const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1)

/** Whether it can be sent without SMTPUTF8. */
export const isAsciiAddress = (address: string): boolean => /^[\x21-\x7e]+$/.test(address)
