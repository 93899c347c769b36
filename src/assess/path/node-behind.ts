import { isIPv6 } from 'node:net'
import type { HaproxyServer } from '../../probes/haproxy/observe.ts'
import type { HaproxyTarget } from '../../probes/haproxy/target.ts'
import type { PgbouncerDatabase } from '../../probes/pgbouncer/observe.ts'
import type { Node } from '../nodes.ts'

/**
 * The node behind a server of HAProxy, by the first of these that leads to one: the key `servers` of the target, address
 * and port, the name of the server. Undefined if none does, or if several nodes look the same. `nodes`: those of one
 * cluster.
 */
export function nodeOf(
  server: HaproxyServer,
  { servers = {} }: Pick<HaproxyTarget, 'servers'>,
  nodes: readonly Node[],
): Node | undefined {
  const named = (name: string): Node | undefined => nodes.find(node => node.name === name)
  // Where several proxies have servers of this name, the key may mean that of another cluster.
  const isGiven = Object.hasOwn(servers, server.server)
  const given = isGiven ? named(servers[server.server] ?? '') : undefined
  if (given) return given
  const { port } = server
  const places = [server.host, server.address].flatMap(host => (host === undefined ? [] : [host]))
  const there = port === undefined ? [] : nodes.filter(node => places.some(host => isAt(node, host, port)))
  if (there.length > 1) return there.find(({ name }) => name === server.server)
  return there[0] ?? (isGiven ? undefined : named(server.server))
}

/**
 * The nodes to which a database of PgBouncer leads, by address and port: where the configuration of PgBouncer points, and
 * where its server connections are. `pooler`: its own address, for a database on a Unix socket of its host. Empty if
 * none is known, as behind a HAProxy. `nodes`: those of one cluster.
 */
export function nodesOfDatabase(
  { host, port, servers }: Pick<PgbouncerDatabase, 'host' | 'port' | 'servers'>,
  nodes: readonly Node[],
  pooler?: string,
): readonly Node[] {
  const configured = configuredHosts(host, pooler).map(one => ({ host: one, port }))
  const connected = servers.map(server => ({ host: server.address, port: server.port }))
  const places = [...configured, ...connected].filter(place => place.port !== undefined)
  return nodes.filter(node => places.some(place => isAt(node, place.host, place.port ?? 0)))
}

/** Several hosts have commas between them. A path is a Unix socket, like null. */
function configuredHosts(host: string | null | undefined, pooler: string | undefined): readonly string[] {
  if (host === undefined) return []
  return host === null || host.startsWith('/') ? hostOf(pooler) : host.split(',').map(one => one.trim())
}

/** Whether a node is at this name or address: as the configuration has it, or as the node itself says. */
function isAt({ address = '', facts }: Node, host: string, port: number): boolean {
  const place = placeOf(host, port)
  if (address.split(/, | and \d+ more$/).some(one => one.toLowerCase() === place)) return true
  return facts?.server_port === port && facts.server_address !== null && bare(facts.server_address) === bare(host)
}

/** In the form of `Node.address`. */
const placeOf = (host: string, port: number): string =>
  (isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`).toLowerCase()

const bare = (host: string): string => host.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '')

const hostOf = (address: string | undefined): readonly string[] => {
  const host = /^\[?(.+?)\]?:\d+$/.exec(address ?? '')?.[1]
  return host === undefined ? [] : [host]
}
