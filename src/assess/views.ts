import { checkId, seenBy, type Target, type Verdict } from '../core/probe.ts'
import { haproxy } from '../probes/haproxy/index.ts'
import type { HaproxyServer } from '../probes/haproxy/observe.ts'
import type { HaproxyTarget } from '../probes/haproxy/target.ts'
import { patroni } from '../probes/patroni/index.ts'
import type { PatroniFacts } from '../probes/patroni/observe.ts'
import type { PatroniTarget } from '../probes/patroni/target.ts'
import { pgbouncer } from '../probes/pgbouncer/index.ts'
import type { PgbouncerDatabase } from '../probes/pgbouncer/observe.ts'
import { writePath } from '../probes/write_path/index.ts'
import type { WritePathTarget } from '../probes/write_path/target.ts'
import type { CheckStatus, NodeStatus } from './assessment.ts'
import { nodeOf } from './balancer.ts'
import { clusterOf, nodesOf } from './nodes.ts'

/** A HAProxy or PgBouncer between a write path and its nodes, as it was last seen. The way a session takes comes first. */
export type Hop = HaproxyHop | PgbouncerHop

interface Between {
  /** Name of the target. */
  readonly target: string
  readonly verdict: Verdict
  /** Its check; undefined if it is not among the checks (`check --only`). */
  readonly check: CheckStatus | undefined
}

export interface HaproxyHop extends Between {
  readonly kind: 'haproxy'
  readonly proxy: string
  /** Of that proxy; undefined if it was not seen lately. */
  readonly servers: readonly HopServer[] | undefined
}

/** A server of HAProxy with the name of the node behind it, if that is known. */
export interface HopServer extends Pick<HaproxyServer, 'status' | 'changing' | 'checkStatus' | 'checkCode'> {
  readonly name: string
  readonly node: string | undefined
}

export interface PgbouncerHop extends Between {
  readonly kind: 'pgbouncer'
  readonly database: string
  /** Undefined if it was not seen lately. */
  readonly seen: PgbouncerDatabase | undefined
}

/** Its name with what it is there for a path: `lb-1/write`, `pool-1/keybuzz`. */
export const hopName = (hop: Hop): string => `${hop.target}/${hop.kind === 'haproxy' ? hop.proxy : hop.database}`

/** What a write path goes through, as its target says: PgBouncer before HAProxy. Empty for most. */
export function hopsOf(path: string, checks: readonly CheckStatus[]): readonly Hop[] {
  const found = checks.find(({ id }) => id === checkId({ probe: writePath.kind, target: path }))
  if (!found) return []
  // The kind says which schema the target has.
  const ties = found.config as Target & Pick<WritePathTarget, 'haproxy' | 'pgbouncer'>
  return [
    ...(ties.pgbouncer ? [poolerOf(ties.pgbouncer, checks)] : []),
    ...(ties.haproxy ? [balancerOf(ties.haproxy, found, checks)] : []),
  ]
}

const ofKind = (probe: string, target: string, checks: readonly CheckStatus[]): Between => {
  const check = checks.find(({ id }) => id === checkId({ probe, target }))
  return { target, check, verdict: check?.verdict ?? 'unknown' }
}

const freshOf = (check: CheckStatus | undefined) => (check?.stale === false ? check.observation : undefined)

function poolerOf(
  { target, database }: NonNullable<WritePathTarget['pgbouncer']>,
  checks: readonly CheckStatus[],
): PgbouncerHop {
  const one = ofKind(pgbouncer.kind, target, checks)
  const seen = seenBy(pgbouncer, freshOf(one.check))?.seen.databases?.find(({ name }) => name === database)
  return { kind: 'pgbouncer', ...one, database, seen }
}

function balancerOf(
  { target, proxy }: NonNullable<WritePathTarget['haproxy']>,
  path: CheckStatus,
  checks: readonly CheckStatus[],
): HaproxyHop {
  const one = ofKind(haproxy.kind, target, checks)
  const nodes = nodesOf(checks).filter(({ cluster }) => cluster === clusterOf(path))
  const config = (one.check?.config ?? {}) as Pick<HaproxyTarget, 'servers'>
  const servers = seenBy(haproxy, freshOf(one.check))
    ?.seen.servers?.filter(server => server.proxy === proxy)
    .map(server => ({ ...server, name: server.server, node: nodeOf(server, config, nodes)?.name }))
  return { kind: 'haproxy', ...one, proxy, servers }
}

/** What Patroni says of a node, where that is not what the node itself says; undefined without such a target. */
export function patroniDiffers(node: NodeStatus, checks: readonly CheckStatus[]): string | undefined {
  const all = checks.filter(({ probe }) => probe === patroni.kind)
  const atHost = all.filter(check => isAtHost(check, node))
  const own = all.find(check => isNamed(check, node)) ?? (atHost.length === 1 ? atHost[0] : undefined)
  if (!own || own.stale || !own.observation) return undefined
  const facts = seenBy(patroni, own.observation)?.seen.facts
  if (facts) return differs(facts, node.role) ? wordsOf(facts) : undefined
  return own.reasons.some(({ code }) => silent.includes(code)) ? 'does not answer' : undefined
}

const silent = ['patroni_unreachable', 'patroni_no_answer']

/** By the key `node`, else by the name of the member or of the target. */
function isNamed(check: CheckStatus, { name }: NodeStatus): boolean {
  const own = (check.config as PatroniTarget).node ?? seenBy(patroni, check.observation)?.seen.facts?.name
  return (own ?? check.target) === name
}

/** A Patroni that is silent does not say which member it is. */
function isAtHost(check: CheckStatus, { address }: NodeStatus): boolean {
  const { node, url } = check.config as PatroniTarget
  return node === undefined && URL.canParse(url) && address?.startsWith(`${new URL(url).hostname}:`) === true
}

const ofPrimary: readonly PatroniFacts['role'][] = ['primary', 'promoted']

function differs({ role, state }: PatroniFacts, bySql: NodeStatus['role']): boolean {
  if (bySql === undefined || (state !== undefined && state !== 'running')) return true
  return role !== undefined && ofPrimary.includes(role) !== (bySql === 'primary')
}

const wordsOf = ({ role, state }: PatroniFacts): string =>
  [role?.replaceAll('_', ' '), state].filter(word => word !== undefined).join(', ') || 'nothing known'
