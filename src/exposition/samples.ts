import type { CheckStatus } from '../assess/assessment.ts'
import { distinctBy } from '../core/group.ts'
import { createMemo } from '../core/memo.ts'
import { bornLate, counter, gauge, sample, stateSet, type Metric, type Sample } from '../core/metric.ts'
import { certificateLabels, verdicts } from '../core/probe.ts'
import { resources } from '../core/want.ts'
import type { Since } from '../history/history.ts'
import type { CheckRecord, Status } from '../monitor/ledger.ts'
import { probes } from '../probes/index.ts'
import { historySamples } from './history.ts'
import { reasonSamples } from './reasons.ts'

/** Samples that come and go together. Never changed: other samples are another array. */
export type Group = readonly Sample[]

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
  certificate: gauge(
    'mailpath_certificate_info',
    'The certificate that the target showed in the last run, whether it verifies or not; the value is 1. Absent without TLS, and once it is stale.',
    [...labels, ...certificateLabels],
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
  since: gauge(
    'mailpath_check_verdict_since_timestamp_seconds',
    'Since when the check has its verdict. If it had it already at the first look: when that was.',
    labels,
  ),
  interval: gauge('mailpath_check_interval_seconds', 'How often the check runs.', labels),
  runs: counter('mailpath_check_runs_total', 'Runs since the start of the exporter.', labels),
  failures: counter('mailpath_check_failures_total', 'Runs since the start of the exporter that failed.', labels),
}

export const exporterMetrics = {
  build: gauge('mailpath_build_info', 'Version of the exporter and of the Node.js it runs on.', [
    'version',
    'node_version',
  ]),
  reloadSuccessful: gauge(
    'mailpath_config_last_reload_successful',
    'Whether the configuration was good the last time it was read.',
  ),
  reloadTime: gauge(
    'mailpath_config_last_reload_success_timestamp_seconds',
    'When a good configuration was last read.',
  ),
  stateRead: gauge(
    'mailpath_state_file_read_successful',
    'Whether the state file was good at the start, or there was none yet; absent without --state.file.',
  ),
  stateWritten: gauge(
    'mailpath_state_file_last_write_successful',
    'Whether the state file could be written the last time; absent before the first.',
  ),
  stateWrittenAt: gauge(
    'mailpath_state_file_last_write_success_timestamp_seconds',
    'When the state file was last written; absent before the first time.',
  ),
  starved: gauge(
    'mailpath_exporter_starved',
    'Whether the exporter itself is short of something, or nearly so: file descriptors, local ports, memory, CPU, or a way out to the network.',
    ['resource'],
  ),
  logLinesDropped: counter(
    'mailpath_log_lines_dropped_total',
    'Lines of the log that were lost, because standard error could not be written or its reader was too slow.',
  ),
  wakeups: counter(
    'mailpath_wakeups_total',
    'Times the checks of a cluster were run at once, because a watch had ended or a role had changed.',
    ['postgres_cluster'],
  ),
  requests: bornLate(
    counter('mailpath_http_requests_total', 'Requests answered, by endpoint and status code.', ['handler', 'code']),
  ),
  requestSeconds: bornLate(
    counter('mailpath_http_request_duration_seconds_total', 'Time spent on requests, by endpoint and status code.', [
      'handler',
      'code',
    ]),
  ),
  connections: gauge('mailpath_http_connections', 'Connections from outside that are open.'),
  refused: counter(
    'mailpath_http_connections_refused_total',
    'Connections from outside that were refused or ended, and requests that were refused, because of a limit. By reason: connections (too many in all), address (too many of one address), gave_way (it had not asked, or was idle, and another needed its place), not_taken (it did not take its answers), waiting (too many answers waited to be taken), too_early (it sent on before its answer was taken), resets (it took too many requests back).',
    ['reason'],
  ),
}

/** Whether the last reload of the configuration was successful. */
export interface ReloadState {
  readonly successful: boolean
  /** When a good configuration was last read, in milliseconds since the epoch. */
  readonly successAt: number
}

/** How the state file fares. */
export interface StateFileState {
  /** False: it could not be used at the start, so what happened before is not known. */
  readonly read: boolean
  /** Whether the last write succeeded; undefined before the first. */
  readonly written: boolean | undefined
  /** When it was last written, in milliseconds since the epoch. */
  readonly writtenAt: number | undefined
}

/** What the metrics of the exporter itself are made of. */
export interface ExporterState {
  readonly version: string
  readonly nodeVersion: string
  readonly reload: ReloadState
  readonly logLinesDropped: number
  /** Undefined without a state file. */
  readonly stateFile: StateFileState | undefined
  readonly wakeups: readonly { readonly cluster: string; readonly count: number }[]
  readonly requests: readonly {
    readonly handler: string
    readonly code: number
    readonly count: number
    readonly seconds: number
  }[]
  readonly connections: { readonly open: number; readonly refused: Readonly<Record<string, number>> }
}

/**
 * All samples of /metrics but the process metrics. They are made from the status of now, so that no series outlives its
 * cause. An unchanged check gives the same groups as before.
 */
export const samplesOf = (status: Status, exporter: ExporterState): Group[] => [...groupsOf(status, exporter)]

/** The same one by one: with many checks, to make them all in one turn of the event loop would hold up the checks. */
export function* groupsOf(status: Status, exporter: ExporterState): Generator<Group, void, void> {
  yield status.samples
  for (const check of status.checks) yield* checkSamples(check, status)
  yield historySamples(status)
  yield reasonSamples(status)
  yield exporterSamples(status, exporter)
}

const exporterSamples = (status: Status, exporter: ExporterState): Group =>
  [
    sample(exporterMetrics.build, 1, { version: exporter.version, node_version: exporter.nodeVersion }),
    sample(exporterMetrics.reloadSuccessful, exporter.reload.successful, {}),
    sample(exporterMetrics.reloadTime, exporter.reload.successAt / 1000, {}),
    sample(exporterMetrics.stateRead, exporter.stateFile?.read, {}),
    sample(exporterMetrics.stateWritten, exporter.stateFile?.written, {}),
    sample(exporterMetrics.stateWrittenAt, inSeconds(exporter.stateFile?.writtenAt), {}),
    resources.flatMap(resource =>
      sample(
        exporterMetrics.starved,
        status.starved.some(one => one.resource === resource),
        { resource },
      ),
    ),
    sample(exporterMetrics.logLinesDropped, exporter.logLinesDropped, {}),
    exporter.wakeups.flatMap(({ cluster, count }) =>
      sample(exporterMetrics.wakeups, count, { postgres_cluster: cluster }),
    ),
    exporter.requests.flatMap(({ handler, code, count, seconds }) => [
      ...sample(exporterMetrics.requests, count, { handler, code: String(code) }),
      ...sample(exporterMetrics.requestSeconds, seconds, { handler, code: String(code) }),
    ]),
    sample(exporterMetrics.connections, exporter.connections.open, {}),
    Object.entries(exporter.connections.refused).flatMap(([reason, count]) =>
      sample(exporterMetrics.refused, count, { reason }),
    ),
  ].flat()

/** A check with the samples about its target: its own, and those of the assessment. Throws where there is no such check. */
export function checkSeries(
  status: Status,
  id: string,
): { readonly check: CheckStatus; readonly groups: readonly Group[] } {
  const check = status.checks.find(one => one.id === id)
  if (!check) throw new Error(`there is no check ${id}`)
  const own = probes.find(({ kind }) => kind === check.probe)?.metrics ?? {}
  const names = new Set(Object.values<Metric>(own).map(({ name }) => name))
  const concluded = status.samples.filter(
    ({ metric, labels }) => names.has(metric.name) && (labels['target'] ?? labels['mail_path']) === check.target,
  )
  return { check, groups: [...checkSamples(check, status), concluded] }
}

/** A cache, so that the lines of an unchanged check are not written again. */
const memo = createMemo<CheckStatus, Group>()

/** The samples that every check has, and those of its probe: the same arrays for the same check and record. */
function checkSamples(check: CheckStatus, { records, history }: Status): Group[] {
  const record = records.get(check.id)
  const held = history.checks.get(check.id)
  // Before the first history, and after a change of the check, it is of another verdict.
  const since = held?.verdict === check.verdict ? held : undefined
  return [memo(check, [record, since], () => commonSamples(check, record, since)), check.samples]
}

function commonSamples(check: CheckStatus, record: CheckRecord | undefined, since: Since | undefined): Sample[] {
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
    fresh?.certificate ? sample(checkMetrics.certificate, 1, { ...at, ...fresh.certificate }) : [],
    sample(checkMetrics.lastRun, observation && seconds(observation.finishedAt), at),
    sample(checkMetrics.lastOk, inSeconds(record?.lastOkAt), at),
    sample(checkMetrics.since, inSeconds(since?.at), at),
    sample(checkMetrics.interval, seconds(check.intervalMs), at),
    sample(checkMetrics.runs, record?.runs ?? 0, at),
    sample(checkMetrics.failures, record?.failures ?? 0, at),
  ].flat()
}

const seconds = (ms: number): number => ms / 1000
const inSeconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : seconds(ms))
