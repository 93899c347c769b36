import { isIP } from 'node:net'
import { bounded, type Dns, type DnsAnswer } from '../../../clients/dns/index.ts'
import { specialUse } from './addresses.ts'
import { addressesIn } from './host.ts'

/** Whether a domain exists, and takes mail (bounces). */
export interface DomainSeen {
  readonly name: string
  /** Undefined: not known. */
  readonly exists: boolean | undefined
  /** It says that it takes no mail (RFC 7505). */
  readonly nullMx: boolean
  /** By preference; undefined: not known. Without an MX record the host itself counts (RFC 5321, 5.1). */
  readonly servers: readonly MailServerSeen[] | undefined
  /** Whether it has an address itself; undefined: not known, or not looked at because there is an MX record. */
  readonly hasAddress: boolean | undefined
}

export interface MailServerSeen {
  readonly name: string
  /** Completes "the MX record names …, which …"; undefined: fine, or not known. */
  readonly problem: string | undefined
  /** The problem is an address that is not public: other name servers may show another one. */
  readonly isPrivate: boolean
}

/** More of them are not looked at. */
const mostServers = 5

/** MX of a domain, and where each leads; without one the address of the domain itself. */
export async function lookAtDomain(dns: Dns, name: string): Promise<DomainSeen> {
  const mx = await dns.ask(name, 'MX')
  if (mx.kind === 'found') {
    const sorted = [...mx.records].sort((a, b) => a.preference - b.preference).map(({ exchange }) => exchange)
    const exchanges = [...new Set(sorted)]
    const nullMx = exchanges.length === 1 && exchanges[0] === ''
    const looked = nullMx ? [] : exchanges.slice(0, mostServers)
    const servers = await Promise.all(looked.map(exchange => lookAtServer(dns, exchange)))
    return { name, exists: true, nullMx, servers, hasAddress: undefined }
  }
  // Also after NXDOMAIN: some broken servers give that for each type that they do not know.
  const { addresses, isWhole, exists } = await addressesIn(dns, name)
  return {
    name,
    exists: doesExist(mx, exists),
    nullMx: false,
    servers: mx.kind === 'none' ? [] : undefined,
    hasAddress: addresses.length > 0 ? true : isWhole ? false : undefined,
  }
}

/** That it does not exist takes the same answer for all types. */
function doesExist(mx: DnsAnswer<unknown>, asHost: boolean | undefined): boolean | undefined {
  if (mx.kind === 'failed') return asHost === false ? undefined : asHost
  return mx.kind === 'found' || mx.exists || asHost
}

async function lookAtServer(dns: Dns, exchange: string): Promise<MailServerSeen> {
  const name = bounded(exchange)
  const of = (problem: string | undefined, isPrivate = false) => ({ name, problem, isPrivate })
  if (exchange === '') return of('says that the domain takes no mail (RFC 7505), though there are others')
  if (isIP(exchange) !== 0) return of('is an address: an MX record has to name a host')
  const { addresses, isWhole, exists } = await addressesIn(dns, exchange)
  const alias = await dns.ask(exchange, 'CNAME')
  if (alias.kind === 'found') return of(`is an alias (CNAME) of ${bounded(alias.records[0] ?? '')} (RFC 5321, 5.1)`)
  if (exists === false) return of('does not exist')
  if (addresses.length === 0) return of(isWhole ? 'has no address' : undefined)
  const special = addresses.find(address => specialUse(address) !== undefined)
  return special === undefined ? of(undefined) : of(`has the address ${special} (${specialUse(special) ?? ''})`, true)
}
