import { isIPv4, isIPv6 } from 'node:net'
import type { Bytes } from '../../../core/address.ts'
import { rawBytesOf } from './address.ts'
import { readDomain, type Macros } from './macro.ts'

export interface Directive {
  /** As it was written. */
  readonly text: string
  readonly qualifier: Qualifier
  readonly mechanism: Mechanism
}

export type Qualifier = '+' | '-' | '~' | '?'

export type Mechanism =
  | { readonly kind: 'all' }
  | { readonly kind: 'include' | 'exists'; readonly domain: Macros }
  /** Without a domain: the one of the record. */
  | { readonly kind: 'ptr'; readonly domain: Macros | undefined }
  | { readonly kind: 'a' | 'mx'; readonly domain: Macros | undefined; readonly bits4: number; readonly bits6: number }
  | { readonly kind: 'ip4' | 'ip6'; readonly network: Bytes; readonly bits: number }

const directive = /^([-+~?]?)([a-z\d]*)(?::(.*))?$/is

/** Reads a term that is no modifier. A string is what is wrong: it completes "`the term` …". */
export function readDirective(term: string): Directive | string {
  const slash = lengthAt(term)
  const [whole, qualifier = '', name = '', value] = directive.exec(term.slice(0, slash)) ?? []
  if (whole === undefined) return 'is not a term of SPF'
  const read = readMechanism(name.toLowerCase(), value, term.slice(slash))
  if (typeof read === 'string') return read
  return { text: term, qualifier: qualifier === '' ? '+' : (qualifier as Qualifier), mechanism: read }
}

/** Where the length of a network begins: the first slash of the digits and slashes at the end. */
function lengthAt(term: string): number {
  let at = term.length
  for (let i = term.length - 1; i >= 0 && /[\d/]/.test(term[i] ?? ''); i--) if (term[i] === '/') at = i
  return at
}

function readMechanism(kind: string, value: string | undefined, length: string): Mechanism | string {
  switch (kind) {
    case 'all':
      return value === undefined && length === '' ? { kind } : 'has something after `all`'
    case 'include':
    case 'exists': {
      // A slash belongs to the domain here.
      const domain = readDomain((value ?? '') + length)
      return domain ? { kind, domain } : 'names no domain'
    }
    case 'ptr': {
      if (value === undefined) return length === '' ? { kind, domain: undefined } : 'takes no length of a network'
      const domain = readDomain(value + length)
      return domain ? { kind, domain } : 'names no domain'
    }
    case 'a':
    case 'mx':
      return readHosts(kind, value, length)
    case 'ip4':
      return readNetwork(kind, value ?? '', length)
    case 'ip6':
      return readNetwork(kind, value ?? '', length)
    default:
      return unknown(kind)
  }
}

function readHosts(kind: 'a' | 'mx', value: string | undefined, length: string): Mechanism | string {
  const [whole, text4, text6] = /^(?:\/(\d+))?(?:\/\/(\d+))?$/.exec(length) ?? []
  const bits4 = bitsOf(text4, 32)
  const bits6 = bitsOf(text6, 128)
  if (whole === undefined || bits4 === undefined || bits6 === undefined) return 'has a length of a network that is none'
  if (value === undefined) return { kind, domain: undefined, bits4, bits6 }
  if (isIPv4(value)) return `names an address; for one there is \`ip4:${value}\``
  const domain = readDomain(value)
  return domain ? { kind, domain, bits4, bits6 } : 'names no domain'
}

function readNetwork(kind: 'ip4' | 'ip6', value: string, length: string): Mechanism | string {
  const fits = kind === 'ip4' ? isIPv4(value) : isIPv6(value)
  const network = fits ? rawBytesOf(value) : undefined
  if (!network) return isIPv4(value) || isIPv6(value) ? 'is of the other kind of addresses' : 'names no address'
  const [whole, text] = /^(?:\/(\d+))?$/.exec(length) ?? []
  const bits = whole === undefined ? undefined : bitsOf(text, network.length * 8)
  return bits === undefined ? 'has a length of a network that is none' : { kind, network, bits }
}

/** Without zeros in front, and not longer than the address. */
function bitsOf(text: string | undefined, most: number): number | undefined {
  if (text === undefined) return most
  return /^(?:0|[1-9]\d{0,2})$/.test(text) && Number(text) <= most ? Number(text) : undefined
}

const meant: Readonly<Record<string, string>> = {
  ipv4: 'ip4:',
  ipv6: 'ip6:',
  ip: 'ip4:',
  redirect: 'redirect=',
  exp: 'exp=',
}

const unknown = (kind: string): string =>
  meant[kind] === undefined ? 'is not a term of SPF' : `is not a term of SPF; perhaps \`${meant[kind]}\` is meant`
