import { haproxy } from '../probes/haproxy/index.ts'
import { observe, type HaproxySeen, type HaproxyServer } from '../probes/haproxy/observe.ts'
import { haproxyTarget, type HaproxyTarget } from '../probes/haproxy/target.ts'
import { startLook, type References } from '../monitor/look.ts'
import type { Asked, Asking } from './asked.ts'
import type { Entry, Line } from './yaml.ts'

/** A HAProxy, and the servers of its proxies. */
export interface Balancer {
  readonly entry: Entry
  readonly name: string
  /** The host by which applications may reach it; empty for a Unix socket. */
  readonly host: string
  readonly servers: readonly HaproxyServer[]
}

/** The keys that say where it is: a URL, or the place of its runtime API. */
const placeIn = (given: string) => (/^https?:/i.test(given) ? { url: given } : { socket: given })

/** What is wrong with an address; undefined if nothing is. Nothing of it is shown. */
export const haproxyProblem = (given: string): string | undefined =>
  haproxyTarget.safeParse({ name: 'haproxy', ...placeIn(given) }).error?.issues[0]?.message

const noReferences: References = {
  value: () => Promise.reject(new Error('there are no references')),
  settings: () => Promise.reject(new Error('there are no references')),
  apiServer: () => Promise.reject(new Error('there are no references')),
  login: () => Promise.reject(new Error('there are no references')),
}

/** A HAProxy by its statistics, as the probe reads them. Where a URL alone gives none, the usual paths are tried. */
export async function balancer(given: string, { signal, ca }: Asking): Promise<Asked<Balancer>> {
  const host = /^https?:/i.test(given) ? new URL(given).hostname.replace(/^\[|\]$/g, '') : hostOf(given)
  const name = host === '' ? 'haproxy' : host
  let first: HaproxySeen | undefined
  for (const place of candidates(given)) {
    const target = targetAt(place, name, ca?.file)
    const seen = await look(target, signal)
    first ??= seen
    if (seen.servers) return { place: seen.address, found: { ...balancerOf(target, seen.servers, false, []), host } }
    if (seen.failure) break
  }
  const seen = first ?? { address: name }
  const why = seen.failure?.text ?? whatInstead(seen.status)
  // What gives no answer at all may be right, and down. The check says so.
  const isDown = seen.failure !== undefined
  const notes = [isDown ? `No answer when init asked: ${why}.` : `${seen.address}: ${why}.`]
  const found = balancerOf(targetAt(given, name, ca?.file), [], !isDown, notes)
  return { place: seen.address, found: { ...found, host }, why }
}

const hostOf = (socket: string): string =>
  socket.startsWith('/') ? '' : socket.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')

function whatInstead(status: number | undefined): string {
  if (status === 401 || status === 403) return `HTTP ${status}: it wants a login; set user and password in its target`
  return `${status === undefined ? 'its answer' : `HTTP ${status}`} is none of a HAProxy: neither metrics nor CSV`
}

/** The address as given, then the usual paths below a URL without one. */
function candidates(given: string): readonly string[] {
  if (!/^https?:/i.test(given)) return [given]
  const { origin, pathname } = new URL(given)
  if (pathname === '/') return [`${origin}/metrics`, `${origin}/stats;csv`, `${origin}/haproxy?stats;csv`]
  return pathname.includes(';') || pathname.endsWith('/metrics') ? [given] : [given, `${given};csv`]
}

const targetAt = (place: string, name: string, caFile: string | undefined): HaproxyTarget =>
  haproxyTarget.parse({
    name,
    ...placeIn(place),
    ...(caFile !== undefined && place.startsWith('https:') && { ca_file: caFile }),
  })

const timeoutMs = 5_000
const look = (target: HaproxyTarget, signal: AbortSignal): Promise<HaproxySeen> => {
  const check = { ...haproxy.bind(target), target: target.name, intervalMs: 15_000, timeoutMs, needs: [] }
  return observe(target, startLook(check, noReferences, signal).look)
}

function balancerOf(
  { name, url, socket, ca_file: caFile }: HaproxyTarget,
  servers: readonly HaproxyServer[],
  off: boolean,
  notes: readonly string[],
): Omit<Balancer, 'host'> {
  const proxies = [...new Set(servers.map(({ proxy }) => proxy))].slice(0, mostNamed)
  const inWords = proxies.map(proxy => {
    const own = servers.filter(one => one.proxy === proxy).slice(0, mostNamed)
    return `${proxy} → ${own.map(({ server, status }) => `${server} ${status ?? ''}`.trim()).join(', ')}`
  })
  const lines: Line[] = [
    ['name', name],
    url === undefined ? ['socket', socket ?? '', 'as given'] : ['url', url, 'its statistics'],
    ...(caFile === undefined ? [] : [['ca_file', caFile] as const]),
  ]
  return { name, servers, entry: { notes: [...notes, ...inWords], lines, off } }
}

const mostNamed = 12
