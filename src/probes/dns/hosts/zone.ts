import { bounded, type Dns } from '../../../clients/dns/index.ts'
import { addressesIn } from './host.ts'

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
    if (answer.kind === 'found') return { name, servers: [...new Set(answer.records)].sort() }
  }
  return undefined
}

/** The port of name servers: the exporter may not get there, and then nothing is known. */
async function lookAtServer(dns: Dns, server: string, zone: string): Promise<ZoneServerSeen> {
  const of = (serial: number | undefined, isLame = false) => ({ name: bounded(server), serial, isLame })
  const [address] = (await addressesIn(dns, server)).addresses
  if (address === undefined) return of(undefined)
  const answer = await dns.askAt(address, zone, 'SOA')
  if (answer.kind === 'found') return of(answer.records[0]?.serial)
  return of(undefined, answer.kind === 'none' || answer.code === 'refused')
}

/** Whether its servers have different versions of the zone, or one of them has none. Undefined: not known, as one does not answer. */
export function versionsDiffer({ servers = [] }: ZoneSeen): boolean | undefined {
  const serials = servers.flatMap(({ serial }) => (serial === undefined ? [] : [serial]))
  const isLame = servers.some(one => one.isLame)
  if (new Set(serials).size > 1 || (serials.length > 0 && isLame)) return true
  return serials.length === servers.length ? false : undefined
}
