/** The name of a sender's address, and whether it leads back to it (FCrDNS). */
export interface PtrSeen {
  /** As in the configuration. */
  readonly sender: string
  readonly address: string
  /** Undefined: not known. */
  readonly names: readonly string[] | undefined
  /** Undefined: not known. */
  readonly isConfirmed: boolean | undefined
  /** The name looks as if a provider gave it to each of its addresses. */
  readonly isGeneric: boolean
}
