import type { Dns } from '../../../clients/dns/index.ts'
import { addressesIn } from './host.ts'
import { hexOf } from './reverse-name.ts'
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
export async function lookAtHello(dns: Dns, name: string, addresses: readonly SenderAddress[]): Promise<HelloSeen> {
  const { addresses: own, isWhole } = await addressesIn(dns, name)
  if (!isWhole) return { name, addresses: undefined, notOf: [] }
  const known = new Set(own.map(hexOf))
  const notOf = addresses.filter(({ address }) => !known.has(hexOf(address))).map(({ address }) => address)
  return { name, addresses: own, notOf: [...new Set(notOf)] }
}
