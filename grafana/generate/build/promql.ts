import type { Metric } from '../../../src/core/metric.ts'

/** A PromQL expression whose value is a vector, and the labels its series can have. It needs no parentheses around it. */
export interface Vector<L extends string = string> {
  readonly promql: string
  readonly labels: readonly L[]
}

/** A vector that a range can be put behind. */
interface Selector<L extends string = string> extends Vector<L> {
  readonly selector: true
}

/** The labels Prometheus attaches to every series that it scrapes. */
const attached = ['job', 'instance'] as const
type Attached = (typeof attached)[number]

/** What a label has to be: a text, or what matches a regular expression. */
export type Matcher = string | { readonly matches: string }
export const matches = (regex: string): Matcher => ({ matches: regex })

type Matchers<L extends string> = Readonly<Partial<Record<L, Matcher>>>

/** The series of a metric, of the exporters chosen on the dashboard. A label the metric does not have does not compile. */
export const q = <L extends string>(metric: Metric<L>, matchers?: Matchers<NoInfer<L>>): Selector<L | Attached> =>
  select(metric, { job: matches('$job'), instance: matches('$instance'), ...matchers })

/** The series of a metric, of all exporters. */
export const series = <L extends string>(
  metric: Metric<L>,
  matchers?: Matchers<NoInfer<L> | Attached>,
): Selector<L | Attached> => select(metric, { ...matchers })

function select<L extends string>(
  { name, labels }: Metric<L>,
  matchers: Readonly<Record<string, Matcher | undefined>>,
): Selector<L | Attached> {
  const text = Object.entries(matchers).flatMap(([label, matcher]) =>
    matcher === undefined
      ? []
      : [typeof matcher === 'string' ? `${label}="${matcher}"` : `${label}=~"${matcher.matches}"`],
  )
  return {
    promql: text.length > 0 ? `${name}{${text.join(', ')}}` : name,
    labels: [...labels, ...attached],
    selector: true,
  }
}

type Aggregation = 'max' | 'min' | 'sum' | 'count'

/** `max by (…) (…)`: over the replicas of the exporter, and whatever else is not named. */
export const by = <L extends string, const By extends L>(
  how: Aggregation,
  labels: readonly By[],
  of: Vector<L>,
): Vector<By> => ({
  promql: labels.length > 0 ? `${how} by (${labels.join(', ')}) (${bare(of)})` : `${how}(${bare(of)})`,
  labels,
})

/** What a counter grew by, per second or altogether. */
export const rate = <L extends string>(of: Selector<L>): Vector<L> => over('rate', of, '$__rate_interval')
export const increase = <L extends string>(of: Selector<L>, range: string): Vector<L> => over('increase', of, range)

/** A function over a range: `30d` of a selector, `30d:15s` of any vector. */
export const over = <L extends string>(fn: string, of: Vector<L>, range: string): Vector<L> => ({
  promql: `${fn}(${of.promql}[${range}])`,
  labels: of.labels,
})

/** A function of each value. */
export const each = <L extends string>(fn: string, of: Vector<L>, ...more: readonly number[]): Vector<L> => ({
  promql: `${fn}(${[bare(of), ...more].join(', ')})`,
  labels: of.labels,
})

/** Arithmetic and comparison of vectors with the same labels, and of numbers: calc`${used} / ${limit}`. */
export const calc = <L extends string>(
  text: TemplateStringsArray,
  ...parts: readonly (Vector<L> | number)[]
): Vector<L> => ({
  promql: `(${String.raw({ raw: text }, ...parts.map(part => (typeof part === 'number' ? part : part.promql)))})`,
  labels: parts.flatMap(part => (typeof part === 'number' ? [] : part.labels)),
})

/** A number for every series. */
export const constant = <L extends string>(of: Vector<L>, value: number): Vector<L> =>
  value === 0 ? calc`${of} * 0` : calc`${of} * 0 + ${value}`

type On<A extends string, B extends string> = readonly (A & B)[]
const onText = (on: readonly string[] | undefined): string => (on === undefined ? '' : ` on (${on.join(', ')})`)

/** The first, and the series of the second that have no counterpart in it. */
export const or = <A extends string, B extends string>(
  first: Vector<A>,
  second: Vector<B>,
  on?: On<NoInfer<A>, NoInfer<B>>,
): Vector<A | B> => ({
  promql: `(${bare(first)}\nor${onText(on)} ${bare(second)})`,
  labels: [...first.labels, ...second.labels],
})
export const union = <L extends string>(...[first, ...others]: readonly [Vector<L>, ...Vector<L>[]]): Vector<L> =>
  others.reduce<Vector<L>>((all, one) => or(all, one), first)

/** The series of the first that have a counterpart in the second, or that have none. */
export const and = <A extends string, B extends string>(first: Vector<A>, second: Vector<B>, on: On<A, B>): Vector<A> =>
  paired('and', first, second, on)
export const unless = <A extends string, B extends string>(
  first: Vector<A>,
  second: Vector<B>,
  on: On<A, B>,
): Vector<A> => paired('unless', first, second, on)
const paired = <A extends string>(
  word: string,
  first: Vector<A>,
  second: Vector,
  on: readonly string[],
): Vector<A> => ({
  promql: `(${first.promql} ${word}${onText(on)} ${second.promql})`,
  labels: first.labels,
})

/** Each series of the first with the value, and the labels named, of its one counterpart in the second. */
export const join = <A extends string, B extends string, const Taken extends B = never>(
  operator: '*' | '+',
  first: Vector<A>,
  second: Vector<B>,
  on: On<NoInfer<A>, NoInfer<B>>,
  taken: readonly Taken[] = [],
): Vector<A | Taken> => ({
  promql: `(${first.promql} ${operator}${onText(on)} group_left (${taken.join(', ')}) ${second.promql})`,
  labels: [...first.labels, ...taken],
})

/** Sets a label to a text. */
export const labelled = <L extends string, const Name extends string>(
  of: Vector<L>,
  name: Name,
  text: string,
): Vector<L | Name> => replaced(of, name, text, '', '')
/** Copies a label. */
export const copied = <L extends string, const Name extends string>(
  of: Vector<L>,
  name: Name,
  from: NoInfer<L>,
): Vector<L | Name> => replaced(of, name, '$1', from, '(.*)')
const replaced = <L extends string, Name extends string>(
  of: Vector<L>,
  name: Name,
  text: string,
  from: string,
  regex: string,
): Vector<L | Name> => ({
  promql: `label_replace(${bare(of)}, "${name}", "${text}", "${from}", "${regex}")`,
  labels: [...of.labels, name],
})

/** The text without the parentheses around all of it. */
export function bare({ promql }: Vector): string {
  if (!promql.startsWith('(')) return promql
  let depth = 0
  for (let at = 0; at < promql.length; at += 1) {
    if (promql[at] === '(') depth += 1
    if (promql[at] === ')') depth -= 1
    if (depth === 0) return at === promql.length - 1 ? promql.slice(1, -1) : promql
  }
  return promql
}
