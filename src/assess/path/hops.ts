import { finding, seenBy, type Reason, type Target } from '../../core/probe.ts'
import { createMemo } from '../../core/memo.ts'
import { haproxy } from '../../probes/haproxy/index.ts'
import type { HaproxyServer } from '../../probes/haproxy/observe.ts'
import { reason as haproxyReason } from '../../probes/haproxy/reasons.ts'
import { pgbouncer } from '../../probes/pgbouncer/index.ts'
import type { PgbouncerDatabase } from '../../probes/pgbouncer/observe.ts'
import { reason as pgbouncerReason } from '../../probes/pgbouncer/reasons.ts'
import { throughOf, tiesOf } from '../../probes/write_path/through.ts'
import type { CheckStatus } from '../assessment.ts'
import { nodeOf, nodesOfDatabase } from './node-behind.ts'
import { indexOf, type Checks } from '../checks.ts'
import type { Node } from '../nodes.ts'

/** A server of HAProxy, and the node behind it if that is known. */
export interface ProxyServer {
  readonly server: HaproxyServer
  readonly node: Node | undefined
}

/** What a write path goes through on its way to the nodes. */
export interface Hops {
  readonly balancer: Balancer | undefined
  readonly pooler: Pooler | undefined
}

export interface Balancer {
  readonly check: CheckStatus
  readonly proxy: string
  /** The servers of the proxy; empty if HAProxy was not seen lately. */
  readonly servers: readonly ProxyServer[]
}

export interface Pooler {
  readonly check: CheckStatus
  /** Undefined if PgBouncer was not seen lately. */
  readonly database: PgbouncerDatabase | undefined
  /** The nodes behind the database, as far as they are known. */
  readonly nodes: readonly Node[]
}

/** Its clients wait, or are refused, whatever is behind it. */
export const isStopped = ({ database }: Pooler): boolean => database?.paused === true || database?.disabled === true

/** The checks that `hopsBetween` reads for a path, for a memo. */
export const hopChecks = (path: CheckStatus, checks: Checks): readonly CheckStatus[] => checks.withIds(throughOf(path))

/** `checks`: of `hopChecks`. `nodes`: those of the cluster of the path. */
export function hopsBetween(path: CheckStatus, views: readonly CheckStatus[], nodes: readonly Node[]): Hops {
  const { haproxy: balancer, pgbouncer: pooler } = tiesOf(path)
  const viewOf = (kind: string): CheckStatus | undefined => views.find(({ probe }) => probe === kind)
  const [first, second] = [viewOf(haproxy.kind), viewOf(pgbouncer.kind)]
  return {
    balancer: balancer && first && balancerOf(first, balancer.proxy, nodes),
    pooler: pooler && second && poolerOf(second, pooler.database, nodes),
  }
}

function balancerOf(check: CheckStatus, proxy: string, nodes: readonly Node[]): Balancer {
  const found = check.stale ? undefined : seenBy(haproxy, check.observation)
  const servers = (found?.seen.servers ?? []).filter(server => server.proxy === proxy)
  return {
    check,
    proxy,
    servers: servers.map(server => ({ server, node: nodeOf(server, found?.target ?? {}, nodes) })),
  }
}

function poolerOf(check: CheckStatus, name: string, nodes: readonly Node[]): Pooler {
  const seen = check.stale ? undefined : seenBy(pgbouncer, check.observation)?.seen
  const database = seen?.databases?.find(one => one.name === name)
  return { check, database, nodes: database ? nodesOfDatabase(database, nodes, seen?.address) : [] }
}

/** Whether the last look of a check ended before the last run of a path began: then it says nothing of that run. */
export const isBefore = ({ observation: look }: CheckStatus, { observation: run }: CheckStatus): boolean =>
  look !== undefined && run !== undefined && look.finishedAt < run.startedAt

/**
 * The checks. A balancer or pooler that does not have what a write path names says so. PgBouncer may make a database with
 * its first client, so it must have been looked at after a run of the path, unless that met no such database.
 */
export function withMissing(checks: readonly CheckStatus[]): readonly CheckStatus[] {
  const all = indexOf(checks)
  const named = new Map<string, CheckStatus[]>()
  for (const path of checks)
    for (const id of throughOf(path)) {
      const paths = named.get(id) ?? []
      named.set(id, [...paths, path])
    }
  if (named.size === 0) return checks
  return all.all.map(check => {
    const paths = named.get(check.id)
    return paths ? missingMemo(check.config, [check, ...paths], () => withMissingOf(check, paths)) : check
  })
}

const missingMemo = createMemo<Target, CheckStatus>()

function withMissingOf(check: CheckStatus, paths: readonly CheckStatus[]): CheckStatus {
  const missing = check.stale ? [] : paths.flatMap(path => missingFor(path, check))
  return missing.length === 0
    ? check
    : { ...check, ...finding(check.evidence, [...check.reasons, ...missing], check.samples) }
}

function missingFor(path: CheckStatus, check: CheckStatus): Reason[] {
  const { haproxy: balancer, pgbouncer: pooler } = tiesOf(path)
  const proxies = seenBy(haproxy, check.observation)?.seen.proxies
  if (balancer && proxies && !proxies.includes(balancer.proxy))
    return [haproxyReason('haproxy_proxy_missing', missingText(check, 'proxy', balancer.proxy, path, proxies))]
  const databases = seenBy(pgbouncer, check.observation)?.seen.databases?.map(({ name }) => name)
  const isKnown = !isBefore(check, path) || path.reasons.some(({ code }) => code === 'write_path_database_missing')
  if (pooler && databases && !databases.includes(pooler.database) && isKnown)
    return [
      pgbouncerReason('pgbouncer_database_missing', missingText(check, 'database', pooler.database, path, databases)),
    ]
  return []
}

const mostShown = 10

function missingText(
  { target }: CheckStatus,
  what: string,
  name: string,
  path: CheckStatus,
  known: readonly string[],
): string {
  const more = known.length > mostShown ? ` and ${known.length - mostShown} more` : ''
  const there = known.length === 0 ? 'none' : `${known.slice(0, mostShown).join(', ')}${more}`
  return `${target}: there is no ${what} ${name}, which the write path ${path.target} names; there is ${there}`
}
