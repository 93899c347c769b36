import { isIP, isIPv6 } from 'node:net'
import { addressesOf as addressesOfName } from '../../clients/names/index.ts'
import { isOfPostgres, readings } from '../../clients/postgres-url/index.ts'
import type { Driver, Endpoint, TargetSessionAttrs } from '../../clients/postgres-url/plan.ts'
import { describeError } from '../../core/errors.ts'
import type { Look } from '../../core/probe.ts'
import { looksLike } from '../../core/looks-like.ts'
import { shapes } from '../../core/shape.ts'
import { doubtIn, percentDecoded } from '../../core/url-doubt.ts'

/** A host, or a folder of sockets, with the port if the value has one. */
export interface Spot {
  readonly kind: 'tcp' | 'socket'
  readonly at: string
  readonly port: number | undefined
}

/** Where a value leads: to one spot, or to the first of several that fits. */
export interface Route {
  /** The driver that reads it this way; undefined if all do. */
  readonly driver: Driver | undefined
  readonly spots: readonly Spot[]
  readonly attrs: TargetSessionAttrs
}

export interface Led {
  readonly routes: readonly Route[]
  /** Drivers whose destination is unknown, with the reason. */
  readonly unclear: ReadonlyMap<Driver, string>
  /** The passwords in the value. */
  readonly passwords: readonly string[]
}

/** Where a value leads (a host, host:port, or a URL), or why that is unknown. */
export function ledBy(value: string): Led | string {
  if (isOfPostgres(value)) return ledByPostgres(value)
  if (value.startsWith('/')) return one({ kind: 'socket', at: value, port: undefined })
  if (!value.includes('://')) return ledByHost(value)
  const doubt = doubtIn(value)
  if (doubt !== undefined) return `the URL ${doubt}`
  if (!URL.canParse(value)) return notOne(value)
  const { hostname, port, password } = new URL(value)
  if (hostname === '') return notOne(value)
  const led = one({ kind: 'tcp', at: plain(hostname), port: port === '' ? undefined : Number(port) })
  return password === '' ? led : { ...led, passwords: [percentDecoded(password)] }
}

function notOne(value: string): string {
  const like = looksLike(value)
  return `is neither a host nor a URL with one${like === undefined ? '' : `; ${like}`}`
}

const one = (...spots: readonly Spot[]): Led => ({
  routes: [{ driver: undefined, spots, attrs: 'any' }],
  unclear: new Map(),
  passwords: [],
})

/** Reads a host, host:port, or several with commas between, as in PGHOST. */
function ledByHost(value: string): Led | string {
  const spots = value.split(',').map(hostSpot)
  return spots.every(spot => spot !== undefined) ? one(...spots) : notOne(value)
}

const isHost = (text: string): boolean => text === text.trim() && shapes.host.read(text) !== undefined

function hostSpot(text: string): Spot | undefined {
  if (isHost(text)) return { kind: 'tcp', at: plain(text), port: undefined }
  const [, host, port] = /^([^\s/:@[\]]+|\[[\da-f:.]+\]):(\d{1,5})$/i.exec(text) ?? []
  return host === undefined || !isHost(host.replace(/^\[(.*)\]$/, '$1'))
    ? undefined
    : { kind: 'tcp', at: plain(host), port: Number(port) }
}

function ledByPostgres(url: string): Led | string {
  const read = readings({ url, settings: {} })
  const routes: Route[] = []
  const unclear = new Map<Driver, string>()
  const passwords: string[] = []
  const refused: string[] = []
  for (const { driver, reading } of read)
    if (reading.kind === 'refused') refused.push(`${driver} refuses the URL: ${reading.error}`)
    else if (reading.kind === 'not_understood') unclear.set(driver, `the URL ${reading.why}`)
    else {
      const { endpoints, targetSessionAttrs: attrs, password } = reading.plan
      routes.push({ driver, spots: endpoints.map(spotOf), attrs })
      if (password !== undefined) passwords.push(password)
    }
  const [why] = [...unclear.values(), ...refused]
  return routes.length === 0 ? (why ?? notOne(url)) : { routes, unclear, passwords }
}

const spotOf = (endpoint: Endpoint): Spot =>
  endpoint.kind === 'socket'
    ? { kind: 'socket', at: endpoint.folder, port: endpoint.port }
    : { kind: 'tcp', at: plain(endpoint.address ?? endpoint.host), port: endpoint.port }

/** A host in one of several ways to write it. */
export function plain(host: string): string {
  const bare = host.replace(/^\[(.*)\]$/, '$1').replace(/(.)\.$/, '$1')
  return isIPv6(bare) ? new URL(`http://[${bare}]`).hostname.slice(1, -1) : bare.toLowerCase()
}

/** The addresses of a host, sorted; undefined if its name does not resolve here. */
export async function addressesOf(host: string, look: Look): Promise<readonly string[] | undefined> {
  if (isIP(host)) return [host]
  try {
    const found = await look.phase('dns', () => addressesOfName(host, { signal: look.signal }))
    return [...new Set(found.map(({ address }) => plain(address)))].sort()
  } catch (error) {
    // The error has the name in it, which must not be shown.
    look.failed(error, describeError(error))
    return undefined
  }
}
