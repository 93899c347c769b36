import type { Observation } from '../core/probe.ts'
import { lagMetrics } from '../probes/postgres/judge.ts'
import type { Assessment, CheckStatus, Memory, Plan } from './assessment.ts'
import { withDownNodes } from './path/down-around.ts'
import { behindPaths } from './path/down-behind.ts'
import { withMissing } from './path/hops.ts'
import { indexOf } from './checks.ts'
import { withCanaryCauses, withOverdueCanaries } from './canary.ts'
import { assessClusters } from './cluster/cluster.ts'
import { withDnsCauses } from './dns.ts'
import { assessDrift } from './drift.ts'
import { withFirstCauses } from './path/first-cause.ts'
import { assessLandings } from './path/landing.ts'
import { assessMail } from './mail.ts'
import { nodesOf } from './nodes.ts'
import { withOutboxCauses } from './outbox.ts'
import { withPasswordRegions } from './smtp-region.ts'
import { assessRoles } from './role-changes.ts'
import { assessSessions } from './path/sessions.ts'
import { withCauses } from './sources.ts'
import { asBefore, statusOf } from './freshness.ts'
import { starvedOf, type Own } from './starved.ts'
import { underPatroni } from './patroni-remedies.ts'

/**
 * Everything that follows from the latest observations. It is pure: debouncing, failover counts and outage seconds follow from
 * `previous` and `now` (milliseconds since the epoch). `own` is what the exporter notices of itself.
 */
export function assess(
  plan: Plan,
  previous: Memory | undefined,
  latest: ReadonlyMap<string, Observation>,
  now: number,
  own: readonly Own[] = [],
): Assessment {
  const seen = withPasswordRegions(
    withOverdueCanaries(
      plan.checks.map(check => statusOf(check, latest, now)),
      now,
    ),
  )
  const nodes = nodesOf(seen).filter(({ cluster }) => !plan.partial?.includes(cluster))
  const clusters = assessClusters(seen, nodes, previous, now)
  const compared = assessDrift(seen, nodes, clusters.clusters)
  const strays = new Set(clusters.strays)
  const missing = withMissing(compared.map(check => (strays.has(check.id) ? withoutLag(check) : check)))
  const known = underPatroni(missing, clusters.clusters)
  const landings = assessLandings(known, nodes, clusters.clusters, previous, now)
  const { roles, memory } = assessRoles(landings.checks, nodes, clusters.clusters, previous)
  const first = withFirstCauses(landings.checks, previous)
  const sessions = assessSessions(first.checks, nodes, clusters.clusters, landings.lags)
  const all = indexOf(sessions.checks)
  const caused = withCauses(all, behindPaths(all, nodes, clusters.clusters, clusters.memory))
  const named = withDownNodes(caused, nodes, clusters.clusters)
  const sent = withCanaryCauses(indexOf(withDnsCauses(indexOf(named))))
  const checks = withOutboxCauses(plan, sent, clusters.clusters)
  const mail = assessMail(plan, checks, clusters.clusters)
  return {
    at: now,
    starved: starvedOf(checks, own),
    mail: mail.paths,
    clusters: clusters.clusters,
    landings: landings.landings,
    checks: checks.map(asBefore),
    samples: [...clusters.samples, ...landings.samples, ...sessions.samples, ...mail.samples],
    recheck: [...new Set([...clusters.recheck, ...landings.recheck])],
    roles,
    memory: {
      at: now,
      clusters: clusters.memory,
      writes: clusters.writes,
      outages: landings.outages,
      lags: landings.lags,
      causes: first.memory,
      roles: memory,
    },
  }
}

/** Without the lag: against the wrong upstream it would be 0, while the primary is far ahead. */
const withoutLag = (check: CheckStatus): CheckStatus => ({
  ...check,
  samples: check.samples.filter(({ metric }) => lagMetrics.every(lag => lag.name !== metric.name)),
})
