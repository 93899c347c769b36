import type { Policy } from './target.ts'

/** What receivers find for DMARC (RFC 9989): the record that applies to the domain, by a walk up the tree. */
export interface DmarcSeen {
  readonly kind: 'unanswered' | 'missing' | 'invalid' | 'found'
  /** Where it was found, such as `_dmarc.example.com`. */
  readonly name?: string | undefined
  /** Of an invalid one: completes "the record …". */
  readonly problem?: string | undefined
  /** The policy that applies to mail of the domain (`p`, `sp` or `np`). */
  readonly policy?: Policy | undefined
  readonly isTesting?: boolean | undefined
  /** Whether reports are asked for (`rua`), and addresses of other domains that do not agree to get them. */
  readonly reports?: boolean | undefined
  readonly refusedReports?: readonly string[] | undefined
  /** Tags that RFC 9989 took away. */
  readonly outdated?: readonly string[] | undefined
  readonly alignment?: { readonly spf: 'relaxed' | 'strict'; readonly dkim: 'relaxed' | 'strict' } | undefined
  /** Organizational domains, by the walk; undefined if not known. */
  readonly organization?: string | undefined
  readonly envelopeOrganization?: string | undefined
}
