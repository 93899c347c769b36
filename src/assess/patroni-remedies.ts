import { createMemo } from '../core/memo.ts'
import type { CheckStatus, ClusterStatus } from './assessment.ts'
import { clusterOf, clustersByName } from './nodes.ts'

const bringBack =
  'Bring a synchronous standby back: see patronictl list. Patroni keeps synchronous_standby_names itself, so leave that alone. If no standby can be had, and rows that are on one node only are better than no writes: patronictl edit-config, with synchronous_mode_strict: false.'

/** What a probe advises, and what is right where a Patroni manages the cluster, which a probe does not know. */
const remedies: Readonly<Record<string, string>> = {
  write_path_commit_stuck: `${bringBack} If a standby is there: look at the disks.`,
  postgres_sync_standby_missing: bringBack,
}

/** The checks. In clusters with Patroni, no remedy does by hand what Patroni does. */
export function underPatroni(
  checks: readonly CheckStatus[],
  clusters: readonly ClusterStatus[],
): readonly CheckStatus[] {
  if (!clusters.some(({ hasPatroni }) => hasPatroni)) return checks
  const byName = clustersByName(clusters)
  return checks.map(check =>
    check.reasons.some(({ code }) => Object.hasOwn(remedies, code)) && byName.get(clusterOf(check))?.hasPatroni
      ? memo(check, [], () => amended(check))
      : check,
  )
}

const memo = createMemo<CheckStatus, CheckStatus>()

const amended = (check: CheckStatus): CheckStatus => ({
  ...check,
  reasons: check.reasons.map(reason => ({ ...reason, remedy: remedies[reason.code] ?? reason.remedy })),
})
