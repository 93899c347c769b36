import type { Dns } from '../../../clients/dns/index.ts'
import { domainOf } from '../../../core/mail-address.ts'
import { isDmarc } from './record.ts'
import { organizationIn, walkUp } from './walk.ts'

/** An address that reports would go to, and the TXT record by which its domain would agree. */
export interface RefusedReports {
  readonly address: string
  readonly name: string
}

/** So many other domains of a record are looked at. */
const mostDomains = 5

/**
 * Addresses of other organizations that do not say that they take reports about a domain (RFC 9990, "Verifying External
 * Destinations"). `domain` is where the record is.
 */
export async function refusedReports(
  dns: Dns,
  domain: string,
  addresses: readonly string[],
): Promise<readonly RefusedReports[]> {
  const byHost = new Map(addresses.map(address => [domainOf(address).toLowerCase().replace(/\.$/, ''), address]))
  byHost.delete(domain)
  const looked = [...byHost].slice(0, mostDomains).map(async ([host, address]) => {
    const name = `${domain}._report._dmarc.${host}`
    const answer = await dns.ask(name, 'TXT')
    if (answer.kind === 'failed' || (answer.kind === 'found' && answer.records.some(isDmarc))) return []
    const [own, other] = await Promise.all([organizationOf(dns, domain), organizationOf(dns, host)])
    return own === undefined || other === undefined || own === other ? [] : [{ address, name }]
  })
  return (await Promise.all(looked)).flat()
}

const organizationOf = async (dns: Dns, domain: string) => organizationIn(await walkUp(dns, domain))
