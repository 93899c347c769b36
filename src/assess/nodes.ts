import { seenBy, type Target } from '../core/probe.ts'
import { createMemo } from '../core/memo.ts'
import { postgres } from '../probes/postgres/index.ts'
import type { NodeFacts } from '../probes/postgres/observe.ts'
import type { Landing } from '../probes/write_path/index.ts'
import type { CheckStatus, ClusterStatus } from './assessment.ts'

/** A node with what its last fresh look saw, if it saw anything. */
export interface Node {
  readonly check: CheckStatus
  readonly name: string
  readonly cluster: string
  readonly address: string | undefined
  readonly facts: NodeFacts | undefined
}

/** The nodes of all clusters: of the same status the same node. */
export const nodesOf = (checks: readonly CheckStatus[]): Node[] =>
  checks.filter(({ probe }) => probe === postgres.kind).map(check => nodeMemo(check, [], () => nodeOf(check)))

const nodeMemo = createMemo<CheckStatus, Node>()

/** What a stale check saw does not count. */
function nodeOf(check: CheckStatus): Node {
  const found = check.stale ? undefined : seenBy(postgres, check.observation)
  const { address, facts } = found?.seen ?? {}
  return { check, name: check.target, cluster: clusterOf(check), address, facts }
}

/** The `cluster` a postgres or write_path target belongs to. */
export const clusterOf = ({ config }: { readonly config: Target }): string =>
  (config as { cluster?: string }).cluster ?? ''

export const clustersByName = (clusters: readonly ClusterStatus[]): ReadonlyMap<string, ClusterStatus> =>
  new Map(clusters.map(cluster => [cluster.name, cluster]))

/**
 * The node a session is on; several where they cannot be told apart. The system identifier names the cluster, not the
 * node, and a stale ex-primary has the same one: nodes are told apart by port and postmaster start. After a restart, or
 * before the node was looked at again, the address has to do, which says nothing where all are behind one tunnel.
 */
export function nodesOfSession(landing: Landing, nodes: readonly Node[]): readonly Node[] {
  const same = nodes.filter(({ facts }) => facts && mayBeSame(facts.system_identifier, landing.system_identifier))
  const exact = same.find(
    ({ facts }) =>
      facts?.postmaster_start != null &&
      facts.postmaster_start === landing.postmaster_start &&
      mayBeSamePort(facts.server_port, landing.server_port),
  )
  return exact ? [exact] : byAddress(same, landing.server_address, landing.server_port)
}

/** On a Unix socket the server has no port to tell. */
export const mayBeSamePort = (a: number | null, b: number | null): boolean => a === null || b === null || a === b

export const byAddress = (nodes: readonly Node[], address: string | null, port: number | null): readonly Node[] =>
  address === null ? [] : nodes.filter(({ facts }) => facts?.server_address === address && facts.server_port === port)

/** Whether two system identifiers may be of one cluster: one that the server does not tell (null) speaks against none. */
export const mayBeSame = (a: string | null | undefined, b: string | null | undefined): boolean =>
  a == null || b == null || a === b
