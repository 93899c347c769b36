import type { ConnectionProblem } from '../clients/postgres-errors.ts'
import { groupBy } from '../core/group.ts'
import { seenBy, type Target } from '../core/probe.ts'
import { createMemo } from '../core/memo.ts'
import { patroni } from '../probes/patroni/index.ts'
import { postgres } from '../probes/postgres/index.ts'
import { writePath } from '../probes/write_path/index.ts'
import { throughOf } from '../probes/write_path/through.ts'
import type { CheckStatus, ClusterStatus, Memory, Roles } from './assessment.ts'
import { indexOf } from './checks.ts'
import { clusterOf, clustersByName, hasProblem, isDown, type Node } from './nodes.ts'

/** The server refuses us. Asking more often changes nothing, and may lock the role out. */
const refused: readonly ConnectionProblem[] = [
  'login_failed',
  'database_missing',
  'tls_failed',
  'too_many_connections',
  'protocol_error',
]

const isRefused = (check: CheckStatus): boolean =>
  hasProblem(check, refused) || check.reasons.some(({ code }) => code === `${check.probe}_login_refused`)

const isWatched = ({ config }: CheckStatus): boolean => config.watch === true

/** The roles in each cluster with a watch: did they change, and have they settled? */
export function assessRoles(
  checks: readonly CheckStatus[],
  nodes: readonly Node[],
  clusters: readonly ClusterStatus[],
  previous: Memory | undefined,
): { readonly roles: readonly Roles[]; readonly memory: Memory['roles'] } {
  const kinds: readonly string[] = [postgres.kind, writePath.kind, patroni.kind]
  const groups = groupBy(
    checks.filter(({ probe }) => kinds.includes(probe)),
    clusterOf,
  )
  const index = indexOf(checks)
  const byName = clustersByName(clusters)
  const byCheck = new Map(nodes.map(node => [node.check.id, node]))
  const all = [...groups].flatMap(([cluster, group]) => {
    const [first] = group
    if (!first || !group.some(isWatched)) return []
    const status = byName.get(cluster)
    const before = previous?.roles.get(cluster)
    const own = group.map(({ id }) => byCheck.get(id))
    // Hops are looked at with them: they may lead wrong for as long as the roles change.
    const hops = index.withIds(group.flatMap(throughOf))
    const make = (): RolesFound => rolesOf({ cluster, group, nodes: own, hops }, status, before)
    return rolesMemo(first.config, [status, before, ...group, ...own, ...hops], make)
  })
  return {
    roles: all.map(({ roles }) => roles),
    memory: new Map(all.map(({ roles, marks }) => [roles.cluster, marks])),
  }
}

interface RolesFound {
  readonly roles: Roles
  readonly marks: ReadonlyMap<string, string>
}

const rolesMemo = createMemo<Target, RolesFound>()

interface Group {
  readonly cluster: string
  readonly group: readonly CheckStatus[]
  /** The node of each check of the group, at the same index. */
  readonly nodes: readonly (Node | undefined)[]
  /** The balancers and poolers of its write paths. */
  readonly hops: readonly CheckStatus[]
}

function rolesOf(
  { cluster, group, nodes, hops }: Group,
  status: ClusterStatus | undefined,
  before: RolesFound['marks'] | undefined,
): RolesFound {
  const marks = group.flatMap((check, i) => {
    const mark = markOf(check, nodes[i]?.facts) ?? before?.get(check.id)
    return mark === undefined ? [] : [[check.id, mark] as const]
  })
  const useful = [...group, ...hops].filter(check => !isRefused(check))
  const paths = useful.filter(({ probe }) => probe === writePath.kind)
  return {
    roles: {
      cluster,
      checks: useful.map(({ id }) => id),
      intervalMs: Math.min(...group.map(({ intervalMs }) => intervalMs)),
      changed: marks.some(([id, mark]) => (before?.get(id) ?? mark) !== mark),
      settled: (!status || status.primaries === 1) && paths.every(({ verdict }) => verdict !== 'fail'),
    },
    marks: new Map(marks),
  }
}

/** The state of the server behind a check. Undefined where the check does not show it: then the last state holds. */
function markOf(check: CheckStatus, facts: Node['facts']): string | undefined {
  if (check.stale || check.verdict === 'unknown') return undefined
  // The lock tells of a promotion, which ends no session. That a Patroni is silent is no role.
  if (check.probe === patroni.kind) return lockMark(check)
  if (isDown(check)) return 'down'
  // Even a short restart is a change.
  if (facts) return `${facts.in_recovery ? 'standby' : 'primary'} since ${facts.postmaster_start}`
  return check.probe === writePath.kind && isWatched(check) && !hasProblem(check, refused) ? 'up' : undefined
}

function lockMark({ observation }: CheckStatus): string | undefined {
  const facts = seenBy(patroni, observation)?.seen.facts
  return facts && (facts.holdsLock ? 'holds the lock' : 'without the lock')
}
