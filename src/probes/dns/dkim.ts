import type { Dns } from '../../clients/dns/index.ts'
import { look } from './text-record.ts'

/** A key of DKIM (RFC 6376, 3.6.1; RFC 8463), where a selector leads. */
export interface DkimSeen {
  /** As in the configuration; or a token of SES. */
  readonly selector: string
  /** `s1._domainkey.app.example.com` */
  readonly name: string
  /** It is one of the three records that SES asks for, and where it has to lead. */
  readonly sesTarget?: string | undefined
  readonly key: DkimKey
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

export const lookAtDkim = async (dns: Dns, name: string): Promise<DkimKey> => {
  await look(dns, name)
  throw new Error('not built yet')
}
