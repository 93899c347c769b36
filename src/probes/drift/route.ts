import { isIPv4, isIPv6 } from 'node:net'
import type { Driver } from '../../clients/postgres-url/plan.ts'
import { fingerprint } from '../../core/fingerprint.ts'
import type { Look } from '../../core/probe.ts'
import { addressesOf, plain, type Led, type Route, type Spot } from './host.ts'

export interface Place {
  readonly host: string
  readonly port: number
}

/** A spot with fingerprints instead of its name and addresses, which stay where they were read. */
interface TakenSpot {
  readonly kind: Spot['kind']
  readonly name: string
  readonly port: number | undefined
  /** All addresses of a host together, by family; undefined if unknown. */
  readonly addresses: Readonly<Record<4 | 6, string | undefined>> | undefined
  /** Whether it is one of these places; undefined if unknown. */
  readonly isAt: (places: readonly Place[]) => boolean | undefined
}

interface TakenRoute {
  readonly driver: Driver | undefined
  readonly spots: readonly TakenSpot[]
  readonly attrs: Route['attrs']
}

export interface TakenLed {
  readonly routes: readonly TakenRoute[]
  readonly unclear: Led['unclear']
}

export async function takeLed({ routes, unclear }: Led, look: Look): Promise<TakenLed> {
  // Drivers mostly lead to the same host, so its name is looked up once.
  const known = new Map<string, Promise<readonly string[] | undefined>>()
  const addresses = (host: string): Promise<readonly string[] | undefined> => {
    const found = known.get(host) ?? addressesOf(host, look)
    known.set(host, found)
    return found
  }
  const taken = routes.map(async ({ driver, spots, attrs }) => ({
    driver,
    attrs,
    spots: await Promise.all(
      spots.map(async spot => takeSpot(spot, spot.kind === 'tcp' ? await addresses(spot.at) : undefined)),
    ),
  }))
  return { routes: await Promise.all(taken), unclear }
}

function takeSpot({ kind, at, port }: Spot, addresses: readonly string[] | undefined): TakenSpot {
  // Without a port in the value, the port that a client adds is unknown.
  const asWritten = (place: Place): string => `${plain(place.host)} ${port === undefined ? '' : place.port}`
  const places = new Set([at, ...(addresses ?? [])].map(one => fingerprint(`${one} ${port ?? ''}`)))
  const resolved = addresses !== undefined
  return {
    kind,
    name: fingerprint(at),
    port,
    addresses: addresses && { 4: ofFamily(addresses, isIPv4), 6: ofFamily(addresses, isIPv6) },
    isAt(these) {
      const found = these.some(place => places.has(fingerprint(asWritten(place))))
      return found || resolved ? found : undefined
    },
  }
}

function ofFamily(addresses: readonly string[], isOne: (address: string) => boolean): string | undefined {
  const family = addresses.filter(isOne)
  return family.length === 0 ? undefined : fingerprint(family.join())
}

/** Whether it leads to one of these places: true or false if it is so for every driver, else undefined. */
export function leadsTo({ routes, unclear }: TakenLed, places: readonly Place[]): boolean | undefined {
  const each = new Set(routes.map(route => routeLeadsTo(route, places)))
  return each.size === 1 && unclear.size === 0 ? [...each][0] : undefined
}

function routeLeadsTo({ spots, attrs }: TakenRoute, places: readonly Place[]): boolean | undefined {
  // Which of several is a standby is unknown here.
  if (spots.length > 1 && attrs !== 'any' && attrs !== 'primary' && attrs !== 'read-write') return undefined
  const each = (attrs === 'any' ? spots.slice(0, 1) : spots).map(spot => spot.isAt(places))
  if (each.includes(true)) return true
  return each.includes(undefined) ? undefined : false
}

/** Whether two values lead to the same places; if that is unknown, why. */
export function sameLed(a: TakenLed, b: TakenLed): { readonly agrees: boolean | undefined; readonly why?: string } {
  const [unclear] = [...a.unclear, ...b.unclear]
  if (unclear) return { agrees: undefined, why: `for ${unclear[0]} that is not known: ${unclear[1]}` }
  const pairs = a.routes.flatMap(one =>
    b.routes
      .filter(other => one.driver === undefined || other.driver === undefined || one.driver === other.driver)
      .map(other => ({ driver: one.driver ?? other.driver, agrees: sameRoute(one, other) })),
  )
  const same = pairs.find(({ agrees }) => agrees === true)
  const different = pairs.find(({ agrees }) => agrees === false)
  if (same && different)
    return {
      agrees: undefined,
      why: `the same for ${same.driver ?? 'one driver'}, and not for ${different.driver ?? 'another'}: write both URLs in one way`,
    }
  if (pairs.length === 0) return { agrees: undefined, why: 'no driver reads both URLs' }
  return { agrees: pairs.some(({ agrees }) => agrees === undefined) ? undefined : same !== undefined }
}

function sameRoute(a: TakenRoute, b: TakenRoute): boolean | undefined {
  if (a.spots.length !== b.spots.length || a.attrs !== b.attrs) return false
  const each = a.spots.map((spot, i) => {
    const other = b.spots[i]
    return other !== undefined && sameSpot(spot, other)
  })
  if (each.includes(false)) return false
  return each.includes(undefined) ? undefined : true
}

/** Two hosts agree if they are written alike, or have the same addresses in the families that both have. */
function sameSpot(a: TakenSpot, b: TakenSpot): boolean | undefined {
  // A socket may be one of the server at the host.
  if (a.kind !== b.kind) return undefined
  if (a.port !== undefined && b.port !== undefined && a.port !== b.port) return false
  if (a.name === b.name) return true
  if (a.kind === 'socket') return false
  const [of, other] = [a.addresses, b.addresses]
  if (!of || !other) return undefined
  const both = ([4, 6] as const).filter(family => of[family] !== undefined && other[family] !== undefined)
  return both.length > 0 && both.every(family => of[family] === other[family])
}
