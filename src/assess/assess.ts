import { seconds } from '../core/errors.ts'

import { checkId, finding, type Check, type Observation } from '../core/probe.ts'
import { commonReason } from '../core/run.ts'
import { lagMetrics } from '../probes/postgres/index.ts'
import type { Assessment, CheckStatus, Memory, Plan } from './assessment.ts'
import { assessClusters } from './cluster.ts'
import { assessDrift } from './drift.ts'
import { assessLandings } from './landing.ts'
import { assessMail } from './mail.ts'
import { nodesOf } from './nodes.ts'
import { assessRoles } from './roles.ts'

/** A result is evidence for this many intervals. */
const freshIntervals = 3

/**
 * Everything that follows from the latest observations. Pure: `previous` is all that is remembered, and debouncing,
 * failover counts and outage seconds come out of it and `now` (milliseconds since the epoch).
 */
export function assess(
  plan: Plan,
  previous: Memory | undefined,
  latest: ReadonlyMap<string, Observation>,
  now: number,
): Assessment {
  const seen = plan.checks.map(check => standing(check, latest.get(checkId(check)), now))
  const nodes = nodesOf(seen).filter(({ cluster }) => !plan.partial?.includes(cluster))
  const clusters = assessClusters(nodes, previous, now)
  const compared = assessDrift(seen, clusters.clusters)
  const known = compared.map(check => (clusters.strays.includes(check.id) ? withoutLag(check) : check))
  const landings = assessLandings(known, nodes, clusters.clusters, previous, now)
  const { roles, memory } = assessRoles(landings.checks, nodes, clusters.clusters, previous)
  const mail = assessMail(plan.mail, landings.checks, clusters.clusters)
  return {
    at: now,
    mail: mail.paths,
    clusters: clusters.clusters,
    landings: landings.landings,
    checks: landings.checks,
    samples: [...clusters.samples, ...landings.samples, ...mail.samples],
    recheck: clusters.recheck,
    roles,
    memory: { at: now, clusters: clusters.memory, outages: landings.outages, roles: memory },
  }
}

/** Counted against the wrong upstream it would be 0, while the primary is far ahead. */
const withoutLag = (check: CheckStatus): CheckStatus => ({
  ...check,
  samples: check.samples.filter(({ metric }) => lagMetrics.every(lag => lag.name !== metric.name)),
})

/** After this moment the check is stale unless it runs again (milliseconds since the epoch); Infinity where it is already. */
export const staleAt = ({ stale, observation, intervalMs }: CheckStatus): number =>
  stale || !observation ? Infinity : observation.finishedAt + freshIntervals * intervalMs

/** How a check stands by itself: nothing seen yet, or seen too long ago, is unknown. */
function standing(check: Check, observation: Observation | undefined, now: number): CheckStatus {
  const about = {
    id: checkId(check),
    probe: check.probe,
    target: check.target,
    intervalMs: check.intervalMs,
    needs: check.needs,
    config: check.config,
    observation,
  }
  if (!observation) {
    const none = finding('', [commonReason('not_run_yet', 'has not run yet')], [])
    return { ...about, ...none, stale: false }
  }
  const age = now - observation.finishedAt
  if (age > freshIntervals * check.intervalMs) {
    const old = finding(
      '',
      [commonReason('stale', `last seen ${seconds(Math.round(age / 1000) * 1000)} ago, then ${observation.verdict}`)],
      [],
    )
    return { ...about, ...old, stale: true }
  }
  const { verdict, reasons, evidence, samples } = observation
  return { ...about, verdict, reasons, evidence, samples, stale: false }
}
