/** SPF (RFC 7208) of the envelope domain. */
export interface SpfSeen {
  readonly record: 'unanswered' | 'missing' | 'found'
  /** The one that counts, if there is one. */
  readonly text?: string | undefined
  /** Without a record: TXT records that seem to be meant as one. */
  readonly lookalikes?: readonly string[] | undefined
  /** Makes receivers answer permerror, one sentence each: two records, syntax, too many look-ups, a loop. */
  readonly errors: readonly string[]
  /** It works, and lets in too much: `+all`, `?all`, no `all`. */
  readonly permissive: readonly string[]
  /** It lets in everybody, or large parts of the Internet. */
  readonly isOpen?: boolean
  /** Terms that are not to be used: `ptr`. */
  readonly deprecated: readonly string[]
  /** Look-ups that the whole tree takes (RFC 7208, 4.6.4); undefined: not known. */
  readonly lookups: number | undefined
  readonly voidLookups: number | undefined
  /** One for each address of `senders`. */
  readonly senders: readonly SenderSeen[]
}

export interface SenderSeen {
  /** As in the configuration. */
  readonly sender: string
  readonly address: string
  readonly result: SpfResult
  /** The term that decided and where it is, or the error. */
  readonly why: string
  /** It passes by `all` only, as any host does. */
  readonly isByAll?: boolean
}

export type SpfResult = 'pass' | 'fail' | 'softfail' | 'neutral' | 'none' | 'temperror' | 'permerror'
