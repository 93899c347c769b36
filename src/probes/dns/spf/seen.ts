/** SPF (RFC 7208) of the envelope domain. */
export interface SpfSeen {
  readonly record: 'unanswered' | 'missing' | 'found'
  /** The one that counts, if there is one. */
  readonly text?: string | undefined
  /** Makes every receiver answer permerror, one sentence each: two records, syntax, too many look-ups, a loop. */
  readonly errors: readonly string[]
  /** It works, and lets in too much or is not to be used: `+all`, `?all`, no `all`, `ptr`. */
  readonly permissive: readonly string[]
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
}

export type SpfResult = 'pass' | 'fail' | 'softfail' | 'neutral' | 'none' | 'temperror' | 'permerror'
