import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  ReduceDataOptionsBuilder,
  VizOrientation,
  VizTextDisplayOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import {
  FieldColorModeId,
  type DashboardLink,
  type Panel,
  type ValueMapping,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { colour, dataLink, datasource, targetsOf, thresholds, type Common, type Query, type Steps } from './query.ts'
import { colours, mappingsOf, noValueMapping, type States } from './states.ts'

interface StatSpec extends Common {
  readonly query: Query
  /** Either states, or a unit and steps. */
  readonly states?: States
  readonly unit?: string
  readonly decimals?: number
  readonly steps?: Steps
  /** More than the states say: a state for a range of values. */
  readonly mappings?: readonly ValueMapping[]
  /** Tiles below one another, with the name beside the value. */
  readonly rows?: boolean
  /** Only the value: where there is but one series. */
  readonly nameless?: boolean
  /** The name above the value, which then has the whole width: the largest it can be. */
  readonly stacked?: boolean
  readonly fontSize?: { readonly name: number; readonly value: number }
  /** Tiles with a colour of their own, unless they are 0. */
  readonly named?: Readonly<Record<string, keyof typeof colours>>
  /** Dashboard that tells more. */
  readonly details?: string
}

/** A tile for each series: its state now, as a colour and a word. */
export function stat(spec: StatSpec): Panel {
  const { states = {}, mappings = [], noValue } = spec
  const builder = new PanelBuilder()
    .title(spec.title)
    .description(spec.description)
    .datasource(datasource)
    .targets(targetsOf([worstFirst(spec)], 'instant'))
    .unit(spec.unit ?? 'none')
    .noValue(noValue)
    .mappings([
      ...mappings,
      ...(Object.keys(states).length > 0 ? mappingsOf(states, noValue) : noValueMapping(noValue)),
    ])
    .thresholds(thresholds(spec.steps ?? [[null, 'none']]))
    .colorScheme(colour(FieldColorModeId.Thresholds))
    .colorMode(BigValueColorMode.Background)
    .graphMode(BigValueGraphMode.None)
    .textMode(spec.nameless ? BigValueTextMode.Value : BigValueTextMode.ValueAndName)
    .orientation(spec.rows ? VizOrientation.Horizontal : VizOrientation.Auto)
    .wideLayout(!(spec.stacked ?? false))
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).fields('').values(false))
  if (spec.decimals !== undefined) builder.decimals(spec.decimals)
  if (spec.fontSize)
    builder.text(new VizTextDisplayOptionsBuilder().titleSize(spec.fontSize.name).valueSize(spec.fontSize.value))
  for (const [name, tint] of Object.entries(spec.named ?? {}))
    builder.overrideByName(name, [{ id: 'color', value: colour(FieldColorModeId.Fixed, colours[tint]).build() }])
  if (spec.details !== undefined) builder.dataLinks([linkTo(spec.details)])
  return builder.build()
}

/** Prometheus gives the series of now in no order. */
const worstFirst = ({ query, states, nameless }: StatSpec): Query =>
  states && !nameless ? { ...query, promql: `sort_desc(${query.promql})` } : query

/** A link to another dashboard of ours, of the same time and choice. */
const linkTo = (uid: string): Builder<DashboardLink> => ({
  build: () =>
    dataLink(
      'Details',
      `/d/${uid}?\${__url_time_range}&\${datasource:queryparam}&\${job:queryparam}&\${instance:queryparam}`,
    ),
})
