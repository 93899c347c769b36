import { seenBy, type Target } from '../core/probe.ts'
import { postgres } from '../probes/postgres/index.ts'
import type { NodeFacts } from '../probes/postgres/observe.ts'
import type { CheckStatus, ClusterStatus } from './assessment.ts'

/** A node with what its last fresh look saw, if it saw anything. */
export interface Node {
  readonly check: CheckStatus
  readonly name: string
  readonly cluster: string
  readonly address: string | undefined
  readonly facts: NodeFacts | undefined
}

/** The nodes of all clusters. What a stale check saw does not count. */
export function nodesOf(checks: readonly CheckStatus[]): Node[] {
  return checks.flatMap(check => {
    if (check.probe !== postgres.kind) return []
    const found = check.stale ? undefined : seenBy(postgres, check.observation)
    const { address, facts } = found?.seen ?? {}
    return [{ check, name: check.target, cluster: clusterOf(check), address, facts }]
  })
}

/** The `cluster` a postgres or write_path target belongs to. */
export const clusterOf = ({ config }: { readonly config: Target }): string =>
  (config as { cluster?: string }).cluster ?? ''

export const clustersByName = (clusters: readonly ClusterStatus[]): ReadonlyMap<string, ClusterStatus> =>
  new Map(clusters.map(cluster => [cluster.name, cluster]))
