import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog'
import {
  DashboardLinkBuilder,
  FieldColorBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type AnnotationQuery,
  type DashboardLink,
  type FieldColorModeId,
  type Threshold,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus'
import { bare, type Vector } from './promql.ts'
import { colours } from './states.ts'

/** The one data source there is: what is chosen on the dashboard. */
export const datasource = { type: 'prometheus', uid: '${datasource}' } as const

/** A vector, and how each of its series is called. */
export interface Query {
  readonly promql: string
  readonly legend: string
}

/** `query(roles, label => label.target)`; a label the vector does not have does not compile. */
export const query = <L extends string>(
  of: Vector<L>,
  legend: (labels: Readonly<Record<L, string>>) => string,
): Query => ({
  promql: bare(of),
  legend: legend(Object.fromEntries(of.labels.map(label => [label, `{{${label}}}`])) as Record<L, string>),
})

export interface Common {
  readonly title: string
  readonly description: string
  /** What is shown where there is no data. */
  readonly noValue: string
}

/** From a value on, a colour; the first step is for everything below the second. */
export type Steps = readonly (readonly [from: number | null, colour: keyof typeof colours])[]
export const stepsOf = (steps: Steps): Threshold[] =>
  steps.map(([value, colour]) => ({ value, color: colours[colour] }))
export const thresholds = (steps: Steps): ThresholdsConfigBuilder =>
  new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(stepsOf(steps))

export const colour = (mode: FieldColorModeId, fixed?: string): FieldColorBuilder => {
  const builder = new FieldColorBuilder().mode(mode)
  return fixed === undefined ? builder : builder.fixedColor(fixed)
}

export const targetsOf = (queries: readonly Query[], kind: 'instant' | 'range'): Builder<Dataquery>[] =>
  queries.map(({ promql, legend }, index) => {
    const target = new DataqueryBuilder()
      .datasource(datasource)
      .expr(promql)
      .legendFormat(legend)
      .format(PromQueryFormat.TimeSeries)
      .refId(String.fromCharCode(65 + index))
    return kind === 'instant' ? target.instant() : target.range()
  })

/** Grafana 12 would put into a menu what has a placement; the SDK always gives it one. */
export function unplaced<T extends AnnotationQuery | DashboardLink>({ ...rest }: T): T {
  delete rest.placement
  return rest
}

/** A link on what is shown; `\${__value.raw}` in it is the value. */
export const dataLink = (title: string, url: string): DashboardLink =>
  unplaced(new DashboardLinkBuilder(title).url(url).build())
