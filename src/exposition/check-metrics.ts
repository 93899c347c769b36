import type { CheckStatus } from '../assess/assessment.ts'
import { distinctBy } from '../core/group.ts'
import { createMemo } from '../core/memo.ts'
import { counter, gauge, sample, stateSet, type Sample } from '../core/metric.ts'
import { verdicts } from '../core/probe.ts'
import type { CheckRecord } from '../monitor/records.ts'
import type { Group } from './text-format.ts'

const labels = ['probe', 'target'] as const

/** Metrics that every check has, of any probe. */
export const checkMetrics = {
  verdict: gauge(
    'mailpath_check_verdict',
    'How the check stands, as a state set; unknown once its last run is older than three intervals.',
    [...labels, 'verdict'],
  ),
  reason: gauge('mailpath_check_reason', 'Why the check is not ok: always 1, and there only while the reason holds.', [
    ...labels,
    'reason',
    'severity',
  ]),
  duration: gauge('mailpath_check_duration_seconds', 'How long the last run took; absent once it is stale.', labels),
  phase: gauge(
    'mailpath_check_phase_duration_seconds',
    'How long each phase of the last run took; absent once it is stale.',
    [...labels, 'phase'],
  ),
  lastRun: gauge(
    'mailpath_check_last_run_timestamp_seconds',
    'When the last run ended, stale or not; absent before the first.',
    labels,
  ),
  lastOk: gauge(
    'mailpath_check_last_ok_timestamp_seconds',
    'When the last run that was ok ended; absent before the first.',
    labels,
  ),
  interval: gauge('mailpath_check_interval_seconds', 'How often the check runs.', labels),
  runs: counter('mailpath_check_runs_total', 'Runs since the start of the exporter.', labels),
  failures: counter('mailpath_check_failures_total', 'Runs since the start of the exporter that failed.', labels),
}

/** A cache, so that the lines of an unchanged check are not written again. */
const memo = createMemo<CheckStatus, Group>()

/** The samples that every check has, and those of its probe: the same arrays for the same check and record. */
export const checkSamples = (check: CheckStatus, record: CheckRecord | undefined): Group[] => [
  memo(check, [record], () => commonSamples(check, record)),
  check.samples,
]

function commonSamples(check: CheckStatus, record: CheckRecord | undefined): Sample[] {
  const at = { probe: check.probe, target: check.target }
  const { observation } = check
  const fresh = check.stale ? undefined : observation
  return [
    stateSet(checkMetrics.verdict, 'verdict', verdicts, check.verdict, at),
    // The text of a reason is no label, so two absent settings are one series.
    distinctBy(check.reasons, ({ code }) => code).flatMap(({ code, severity }) =>
      sample(checkMetrics.reason, 1, { ...at, reason: code, severity }),
    ),
    sample(checkMetrics.duration, fresh && seconds(fresh.finishedAt - fresh.startedAt), at),
    Object.entries(fresh?.phases ?? {}).flatMap(([phase, took]) => sample(checkMetrics.phase, took, { ...at, phase })),
    sample(checkMetrics.lastRun, observation && seconds(observation.finishedAt), at),
    sample(checkMetrics.lastOk, record?.lastOkAt === undefined ? undefined : seconds(record.lastOkAt), at),
    sample(checkMetrics.interval, seconds(check.intervalMs), at),
    sample(checkMetrics.runs, record?.runs ?? 0, at),
    sample(checkMetrics.failures, record?.failures ?? 0, at),
  ].flat()
}

const seconds = (ms: number): number => ms / 1000
