import type { WritePathSeen } from '../../probes/write_path/observe.ts'
import type { Hops } from './hops.ts'
import type { Home, Node } from '../nodes.ts'

/** A write path that leads to a node where it should not. */
export interface Astray {
  readonly seen: WritePathSeen
  readonly hops: Hops
  readonly home: Home
  /** The node; undefined if it is not known. */
  readonly node: Node | undefined
}

export const whereIs = (node: Node): string => `${node.name} (${node.address ?? '?'})`

/** What is known to decide where a path leads, in place of the path itself, and how to fix that. */
function decider({ seen, hops: { balancer, pooler } }: Astray): { name: string; fix: string } | undefined {
  if (balancer)
    return {
      name: `HAProxy ${balancer.check.target}`,
      fix: `see whether the health check of ${balancer.proxy} there asks for the role`,
    }
  if (pooler)
    return {
      name: `PgBouncer ${pooler.check.target}`,
      fix: 'correct where its database leads ([databases] in pgbouncer.ini), then RELOAD and RECONNECT on its console',
    }
  if (seen.landings.some(({ pooled }) => pooled))
    return {
      name: 'A pooler in between',
      fix: 'correct where it leads, and have it open its sessions again (RECONNECT)',
    }
  if (seen.places || seen.seeksKind)
    return {
      name: 'Its driver, which is given several hosts or a kind of server,',
      fix: 'list all nodes, and set target_session_attrs=read-write, if the driver knows it',
    }
  return undefined
}

/** Whether an address is that of the node: as it is configured, or as the node itself has it. */
export const isNamed = (address: string, { address: configured, facts }: Node): boolean =>
  address.toLowerCase() === configured?.toLowerCase() ||
  (facts?.server_address != null && address === placeOf(facts.server_address, facts.server_port))

const placeOf = (host: string, port: number | null): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port ?? ''}`

/**
 * What to do about a path that leads to a standby. A node is named only to a path that names a node itself. Undefined if
 * there is no primary to name, and nothing else to say.
 */
export function forStandby(astray: Astray): string | undefined {
  const { home, node, seen } = astray
  const { primary, elected, hasPatroni, lockHolder } = home
  if (node && node === elected)
    return node === lockHolder && node.facts?.in_recovery !== false
      ? `Wait: ${node.name} holds the leader lock of Patroni, and is being promoted.`
      : `Wait for the next run: ${node.name} was a standby when the session landed, and is the primary now.`
  const by = decider(astray)
  if (by) {
    const known = primary ? `, so that it leads to ${whereIs(primary)}, the primary` : ''
    return `${by.name} decides where this leads: ${by.fix}${known}. Point the path at no node.`
  }
  if (!primary) return undefined
  const follows = 'an endpoint that follows the primary'
  if (!node || !isNamed(seen.address, node))
    return `${seen.address} is not the address of a node. If it is to follow the primary (a name in DNS, a virtual address, a balancer), correct that: it has to lead to ${whereIs(primary)}. If it stands for ${node?.name ?? 'that standby'} alone, point the path at ${hasPatroni ? follows : `${primary.name}, or at ${follows}`}.`
  return hasPatroni
    ? `Point it at ${follows}, such as a balancer that asks Patroni, and not at a node: Patroni moves the primary. Now it is ${whereIs(primary)}.`
    : `Point it at ${whereIs(primary)}, the primary, or at ${follows}.`
}

/** What to do about a path that lands on a node that takes writes and is not the primary. */
export function forOldPrimary(astray: Astray, primary: Node, old: Node): string {
  const { home, seen } = astray
  const fence = `ence ${old.name}, ${home.hasPatroni ? 'through Patroni' : 'through its failover manager if it has one'}`
  const by = decider(astray)
  const both = by
    ? `F${fence}. ${by.name} decides where this leads: ${by.fix}, so that it leads to ${whereIs(primary)}`
    : isNamed(seen.address, old)
      ? `Point the path at ${whereIs(primary)} and f${fence}`
      : `F${fence}. Have ${seen.address} lead to ${whereIs(primary)}: correct what it stands for (a name in DNS, a virtual address, a balancer), or the path, if it stands for ${old.name} alone`
  return `${both}. Copy the data of ${old.name} before it is rewound or rebuilt: rows that only it has exist nowhere else.`
}
