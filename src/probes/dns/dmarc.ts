import type { Dns } from '../../clients/dns/index.ts'
import type { Policy } from './target.ts'

/** What receivers find for DMARC (RFC 9989): the record that applies to the domain, by a walk up the tree. */
export interface DmarcSeen {
  readonly kind: 'unanswered' | 'missing' | 'invalid' | 'found'
  /** Where it was found, such as `_dmarc.example.com`; of a missing one: where it was looked for first. */
  readonly name?: string | undefined
  /** Of an invalid one: completes "the record …". */
  readonly problem?: string | undefined
  /** The policy that applies to mail of the domain (`p`, `sp` or `np`), and the tag it comes from. */
  readonly policy?: Policy | undefined
  readonly tag?: 'p' | 'sp' | 'np' | undefined
  readonly isTesting?: boolean | undefined
  /** Whether reports are asked for (`rua`), and addresses of other domains that do not agree to get them. */
  readonly reports?: boolean | undefined
  readonly refusedReports?: readonly RefusedReports[] | undefined
  /** Errors for which receivers take the default (RFC 9989, 4.8). Each completes "the record …". */
  readonly ignored?: readonly string[] | undefined
  /** Tags that RFC 9989 took away. */
  readonly outdated?: readonly string[] | undefined
  readonly alignment?: { readonly spf: Alignment; readonly dkim: Alignment } | undefined
  /** The organizational domain of each domain that was looked at, by the walk; one that is not in it is not known. */
  readonly organizations?: ReadonlyMap<string, string> | undefined
}

export type Alignment = 'relaxed' | 'strict'

/** An address that reports go to, and the name of the TXT record by which its domain would agree (RFC 9990, 4). */
export interface RefusedReports {
  readonly address: string
  readonly name: string
}

export interface DmarcQuestion {
  /** Of `From`, and of the envelope. */
  readonly domain: string
  readonly envelope: string
  /** Those of `d=`. */
  readonly dkimDomains: readonly string[]
}

export function lookAtDmarc(_dns: Dns, _question: DmarcQuestion): Promise<DmarcSeen> {
  return Promise.reject(new Error('not built yet'))
}

/**
 * Whether a domain of the envelope (spf) or of `d=` (dkim) counts for mail of the domain `from` (RFC 9989, 4.10.2). Undefined:
 * not known, or there is no DMARC record, so that nothing has to align.
 */
export function aligns(seen: DmarcSeen, method: 'spf' | 'dkim', from: string, domain: string): boolean | undefined {
  if (domain === from) return true
  if (seen.kind !== 'found') return undefined
  if (seen.alignment?.[method] === 'strict') return false
  const [own, other] = [seen.organizations?.get(from), seen.organizations?.get(domain)]
  return own === undefined || other === undefined ? undefined : own === other
}
