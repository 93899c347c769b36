import { clusterMetrics } from '../assess/cluster/metrics.ts'
import { mailMetrics } from '../assess/mail.ts'
import { sessionMetrics } from '../assess/path/sessions.ts'
import type { Metric } from '../core/metric.ts'
import { systemProbes } from '../probes/index.ts'
import { mail } from '../probes/mail/index.ts'
import { historyMetrics } from './history.ts'
import { reasonMetrics } from './reasons.ts'
import { checkMetrics, exporterMetrics } from './samples.ts'

/** Metrics that belong together. */
interface MetricGroup {
  readonly title: string
  /** What they are about, in one sentence. */
  readonly about: string
  readonly metrics: readonly Metric[]
}

/** Every metric of the program but the process metrics, in the order of /metrics and of the documents. */
export const catalogue: readonly MetricGroup[] = [
  {
    title: 'Mail',
    about: 'The answer: can the application send mail right now, and if not, what is the one thing to fix?',
    metrics: [...Object.values(mailMetrics), ...Object.values(historyMetrics), ...Object.values(mail.metrics)],
  },
  {
    title: 'Every check',
    about: 'A check is a probe bound to a target. Whatever it looks at, it has these.',
    metrics: [...Object.values(checkMetrics), ...Object.values(reasonMetrics)],
  },
  {
    title: 'Clusters',
    about: 'What follows from the nodes of a Postgres cluster taken together.',
    metrics: [...Object.values(clusterMetrics), ...Object.values(sessionMetrics)],
  },
  ...systemProbes.map(probe => ({
    title: `Probe \`${probe.kind}\``,
    about: probe.summary,
    metrics: Object.values<Metric>(probe.metrics),
  })),
  {
    title: 'The exporter',
    about: 'There are also the `process_*` and `nodejs_*` metrics of prom-client.',
    metrics: Object.values(exporterMetrics),
  },
]
