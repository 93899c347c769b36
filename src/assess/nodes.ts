import type { ConnectionProblem } from '../clients/postgres-errors.ts'
import { seenBy, type Target } from '../core/probe.ts'
import { createMemo } from '../core/memo.ts'
import { postgres } from '../probes/postgres/index.ts'
import type { NodeFacts } from '../probes/postgres/observe.ts'
import type { Landing } from '../probes/write_path/observe.ts'
import type { CheckStatus, ClusterStatus } from './assessment.ts'

/** A node, with what its last fresh look saw, if anything. */
export interface Node {
  readonly check: CheckStatus
  readonly name: string
  readonly cluster: string
  readonly address: string | undefined
  readonly facts: NodeFacts | undefined
}

/** The nodes of all clusters. The same status gives the same node. */
export const nodesOf = (checks: readonly CheckStatus[]): Node[] =>
  checks.filter(({ probe }) => probe === postgres.kind).map(check => nodeMemo(check, [], () => nodeOf(check)))

const nodeMemo = createMemo<CheckStatus, Node>()

/** Without the facts of a stale check. */
function nodeOf(check: CheckStatus): Node {
  const found = check.stale ? undefined : seenBy(postgres, check.observation)
  const { address, facts } = found?.seen ?? {}
  return { check, name: check.target, cluster: clusterOf(check), address, facts }
}

/** When the last look at a check began, in milliseconds since the epoch; 0 without one. */
export const lookedAt = ({ observation }: CheckStatus): number => observation?.startedAt ?? 0

/** The nodes of the cluster a write path should write to, and what is known of their roles. */
export interface Home {
  readonly cluster: string
  readonly nodes: readonly Node[]
  /** Undefined if nothing shows which of several to keep. */
  readonly primary: Node | undefined
  readonly splitBrain: boolean
  readonly hasPatroni: boolean
  /** The node that holds the leader lock of Patroni. */
  readonly lockHolder: Node | undefined
  /** The holder of the lock, else the primary: where HAProxy should lead. */
  readonly elected: Node | undefined
}

export function homeOf(name: string, nodes: readonly Node[], cluster: ClusterStatus | undefined): Home {
  const named = (node: string | undefined): Node | undefined => nodes.find(one => one.name === node)
  // Of several primaries none is named, unless something shows which one to keep.
  const primary = cluster?.undecided ? undefined : named(cluster?.primary)
  const lockHolder = named(cluster?.lockHolder)
  return {
    cluster: name,
    nodes,
    primary,
    splitBrain: cluster?.splitBrain === true,
    hasPatroni: cluster?.hasPatroni === true,
    lockHolder,
    elected: lockHolder ?? primary,
  }
}

/** Seen of a server that is down, going down or coming up. */
export const downProblems: readonly ConnectionProblem[] = ['unreachable', 'no_answer', 'closed', 'starting_up']

/** Whether a check has one of these problems of connections. */
export const hasProblem = ({ probe, reasons }: CheckStatus, problems: readonly ConnectionProblem[]): boolean =>
  reasons.some(({ code }) => problems.some(problem => code === `${probe}_${problem}`))

/** Whether the server behind a check is known to be down. */
export const isDown = (check: CheckStatus): boolean => !check.stale && hasProblem(check, downProblems)

/** The `cluster` a postgres or write_path target belongs to. */
export const clusterOf = ({ config }: { readonly config: Target }): string => config.cluster ?? ''

export const clustersByName = (clusters: readonly ClusterStatus[]): ReadonlyMap<string, ClusterStatus> =>
  new Map(clusters.map(cluster => [cluster.name, cluster]))

/**
 * The node that a session is on; several where they look the same. All nodes of a cluster have one system identifier, even an
 * old primary, so port and start of the postmaster tell them apart. After a restart, or before the node was looked at again,
 * only the address is left; it proves nothing if all of them are behind one tunnel.
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

/** A session on a Unix socket has no port. */
export const mayBeSamePort = (a: number | null, b: number | null): boolean => a === null || b === null || a === b

/** Two targets may be one server: the node, and an address that follows the primary. */
export const isSameServer = (a: Node, b: Node): boolean =>
  a === b ||
  (a.facts?.postmaster_start != null &&
    a.facts.postmaster_start === b.facts?.postmaster_start &&
    mayBeSamePort(a.facts.server_port, b.facts.server_port))

export const byAddress = (nodes: readonly Node[], address: string | null, port: number | null): readonly Node[] =>
  address === null ? [] : nodes.filter(({ facts }) => facts?.server_address === address && facts.server_port === port)

/** Whether two system identifiers may be of one cluster. One that the server does not give (null) may be any. */
export const mayBeSame = (a: string | null | undefined, b: string | null | undefined): boolean =>
  a == null || b == null || a === b
