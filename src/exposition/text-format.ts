import { setImmediate as nextTurn } from 'node:timers/promises'
import { distinctBy, groupBy } from '../core/group.ts'
import { createMemo } from '../core/memo.ts'
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

/** A metric with its lines, one or several in each text. They are the same in both formats. */
export interface Family {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly bornLate?: true
  readonly lines: readonly string[]
}

/**
 * The samples as text, in the order of the catalogue and then of the lines; after them the process metrics. Of two samples
 * of one series only the last is written: Prometheus would refuse the whole scrape. `createdAt`: since when counters count,
 * in milliseconds since the epoch. It takes several turns of the event loop, in which the groups are asked for one by one.
 */
export async function expose(
  groups: Iterable<Group>,
  format: Format,
  process: readonly Family[] = [],
  createdAt?: number,
): Promise<Shown> {
  const families = [...(await familiesOf(groups)), ...process]
  // Joined once: with 1,000 targets it is 2 MB, and each further copy costs time and memory.
  const lines = families.flatMap(family => [
    ...headOf(family, format),
    ...linesOf(family, format, createdAt),
    ...endOf[format],
  ])
  return vouched([...lines, ...(format === 'openmetrics' ? ['# EOF', ''] : [])].join('\n'))
}

/**
 * With `_created` where a series begins with its first event: else `increase()` misses that one. Not where it begins at 0: a
 * Prometheus without the feature for them keeps them as series of their own.
 */
function linesOf({ lines, bornLate }: Family, format: Format, createdAt: number | undefined): readonly string[] {
  if (format !== 'openmetrics' || !bornLate || createdAt === undefined) return lines
  const created = (line: string): string =>
    `${seriesOf(line).replace(/_total(?=\{|$)/, '_created')} ${numberText(createdAt / 1000)}`
  return lines.flatMap(piece => piece.split('\n').flatMap(line => [line, created(line)]))
}

/** In Prometheus text an empty line separates two metrics. */
const endOf: Readonly<Record<Format, readonly string[]>> = { prometheus: [''], openmetrics: [] }

/** The lines of one metric in a group, as one text: thousands of strings, sorted at each scrape, would cost more than all else. */
interface Piece {
  readonly metric: Metric
  readonly lines: string
}

/** A group stays the same object from one scrape to the next while its check is as before. */
const memo = createMemo<Group, readonly Piece[]>()

/** A turn of the event loop goes on writing for this long, in milliseconds: checks and their deadlines wait meanwhile. */
const turnMs = 4
/** The longest part of a text that is written in one turn. On a busy event loop each turn makes the scraper wait. */
const turnShare = 1 / 20

/** Returns a function that gives what to wait for where this turn of the event loop has taken long: the next one. */
function turnByTurn(): () => Promise<void> | undefined {
  let spentMs = 0
  let from = performance.now()
  const next = async (): Promise<void> => {
    await nextTurn()
    from = performance.now()
  }
  return () => {
    const tookMs = performance.now() - from
    if (tookMs < Math.max(turnMs, spentMs * turnShare)) return undefined
    spentMs += tookMs
    return next()
  }
}

const piecesIn = (group: Group): readonly Piece[] =>
  memo(group, [], () =>
    [...groupBy(group, ({ metric }) => metric)].map(([metric, samples]) => ({
      metric,
      lines: ordered(samples.map(write)),
    })),
  )

const write = ({ metric, labels, value }: Sample): string =>
  [seriesText(metric.name, metric.labels, labels), numberText(value)].join(' ')

/** In the order of the series; of two lines of one series the last. */
const ordered = (lines: readonly string[]): string => distinctBy(lines, seriesOf).sort().join('\n')

/** A line without its value. */
const seriesOf = (line: string): string => line.slice(0, line.lastIndexOf(' '))

async function familiesOf(groups: Iterable<Group>): Promise<Family[]> {
  const turn = turnByTurn()
  const byMetric = new Map<Metric, string[]>()
  for (const group of groups) {
    for (const { metric, lines } of piecesIn(group)) {
      const own = byMetric.get(metric)
      if (own) own.push(lines)
      else byMetric.set(metric, [lines])
    }
    const next = turn()
    if (next) await next
  }
  const families: Family[] = []
  for (const [metric, pieces] of [...byMetric].sort(([a], [b]) => rankOf(a) - rankOf(b))) {
    families.push({ ...metric, lines: inOrder(pieces) })
    const next = turn()
    if (next) await next
  }
  return families
}

/** Pieces that do not overlap, such as those of two checks, only have to be sorted. */
function inOrder(pieces: readonly string[]): string[] {
  const sorted = pieces.toSorted()
  const isApart = sorted.every((piece, i) => i === 0 || isAfter(piece, sorted[i - 1] ?? ''))
  return isApart ? sorted : [ordered(pieces.join('\n').split('\n'))]
}

function isAfter(piece: string, before: string): boolean {
  const last = before.slice(before.lastIndexOf('\n') + 1)
  return last < piece && !piece.startsWith(`${seriesOf(last)} `)
}

const order = new Map(catalogue.flatMap(group => group.metrics).map((metric, index) => [metric.name, index]))
const rankOf = ({ name }: Metric): number => order.get(name) ?? order.size

function headOf({ name, help, type }: Family, format: Format): [string, string] {
  const own = format === 'openmetrics' && type === 'counter' ? name.replace(/_total$/, '') : name
  // OpenMetrics wants quotes in HELP escaped, and Prometheus text does not.
  return [`# HELP ${own} ${help.replaceAll('"', "'")}`, `# TYPE ${own} ${type}`]
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
