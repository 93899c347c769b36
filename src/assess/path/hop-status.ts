import { checkId, type Verdict } from '../../core/probe.ts'
import type { HaproxyServer } from '../../probes/haproxy/observe.ts'
import type { PgbouncerDatabase } from '../../probes/pgbouncer/observe.ts'
import { writePath } from '../../probes/write_path/index.ts'
import { tiesOf } from '../../probes/write_path/through.ts'
import type { CheckStatus } from '../assessment.ts'
import { hopsBetween, hopChecks, type Hops } from './hops.ts'
import { indexOf } from '../checks.ts'
import { clusterOf, nodesOf } from '../nodes.ts'

/** A hop of a write path, as it was last seen. */
export type HopStatus = HaproxyHopStatus | PgbouncerHopStatus

interface Seen {
  /** Name of the target. */
  readonly target: string
  readonly verdict: Verdict
  readonly check: CheckStatus
}

export interface HaproxyHopStatus extends Seen {
  readonly kind: 'haproxy'
  readonly proxy: string
  /** Of that proxy; empty if HAProxy was not seen lately. */
  readonly servers: readonly HopServer[]
}

/** A server of HAProxy with the name of the node behind it, if that is known. */
export interface HopServer extends Pick<HaproxyServer, 'status' | 'changing' | 'checkStatus' | 'checkCode'> {
  readonly name: string
  readonly node: string | undefined
}

export interface PgbouncerHopStatus extends Seen {
  readonly kind: 'pgbouncer'
  readonly database: string
  /** Undefined if it was not seen lately. */
  readonly seen: PgbouncerDatabase | undefined
}

/** Its name with what it is there for a path: `lb-1/write`, `pool-1/keybuzz`. */
export const hopName = (hop: HopStatus): string => `${hop.target}/${hop.kind === 'haproxy' ? hop.proxy : hop.database}`

/** What a write path goes through, as its target says: PgBouncer, then HAProxy. Empty for most. */
export function hopStatuses(path: string, checks: readonly CheckStatus[]): readonly HopStatus[] {
  const check = checks.find(({ id }) => id === checkId({ probe: writePath.kind, target: path }))
  if (!check) return []
  const ties = tiesOf(check)
  if (!ties.haproxy && !ties.pgbouncer) return []
  const nodes = nodesOf(checks).filter(({ cluster }) => cluster === clusterOf(check))
  const { balancer, pooler } = hopsBetween(check, hopChecks(check, indexOf(checks)), nodes)
  return [
    ...(pooler && ties.pgbouncer ? [poolerHop(pooler, ties.pgbouncer.database)] : []),
    ...(balancer ? [balancerHop(balancer)] : []),
  ]
}

const seenBy = (check: CheckStatus): Seen => ({ target: check.target, verdict: check.verdict, check })

const poolerHop = ({ check, database: seen }: NonNullable<Hops['pooler']>, database: string): PgbouncerHopStatus => ({
  kind: 'pgbouncer',
  ...seenBy(check),
  database,
  seen,
})

const balancerHop = ({ check, proxy, servers }: NonNullable<Hops['balancer']>): HaproxyHopStatus => ({
  kind: 'haproxy',
  ...seenBy(check),
  proxy,
  servers: servers.map(({ server, node }) => ({ ...server, name: server.server, node: node?.name })),
})
