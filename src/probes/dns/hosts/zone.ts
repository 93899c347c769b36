import { bounded, type Dns } from '../../../clients/dns/index.ts'
import { groupBy } from '../../../core/group.ts'

/** The servers of the zone that the domain is in, and the serials they have. */
export interface ZoneSeen {
  readonly name: string | undefined
  readonly servers: readonly ZoneServerSeen[] | undefined
  /** Since when the serials differ, in milliseconds since the epoch; undefined: they do not, or it is not known. */
  readonly differSince: number | undefined
  /** The same for this look. */
  readonly lookedAt: number
}

export interface ZoneServerSeen {
  readonly name: string
  /** Undefined: it did not answer, or `isLame`. */
  readonly serial: number | undefined
  /** The server that it has its version from, by the SOA record. */
  readonly primary?: string | undefined
  /** It answers that it does not have the zone. */
  readonly isLame: boolean
}

/** More of them are not asked. */
const mostServers = 6

/** The zone that the domain is in, and the version of it at each of its servers. Without `differSince`: that takes more than one look. */
export async function lookAtZone(dns: Dns, domain: string): Promise<ZoneSeen> {
  const found = await zoneOf(dns, domain)
  const lookedAt = Date.now()
  if (found === undefined) return { name: undefined, servers: undefined, differSince: undefined, lookedAt }
  const { name, servers } = found
  const looked = await Promise.all(servers.slice(0, mostServers).map(server => lookAtServer(dns, server, name)))
  return { name, servers: looked, differSince: undefined, lookedAt }
}

/** Walks up to the name that has NS records. A domain of one label is not looked at: it belongs to somebody else. */
async function zoneOf(
  dns: Dns,
  domain: string,
): Promise<{ readonly name: string; readonly servers: readonly string[] } | undefined> {
  const labels = domain.split('.')
  for (const at of labels.slice(0, -1).keys()) {
    const name = labels.slice(at).join('.')
    const answer = await dns.ask(name, 'NS')
    if (answer.kind === 'failed') return undefined
    // Those of an alias belong to another zone.
    const isAlias = answer.kind === 'found' && (await dns.ask(name, 'CNAME')).kind === 'found'
    if (answer.kind === 'found' && !isAlias) return { name, servers: [...new Set(answer.records)].sort() }
  }
  return undefined
}

/** The port of name servers: the exporter may not get there, and then nothing is known. */
async function lookAtServer(dns: Dns, server: string, zone: string): Promise<ZoneServerSeen> {
  const of = (more: Partial<ZoneServerSeen>) => ({ name: bounded(server), serial: undefined, isLame: false, ...more })
  const address = (await firstOf(dns, server, 'A')) ?? (await firstOf(dns, server, 'AAAA'))
  if (address === undefined) return of({})
  const answer = await dns.askAt(address, zone, 'SOA')
  if (answer.kind === 'found') return of(answer.records[0] ?? {})
  return of({ isLame: answer.kind === 'none' || answer.code === 'refused' })
}

async function firstOf(dns: Dns, name: string, type: 'A' | 'AAAA'): Promise<string | undefined> {
  const answer = await dns.ask(name, type)
  return answer.kind === 'found' ? answer.records[0] : undefined
}

/**
 * Whether its servers have different versions of the zone, or one of them has none. Undefined: not known, as one does not answer.
 * Serials of different primaries are not compared: two providers, or the servers of an Active Directory, each count for themselves.
 */
export function versionsDiffer({ servers = [] }: ZoneSeen): boolean | undefined {
  const answering = servers.filter(({ serial }) => serial !== undefined)
  const isLame = servers.some(one => one.isLame)
  const ofPrimaries = [...groupBy(answering, ({ primary = '' }) => primary).values()]
  const differ = ofPrimaries.some(all => new Set(all.map(({ serial }) => serial)).size > 1)
  if (differ || (answering.length > 0 && isLame)) return true
  return answering.length === servers.length ? false : undefined
}
