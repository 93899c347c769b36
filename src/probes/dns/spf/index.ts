import type { Dns } from '../../../clients/dns/index.ts'
import type { SpfSeen } from './seen.ts'

export interface SpfQuestion {
  /** Domain of the sender in the envelope: in lower case and in ASCII. */
  readonly envelope: string
  /** Addresses that the mail leaves from, with the words of the configuration for each. */
  readonly senders: readonly { readonly sender: string; readonly address: string }[]
  /** The name that they say hello with, for the macro `%{h}`. Default: the envelope domain. */
  readonly helo?: string | undefined
}

/** SPF of the envelope domain (RFC 7208): its whole tree, and whether it passes for each sender. */
export function lookAtSpf(_dns: Dns, _question: SpfQuestion): Promise<SpfSeen> {
  return Promise.reject(new Error('not built yet'))
}
