import type { Metric } from '../../src/core/metric.ts'

/** Metrics that are not the exporter's own: of prom-client, and of Prometheus itself. */
const foreign = <const L extends string = never>(
  name: string,
  type: Metric['type'],
  labels: readonly L[] = [],
): Metric<L> => ({ name, help: '', type, labels })

/** Of the process, by prom-client. */
export const processMetrics = {
  cpu: foreign('process_cpu_seconds_total', 'counter'),
  memory: foreign('process_resident_memory_bytes', 'gauge'),
  heap: foreign('nodejs_heap_size_used_bytes', 'gauge'),
  lag: foreign('nodejs_eventloop_lag_p99_seconds', 'gauge'),
  files: foreign('process_open_fds', 'gauge'),
  started: foreign('process_start_time_seconds', 'gauge'),
}

/** Of every scrape. */
export const scrapeMetrics = {
  up: foreign('up', 'gauge'),
  duration: foreign('scrape_duration_seconds', 'gauge'),
  samples: foreign('scrape_samples_scraped', 'gauge'),
}

/** The labels that say what an alert of ours is about; each has some of them. */
const alertLabels = ['alertname', 'severity', 'component', 'mail_path', 'postgres_cluster', 'probe', 'target'] as const

/** Alerts, as Prometheus has them. */
export const alertMetrics = {
  alerts: foreign('ALERTS', 'gauge', [...alertLabels, 'alertstate']),
  since: foreign('ALERTS_FOR_STATE', 'gauge', alertLabels),
}

/** What the recording rules of `alerts/` record. */
export const recorded = {
  budget: foreign('mailpath:objective:error_budget', 'gauge'),
  deliveryBudget: foreign('mailpath:objective:delivery_error_budget', 'gauge'),
  deliveryError: foreign('target:mailpath_canary_error:avg', 'gauge', ['target']),
}
