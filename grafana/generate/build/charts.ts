import {
  AxisPlacement,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  LineInterpolation,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import { FieldColorModeId, type Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import { PanelBuilder as TimelineBuilder } from '@grafana/grafana-foundation-sdk/statetimeline'
import { PanelBuilder as SeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import { colour, datasource, targetsOf, thresholds, type Common, type Query, type Steps } from './query.ts'
import { colours, mappingsOf, type States } from './states.ts'

interface TimelineSpec extends Common {
  readonly query: Query
  readonly states: States
  /** How much of its line a bar takes, 0 to 1. */
  readonly rowHeight?: number
}

/** A line for each series, its state over time as coloured bars. */
export const timeline = (spec: TimelineSpec): Panel =>
  new TimelineBuilder()
    .title(spec.title)
    .description(spec.description)
    .datasource(datasource)
    .targets(targetsOf([spec.query], 'range'))
    .unit('none')
    .noValue(spec.noValue)
    .mappings(mappingsOf(spec.states, spec.noValue))
    // Merged bars take their text from the thresholds where the colour does, and not from the mappings (grafana#71804).
    .colorScheme(colour(FieldColorModeId.Fixed, colours.none))
    .mergeValues(true)
    .showValue(VisibilityMode.Auto)
    .rowHeight(spec.rowHeight ?? 0.85)
    .fillOpacity(85)
    .lineWidth(0)
    .legend(legendBelow())
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Single).sort(SortOrder.None))
    .build()

interface SeriesSpec extends Common {
  readonly queries: readonly Query[]
  readonly unit: string
  readonly decimals?: number
  readonly max?: number
  /** Drawn as lines. */
  readonly steps?: Steps
  readonly stacked?: boolean
  /** For what jumps from one value to the next, and has nothing between. */
  readonly stepped?: boolean
}

/** Lines over time. */
export function lines(spec: SeriesSpec): Panel {
  const builder = new SeriesBuilder()
    .title(spec.title)
    .description(spec.description)
    .datasource(datasource)
    .targets(targetsOf(spec.queries, 'range'))
    .unit(spec.unit)
    .noValue(spec.noValue)
    .min(0)
    .colorScheme(colour(FieldColorModeId.PaletteClassicByName))
    .lineWidth(2)
    .fillOpacity(spec.stacked ? 30 : 8)
    .lineInterpolation(spec.stepped ? LineInterpolation.StepAfter : LineInterpolation.Linear)
    .showPoints(VisibilityMode.Auto)
    .spanNulls(false)
    .axisPlacement(AxisPlacement.Auto)
    .legend(legendBelow())
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
    .thresholds(thresholds(spec.steps ?? [[null, 'none']]))
  if (spec.steps) builder.thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed))
  if (spec.stacked) builder.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'))
  if (spec.decimals !== undefined) builder.decimals(spec.decimals)
  if (spec.max !== undefined) builder.max(spec.max)
  return builder.build()
}

const legendBelow = (): VizLegendOptionsBuilder =>
  new VizLegendOptionsBuilder()
    .showLegend(true)
    .displayMode(LegendDisplayMode.List)
    .placement(LegendPlacement.Bottom)
    .calcs([])
