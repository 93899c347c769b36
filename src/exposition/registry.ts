import { Registry, collectDefaultMetrics, type Metric as PromMetric, type RegistryContentType } from 'prom-client'
import type { Metric } from '../core/metric.ts'
import { visible, vouched, type Shown } from '../core/shown.ts'
import { catalogue } from './catalogue.ts'
import { linesByMetric, type Group } from './lines.ts'

export const formats = ['prometheus', 'openmetrics'] as const
export type Format = (typeof formats)[number]

export const contentTypes: Readonly<Record<Format, RegistryContentType>> = {
  prometheus: Registry.PROMETHEUS_CONTENT_TYPE,
  openmetrics: Registry.OPENMETRICS_CONTENT_TYPE,
}

/** A metric with its values, as prom-client has it. */
interface Family {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly values: readonly {
    readonly value: number
    readonly labels: Readonly<Record<string, string | number | undefined>>
    /** Where it is not that of the family: `…_bucket`. */
    readonly metricName?: string | undefined
  }[]
}

/**
 * The samples as text, in the order of the catalogue and then of the labels, and after them the process metrics. Of two
 * samples of one series the last is taken: a scrape with both would be refused as a whole.
 */
export async function expose(
  groups: readonly Group[],
  format: Format,
  process: readonly Family[] = [],
): Promise<Shown> {
  const lines = await linesByMetric(groups, series)
  const metrics = [...lines.keys()].sort((a, b) => rankOf(a) - rankOf(b))
  const frame = await written([...metrics.map(metric => familyOf(metric, [])), ...process], format)
  // What is there of the process is in the frame already.
  const inOrder = metrics.map(metric => lines.get(metric) ?? '').values()
  return vouched(frame.replace(/^# TYPE .*\n/gm, type => type + (inOrder.next().value ?? '')))
}

/** The series of each metric, as lines: they are the same in both formats. */
async function series(byMetric: ReadonlyMap<Metric, Group>): Promise<readonly (readonly string[])[]> {
  const text = await written(
    [...byMetric].map(([metric, samples]) => familyOf(metric, samples)),
    'prometheus',
  )
  const [, ...families] = text.split(/^# HELP .*\n# TYPE .*\n/m)
  return families.map(lines => lines.split('\n').filter(line => line !== ''))
}

/** A fresh registry each time: there is nothing in it that could be left over. */
function written(families: readonly Family[], format: Format): Promise<string> {
  const registry = new Registry<RegistryContentType>()
  registry.setContentType(contentTypes[format])
  for (const family of families) registry.registerMetric(asMetric(family))
  return registry.metrics()
}

/**
 * A family as a metric of a registry. No Gauge is filled with the values, for it would take two label sets for one where
 * a value has `,` and `:` in it. The registry renames a counter for OpenMetrics, so each rendering has its own copy.
 */
const asMetric = (family: Family): PromMetric => {
  const copy = { ...family, get: () => Promise.resolve(copy) }
  return copy as unknown as PromMetric
}

const order = new Map(catalogue.flatMap(group => group.metrics).map((metric, index) => [metric.name, index]))
const rankOf = ({ name }: Metric): number => order.get(name) ?? order.size

/** Servers of Prometheus have a limit of their own (`label_value_length_limit`), and then refuse the whole scrape. */
const longestLabel = 1_024

const familyOf = (metric: Metric, samples: Group): Family => ({
  name: metric.name,
  // OpenMetrics wants quotes escaped in HELP, and prom-client does not do it.
  help: metric.help.replaceAll('"', "'"),
  type: metric.type,
  values: samples.map(({ value, labels }) => {
    const own: Record<string, string> = {}
    for (const label of metric.labels) own[label] = visible(labels[label] ?? '', longestLabel)
    return { value, labels: own }
  }),
})

/** Process metrics cost more than all the rest; between two scrapes in one second they are not gathered anew. */
const processMetricsMs = 1_000

/** Begins to watch the process, once per server. The function gives its metrics now, and never rejects. */
export function watchProcess(): () => Promise<readonly Family[]> {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  let gathered: Promise<readonly Family[]> | undefined
  let gatheredAt = 0
  return () => {
    if (!gathered || performance.now() - gatheredAt >= processMetricsMs) {
      gatheredAt = performance.now()
      gathered = gather(registry)
    }
    return gathered
  }
}

/** One by one, since a single metric that throws would take the whole scrape with it. */
async function gather(registry: Registry): Promise<readonly Family[]> {
  const families = await Promise.all(
    registry.getMetricsAsArray().map(async ({ name }) => {
      try {
        const family = await registry.getSingleMetric(name)?.get()
        return family ? [{ ...family, type: String(family.type), values: family.values.filter(isKnown) }] : []
      } catch {
        return []
      }
    }),
  )
  return families.flat().filter(family => family.values.length > 0 && !isMisnamed(family))
}

const isKnown = ({ value }: { readonly value: number }): boolean => !Number.isNaN(value)

/** Gauges that are named as counters: sums of others, which OpenMetrics takes for samples of these. */
const isMisnamed = ({ name, type }: Family): boolean => type === 'gauge' && name.endsWith('_total')
