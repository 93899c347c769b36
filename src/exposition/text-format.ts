import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Metric, Sample } from '../core/metric.ts'
import { visible, vouched, type Shown } from '../core/shown.ts'
import { catalogue } from './catalogue.ts'
import type { Group } from './samples.ts'

export const formats = ['prometheus', 'openmetrics'] as const
export type Format = (typeof formats)[number]

export const contentTypes = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
} as const

/** A metric with its lines, without line ends. The lines are the same in both formats. */
export interface Family {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly lines: readonly string[]
}

/**
 * The samples as text, in the order of the catalogue and then of the lines; after them the process metrics. Of two samples
 * of one series only the last is written: Prometheus would refuse the whole scrape.
 */
export async function expose(
  groups: readonly Group[],
  format: Format,
  process: readonly Family[] = [],
): Promise<Shown> {
  await writeNew(groups)
  const texts = [...familiesOf(groups), ...process].map(family => familyText(family, format))
  return vouched(format === 'openmetrics' ? `${texts.join('')}# EOF\n` : texts.join('\n'))
}

/** A sample with its series and its value as text. */
interface Written {
  readonly metric: Metric
  readonly series: string
  readonly value: string
}

/** A cache: a group stays the same object from one scrape to the next while its check is as before. */
const written = new WeakMap<Group, readonly Written[]>()

/** Samples written in one turn of the event loop: writing 1,000 checks at once would delay the checks under way. */
const samplesPerTurn = 1_000
/** The most turns for one text. On a busy event loop each turn makes the scraper wait. */
const maxTurns = 20

async function writeNew(groups: readonly Group[]): Promise<void> {
  const missing = groups.filter(group => !written.has(group))
  const perTurn = Math.max(samplesPerTurn, missing.reduce((sum, { length }) => sum + length, 0) / maxTurns)
  let count = 0
  for (const group of missing) {
    written.set(group, group.map(write))
    count += group.length
    if (count < perTurn) continue
    count = 0
    await nextTurn()
  }
}

const write = ({ metric, labels, value }: Sample): Written => ({
  metric,
  series: seriesText(metric.name, metric.labels, labels),
  value: numberText(value),
})

function familiesOf(groups: readonly Group[]): Family[] {
  const valuesOf = new Map<Metric, Map<string, string>>()
  for (const group of groups)
    for (const { metric, series, value } of written.get(group) ?? []) {
      const values = valuesOf.get(metric)
      if (values) values.set(series, value)
      else valuesOf.set(metric, new Map([[series, value]]))
    }
  return [...valuesOf]
    .sort(([a], [b]) => rankOf(a) - rankOf(b))
    .map(([metric, values]) => ({
      ...metric,
      lines: [...values.keys()].sort().map(series => `${series} ${values.get(series) ?? ''}`),
    }))
}

const order = new Map(catalogue.flatMap(group => group.metrics).map((metric, index) => [metric.name, index]))
const rankOf = ({ name }: Metric): number => order.get(name) ?? order.size

function familyText(family: Family, format: Format): string {
  const { type, lines } = family
  const name = format === 'openmetrics' && type === 'counter' ? family.name.replace(/_total$/, '') : family.name
  // OpenMetrics wants quotes in HELP escaped, and Prometheus text does not.
  const help = family.help.replaceAll('"', "'")
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n')
}

/** Prometheus can have a limit of its own (`label_value_length_limit`), and then refuses the whole scrape. */
const longestLabel = 1_024

/** The name of a series: `metric{label="value",…}`, with the labels in the given order. */
export function seriesText(
  metric: string,
  labels: readonly string[],
  values: Readonly<Record<string, string | number | undefined>>,
): string {
  if (labels.length === 0) return metric
  const pairs = labels.map(label => `${label}="${escaped(visible(String(values[label] ?? ''), longestLabel))}"`)
  // Not a template: V8 would keep its parts and put them together only when the series are sorted.
  return [metric, '{', pairs.join(','), '}'].join('')
}

/** `visible` has left no line end in it. */
const escaped = (label: string): string => label.replace(/[\\"]/g, String.raw`\$&`)

export const numberText = (value: number): string =>
  value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : String(value)
