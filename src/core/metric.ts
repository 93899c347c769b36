/** A metric as data: named once here, and documented, rendered and checked from this. */
export interface Metric<Label extends string = string, Name extends string = string> {
  readonly name: Name
  readonly help: string
  readonly type: 'gauge' | 'counter'
  readonly labels: readonly Label[]
  /** A counter whose series begin with their first event, and not at 0. In OpenMetrics they say since when they count. */
  readonly bornLate?: true
}

/** One value of one series. `Name` names its metric, so a probe cannot give a sample of another probe's metric. */
export interface Sample<Name extends string = string> {
  readonly metric: Metric<string, Name>
  readonly value: number
  readonly labels: Readonly<Record<string, string>>
}

/** Exactly these labels. An object with a label too many does not compile, not even through a variable. */
type Exactly<Label extends string, Given> = Given &
  Readonly<Record<Label, string>> & { readonly [Surplus in Exclude<keyof Given, Label>]: never }

export const gauge = <const Name extends `mailpath_${string}`, const Label extends string = never>(
  name: Name,
  help: string,
  labels: readonly Label[] = [],
): Metric<Label, Name> => ({ name, help, type: 'gauge', labels })

export const counter = <const Name extends `mailpath_${string}_total`, const Label extends string = never>(
  name: Name,
  help: string,
  labels: readonly Label[] = [],
): Metric<Label, Name> => ({ name, help, type: 'counter', labels })

/** The same counter, its series being born late. */
export const bornLate = <M extends Metric>(metric: M): M => ({ ...metric, bornLate: true })

/** A sample of a metric; none for an unknown value, never 0, -1 or NaN. Other labels do not compile. */
export function sample<Label extends string, Name extends string, Given>(
  metric: Metric<Label, Name>,
  value: number | boolean | undefined,
  labels: Exactly<NoInfer<Label>, Given>,
): Sample<Name>[] {
  if (value === undefined || Number.isNaN(value)) return []
  return [sampleOf(metric, Number(value), like(labels))]
}

/**
 * A one-hot state set: a sample for every state, 1 for the current one. All states are there, so that `== 0` and
 * `changes()` work in PromQL; if the state is unknown, none is.
 */
export function stateSet<
  Label extends string,
  Name extends string,
  StateLabel extends Label,
  State extends string,
  Given,
>(
  metric: Metric<Label, Name>,
  stateLabel: StateLabel,
  states: readonly State[],
  current: State | undefined,
  labels: Exactly<Exclude<Label, StateLabel>, Given>,
): Sample<Name>[] {
  if (current === undefined) return []
  return states.map(state => {
    const own = like(labels)
    own[stateLabel] = state
    return sampleOf(metric, Number(state === current), own)
  })
}

/** Throws if the labels are not those of the metric: code got past the types, and a label would be lost. */
function sampleOf<Name extends string>(
  metric: Metric<string, Name>,
  value: number,
  labels: Readonly<Record<string, string>>,
): Sample<Name> {
  const given = Object.keys(labels)
  if (given.length !== metric.labels.length || !given.every(label => metric.labels.includes(label)))
    throw new Error(`${metric.name} has the labels (${metric.labels.join()}), and was given (${given.join()})`)
  return { metric, value, labels }
}

/** Copies the labels. An object made by spreading has a hidden class of its own, which takes more memory. */
function like(labels: Readonly<Record<string, string>>): Record<string, string> {
  const own: Record<string, string> = {}
  for (const label of Object.keys(labels)) own[label] = labels[label] ?? ''
  return own
}
