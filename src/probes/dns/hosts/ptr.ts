import { isIPv6 } from 'node:net'
import { bounded, type Dns } from '../../../clients/dns/index.ts'
import { isGenericName } from './generic-name.ts'
import { hexOf, reverseNameOf } from './reverse-name.ts'
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

/** More of them are not looked at. */
const mostNames = 5

/** The names (PTR) of each of the addresses, and where these lead. */
export const lookAtPtr = (dns: Dns, addresses: readonly SenderAddress[]): Promise<readonly PtrSeen[]> =>
  Promise.all(addresses.map(sender => lookAtAddress(dns, sender)))

async function lookAtAddress(dns: Dns, { sender, address }: SenderAddress): Promise<PtrSeen> {
  const answer = await dns.ask(reverseNameOf(address), 'PTR')
  if (answer.kind === 'failed') return { sender, address, names: undefined, isConfirmed: undefined, isGeneric: false }
  const found = answer.kind === 'found' ? answer.records.slice(0, mostNames) : []
  const names = found.map(bounded)
  const isGeneric = found.length > 0 && found.every(name => isGenericName(name, address))
  return { sender, address, names, isConfirmed: await isConfirmed(dns, found, address), isGeneric }
}

/** Whether one of the names leads back to the address (RFC 8601, 2.7.3: `iprev`). */
async function isConfirmed(dns: Dns, names: readonly string[], address: string): Promise<boolean | undefined> {
  const wanted = hexOf(address)
  let isKnown = true
  for (const name of names) {
    const answer = await dns.ask(name, isIPv6(address) ? 'AAAA' : 'A')
    if (answer.kind === 'found' && answer.records.some(one => hexOf(one) === wanted)) return true
    isKnown &&= answer.kind !== 'failed'
  }
  return isKnown ? false : undefined
}
