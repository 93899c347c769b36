import { domainToASCII } from 'node:url'

/** The address with its domain in small letters, and with a domain of other letters in ASCII (RFC 5890). */
export function withAsciiDomain(address: string): string {
  const at = address.lastIndexOf('@') + 1
  const domain = address.slice(at)
  return `${address.slice(0, at)}${domainToASCII(domain) || domain}`
}

/** Whether it can be sent without SMTPUTF8. */
export const isAsciiAddress = (address: string): boolean => /^[\x21-\x7e]+$/.test(address)
