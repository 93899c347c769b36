import { checkId, type Verdict } from '../core/probe.ts'
import type { HaproxyServer } from '../probes/haproxy/observe.ts'
import type { PgbouncerDatabase } from '../probes/pgbouncer/observe.ts'
import { writePath } from '../probes/write_path/index.ts'
import { tiesOf } from '../probes/write_path/through.ts'
import type { CheckStatus } from './assessment.ts'
import { between, viewsOf, type Between } from './between.ts'
import { indexOf } from './checks.ts'
import { clusterOf, nodesOf } from './nodes.ts'

/** A HAProxy or PgBouncer between a write path and its nodes, as it was last seen. */
export type Hop = HaproxyHop | PgbouncerHop

interface Seen {
  /** Name of the target. */
  readonly target: string
  readonly verdict: Verdict
  readonly check: CheckStatus
}

export interface HaproxyHop extends Seen {
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

export interface PgbouncerHop extends Seen {
  readonly kind: 'pgbouncer'
  readonly database: string
  /** Undefined if it was not seen lately. */
  readonly seen: PgbouncerDatabase | undefined
}

/** Its name with what it is there for a path: `lb-1/write`, `pool-1/keybuzz`. */
export const hopName = (hop: Hop): string => `${hop.target}/${hop.kind === 'haproxy' ? hop.proxy : hop.database}`

/** What a write path goes through, as its target says: PgBouncer, then HAProxy. Empty for most. */
export function hopsOf(path: string, checks: readonly CheckStatus[]): readonly Hop[] {
  const check = checks.find(({ id }) => id === checkId({ probe: writePath.kind, target: path }))
  if (!check) return []
  const ties = tiesOf(check)
  if (!ties.haproxy && !ties.pgbouncer) return []
  const nodes = nodesOf(checks).filter(({ cluster }) => cluster === clusterOf(check))
  const { balancer, pooler } = between(check, viewsOf(check, indexOf(checks)), nodes)
  return [
    ...(pooler && ties.pgbouncer ? [poolerHop(pooler, ties.pgbouncer.database)] : []),
    ...(balancer ? [balancerHop(balancer)] : []),
  ]
}

const seenBy = (check: CheckStatus): Seen => ({ target: check.target, verdict: check.verdict, check })

const poolerHop = ({ check, database: seen }: NonNullable<Between['pooler']>, database: string): PgbouncerHop => ({
  kind: 'pgbouncer',
  ...seenBy(check),
  database,
  seen,
})

const balancerHop = ({ check, proxy, doors }: NonNullable<Between['balancer']>): HaproxyHop => ({
  kind: 'haproxy',
  ...seenBy(check),
  proxy,
  servers: doors.map(({ server, node }) => ({ ...server, name: server.server, node: node?.name })),
})
