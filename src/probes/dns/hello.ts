import type { Dns } from '../../clients/dns/index.ts'
import type { SenderAddress } from './senders.ts'

/** The name that senders say hello with. */
export interface HelloSeen {
  readonly name: string
  /** Its addresses; undefined: not known. */
  readonly addresses: readonly string[] | undefined
  /** Addresses of senders that it does not lead to; none if its own are not known. */
  readonly notOf: readonly string[]
}

/** Where the name of the hello leads (RFC 5321, 4.1.1.1). `addresses` are those that mail leaves from. */
export function lookAtHello(_dns: Dns, _name: string, _addresses: readonly SenderAddress[]): Promise<HelloSeen> {
  return Promise.reject(new Error('not built yet'))
}
