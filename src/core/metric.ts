/** A metric is data: it is named here once, and documented, rendered and checked from this. */
export interface Metric<Label extends string = string> {
  readonly name: string
  readonly help: string
  readonly type: 'gauge' | 'counter'
  readonly labels: readonly Label[]
}

/** One value of one series. */
export interface Sample {
  readonly metric: Metric
  readonly value: number
  readonly labels: Readonly<Record<string, string>>
}

export const gauge = <const Label extends string = never>(
  name: `mailpath_${string}`,
  help: string,
  labels: readonly Label[] = [],
): Metric<Label> => ({ name, help, type: 'gauge', labels })

export const counter = <const Label extends string = never>(
  name: `mailpath_${string}_total`,
  help: string,
  labels: readonly Label[] = [],
): Metric<Label> => ({ name, help, type: 'counter', labels })

/**
 * A sample of a metric, or none: what is not known is an absent sample, never 0, -1 or NaN.
 * The labels must be exactly those of the metric, or it does not compile.
 */
export function sample<Label extends string>(
  metric: Metric<Label>,
  value: number | boolean | undefined,
  labels: Readonly<Record<NoInfer<Label>, string>>,
): Sample[] {
  if (value === undefined || Number.isNaN(value)) return []
  return [{ metric, value: Number(value), labels: like(labels) }]
}

/**
 * A one-hot state set: a sample for every state, 1 for the current one. All states are there, so that
 * `== 0` and `changes()` work in PromQL; none is there while the state is unknown.
 */
export function stateSet<Label extends string, State extends string>(
  metric: Metric<Label>,
  stateLabel: NoInfer<Label>,
  states: readonly State[],
  current: State | undefined,
  labels: Readonly<Record<string, string>>,
): Sample[] {
  if (current === undefined) return []
  return states.map(state => {
    const own = like(labels)
    own[stateLabel] = state
    return { metric, value: Number(state === current), labels: own }
  })
}

/** A copy. An object that is spread into another has a hidden class of its own, which takes more memory than itself. */
function like(labels: Readonly<Record<string, string>>): Record<string, string> {
  const own: Record<string, string> = {}
  for (const label of Object.keys(labels)) own[label] = labels[label] ?? ''
  return own
}
