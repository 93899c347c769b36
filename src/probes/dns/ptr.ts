import type { Dns } from '../../clients/dns/index.ts'
import type { SenderAddress } from './senders.ts'

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

/** One for each of the addresses. */
export function lookAtPtr(_dns: Dns, _addresses: readonly SenderAddress[]): Promise<readonly PtrSeen[]> {
  return Promise.reject(new Error('not built yet'))
}
