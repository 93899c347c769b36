import type { Dns } from '../../clients/dns/index.ts'

/** A key of DKIM (RFC 6376, 3.6.1; RFC 8463), where a selector leads. */
export interface DkimSeen {
  /** As in the configuration; or a token of SES. */
  readonly selector: string
  /** `s1._domainkey.app.example.com` */
  readonly name: string
  /** The domain that it signs for (`d=`): what is behind `_domainkey`. */
  readonly domain: string
  /** Set if it is one of the records that SES asks for. */
  readonly ses?: SesRecordSeen | undefined
  readonly key: DkimKey
}

/** A CNAME record that SES asks for (Easy DKIM). */
export interface SesRecordSeen {
  /** Where it has to lead. */
  readonly target: string
  /** Where it leads: undefined if there is no such record, `unanswered` if that is not known. */
  readonly leadsTo: { readonly name: string } | 'unanswered' | undefined
}

export type DkimKey =
  /** Nothing is known of it. */
  | { readonly kind: 'unanswered' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'revoked' }
  /** `problem` completes "the record …". */
  | { readonly kind: 'invalid'; readonly problem: string }
  | {
      readonly kind: 'key'
      readonly algorithm: 'rsa' | 'ed25519'
      readonly bits: number
      readonly isTesting: boolean
      /** Undefined: all. */
      readonly hashes: readonly string[] | undefined
      /** `s=` has email, or *. */
      readonly isForMail: boolean
    }

/** What SES signs with: tokens of an identity. Without a zone its owner publishes the key (BYODKIM), and it is no CNAME. */
export interface SesTokens {
  readonly identity: string
  readonly tokens: readonly string[]
  /** `dkim.amazonses.com` */
  readonly zone: string | undefined
}

export interface DkimQuestion {
  readonly domain: string
  readonly selectors: readonly string[] | undefined
  readonly tokens: SesTokens | undefined
}

/** One for each selector, and for each token of SES that is no selector already. Undefined if neither is known. */
export function lookAtDkim(_dns: Dns, _question: DkimQuestion): Promise<readonly DkimSeen[] | undefined> {
  return Promise.reject(new Error('not built yet'))
}

/** Whether receivers can check signatures with it (RFC 8301: RSA from 1024 bits, SHA-256). Undefined: not known. */
export function isUsable(key: DkimKey): boolean | undefined {
  if (key.kind === 'unanswered') return undefined
  if (key.kind !== 'key') return false
  return key.isForMail && (key.hashes?.includes('sha256') ?? true) && (key.algorithm === 'ed25519' || key.bits >= 1024)
}

/** Where a selector of the configuration leads: `s1` (of the domain), or a whole name. */
export function nameOfKey(selector: string, domain: string): string {
  const whole = selector.toLowerCase().replace(/\.$/, '')
  return whole.includes('._domainkey.') ? whole : `${whole}._domainkey.${domain}`
}

/** The domain of `d=` for which such a name holds the key. */
export const domainOfKey = (name: string): string => name.slice(name.indexOf('._domainkey.') + '._domainkey.'.length)
