import { Registry, collectDefaultMetrics, type MetricObjectWithValues, type MetricValueWithName } from 'prom-client'
import { numberText, seriesText, type Family } from './text-format.ts'

/** Collecting the process metrics costs more than the rest of a scrape: scrapes within this time share one collection. */
const keptMs = 1_000

/** Starts to measure the process; once per server. The function collects the metrics (`process_*`, `nodejs_*`) and never rejects. */
export function watchProcess(): () => Promise<readonly Family[]> {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  let collected: Promise<readonly Family[]> | undefined
  let collectedAt = 0
  return () => {
    if (!collected || performance.now() - collectedAt >= keptMs) {
      collectedAt = performance.now()
      collected = collect(registry)
    }
    return collected
  }
}

/** One by one: a metric that throws must not fail the whole scrape. */
async function collect(registry: Registry): Promise<readonly Family[]> {
  const families = await Promise.all(
    registry.getMetricsAsArray().map(async ({ name }) => {
      try {
        const metric = await registry.getSingleMetric(name)?.get()
        return metric ? [familyOf(metric)] : []
      } catch {
        return []
      }
    }),
  )
  return families.flat().filter(family => family.lines.length > 0 && !isMisnamed(family))
}

type Collected = MetricObjectWithValues<MetricValueWithName<string>>

/** A metric as prom-client gives it, with its samples as lines. A sample without a value has none. */
export const familyOf = ({ name, help, type, values }: Collected): Family => ({
  name,
  help,
  type: String(type),
  lines: values
    .filter(({ value }) => !Number.isNaN(value))
    .map(({ metricName = name, labels, value }) => {
      return `${seriesText(metricName, Object.keys(labels), labels)} ${numberText(value)}`
    }),
})

/** prom-client has gauges named as counters, which are sums of other gauges. In OpenMetrics their lines would belong to those. */
const isMisnamed = ({ name, type }: Family): boolean => type === 'gauge' && name.endsWith('_total')
