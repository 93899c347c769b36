import { clusterMetrics } from '../assess/cluster-metrics.ts'
import { mailMetrics } from '../assess/mail.ts'
import { counter, gauge, sample, type Metric } from '../core/metric.ts'
import { resources } from '../core/want.ts'
import { probes, systemProbes } from '../probes/index.ts'
import { mail } from '../probes/mail/index.ts'
import type { CheckStatus } from '../assess/assessment.ts'
import type { Status } from '../monitor/ledger.ts'
import { checkMetrics, checkSamples } from './check-metrics.ts'
import type { Group } from './text-format.ts'
import { reasonMetrics, reasonSamples } from './reasons.ts'

/** Metrics that belong together. */
export interface MetricGroup {
  readonly title: string
  /** What they are about, in one sentence. */
  readonly about: string
  readonly metrics: readonly Metric[]
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
  requests: counter('mailpath_http_requests_total', 'Requests answered, by endpoint and status code.', [
    'handler',
    'code',
  ]),
  requestSeconds: counter(
    'mailpath_http_request_duration_seconds_total',
    'Time spent on requests, by endpoint and status code.',
    ['handler', 'code'],
  ),
  connections: gauge('mailpath_http_connections', 'Connections from outside that are open.'),
  refused: counter(
    'mailpath_http_connections_refused_total',
    'Connections from outside that were refused or ended, and requests that were refused, because of a limit. By reason: connections (too many in all), address (too many of one address), gave_way (it had not asked, or was idle, and another needed its place), not_taken (it did not take its answers), waiting (too many answers waited to be taken), too_early (it sent on before its answer was taken), resets (it took too many requests back).',
    ['reason'],
  ),
}

/** Every metric of the program but the process metrics, in the order of /metrics and of the documents. */
export const catalogue: readonly MetricGroup[] = [
  {
    title: 'Mail',
    about: 'The answer: can the application send mail right now, and if not, what is the one thing to fix?',
    metrics: [...Object.values(mailMetrics), ...Object.values(mail.metrics)],
  },
  {
    title: 'Every check',
    about: 'A check is a probe bound to a target. Whatever it looks at, it has these.',
    metrics: [...Object.values(checkMetrics), ...Object.values(reasonMetrics)],
  },
  {
    title: 'Clusters',
    about: 'What follows from the nodes of a Postgres cluster taken together.',
    metrics: Object.values(clusterMetrics),
  },
  ...systemProbes.map(probe => ({
    title: `Probe \`${probe.kind}\``,
    about: probe.summary,
    metrics: Object.values<Metric>(probe.metrics),
  })),
  {
    title: 'The exporter',
    about: 'Besides these there are the `process_*` and `nodejs_*` metrics of prom-client.',
    metrics: Object.values(exporterMetrics),
  },
]

/** Whether the last reload of the configuration was successful. */
export interface ReloadState {
  readonly successful: boolean
  /** When a good configuration was last read, in milliseconds since the epoch. */
  readonly successAt: number
}

/** What the metrics of the exporter itself are made of. */
export interface ExporterState {
  readonly version: string
  readonly nodeVersion: string
  readonly reload: ReloadState
  readonly logLinesDropped: number
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
export function samplesOf(status: Status, exporter: ExporterState): Group[] {
  return [
    status.samples,
    ...status.checks.flatMap(check => checkSamples(check, status.records.get(check.id))),
    reasonSamples(status),
    [
      sample(exporterMetrics.build, 1, { version: exporter.version, node_version: exporter.nodeVersion }),
      sample(exporterMetrics.reloadSuccessful, exporter.reload.successful, {}),
      sample(exporterMetrics.reloadTime, exporter.reload.successAt / 1000, {}),
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
    ].flat(),
  ]
}

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
  return { check, groups: [...checkSamples(check, status.records.get(id)), concluded] }
}
