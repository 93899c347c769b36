import type { Dns } from '../../../clients/dns/index.ts'
import { isMadeUp } from './addresses.ts'

/** The addresses of a name. */
interface HostSeen {
  readonly addresses: readonly string[]
  /** Both kinds were answered for. */
  readonly isWhole: boolean
  /** Whether there is such a name; undefined: not known. */
  readonly exists: boolean | undefined
}

/** Asks for A and AAAA of a name: one after the other, since the second is cheaper for what the first has shown. */
export async function addressesIn(dns: Dns, name: string): Promise<HostSeen> {
  const answers = [await dns.ask(name, 'A'), await dns.ask(name, 'AAAA')]
  const found = answers.flatMap(answer => (answer.kind === 'found' ? answer.records : []))
  const addresses = found.filter(address => !isMadeUp(address))
  const isWhole = answers.every(answer => answer.kind !== 'failed')
  const exists = answers.some(answer => answer.kind === 'found' || (answer.kind === 'none' && answer.exists))
  return { addresses, isWhole, exists: exists || (isWhole ? false : undefined) }
}
