import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog'
import {
  TableCellBackgroundDisplayMode,
  TableCellDisplayMode,
  TableSortByFieldStateBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import {
  FieldColorModeId,
  ThresholdsMode,
  type DynamicConfigValue,
  type Panel,
  type ValueMapping,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/table'
import { bare, type Vector } from './promql.ts'
import { colour, dataLink, datasource, stepsOf, thresholds, type Steps } from './query.ts'
import { mappingsOf, type States } from './states.ts'

/** How the cells of a column look. */
interface Look {
  readonly unit?: string
  readonly decimals?: number
  /** In pixels. */
  readonly width?: number
  /** Values as words, on their colour. */
  readonly states?: States
  readonly mappings?: readonly ValueMapping[]
  /** What stands for no value, with states: `unknown`, unless it is said. */
  readonly missing?: string
  /** From a value on, a colour. */
  readonly steps?: Steps
  /** An address; `${__value.raw}` is the cell. */
  readonly url?: string
  readonly wrap?: boolean
}

/** A label of the rows. */
interface LabelColumn<L extends string> extends Look {
  readonly label: L
  readonly title: string
}
/** A number of each row. */
interface ValueColumn<L extends string> extends Look {
  readonly value: Vector<L>
  readonly title: string
}

interface TableSpec<L extends string> {
  readonly title: string
  readonly description: string
  readonly noValue: string
  /** What tells the rows apart, in the order in which it is shown. */
  readonly labels: readonly LabelColumn<NoInfer<L>>[]
  /** The first has a value for every row; a row that lacks another one has an empty cell. */
  readonly values: readonly ValueColumn<L>[]
  /** Whether the numbers come before the labels. */
  readonly valuesFirst?: boolean
  /** The column the rows are sorted by: the first one, unless it is said. */
  readonly sortBy?: { readonly title: string; readonly desc: boolean }
}

/** A row for each set of labels, as it is now. */
export function table<L extends string>(spec: TableSpec<L>): Panel {
  const { values, labels } = spec
  const columns = spec.valuesFirst ? [...values, ...labels] : [...labels, ...values]
  const fields = columns.map(column => ('label' in column ? column.label : fieldOf(values, column)))
  // Grafana calls the values `Value` where only one of several queries has any: that is the first, then.
  const only = values.length > 1 && values[0] ? { Value: values[0].title } : {}
  const sortBy = spec.sortBy ?? { title: columns[0]?.title ?? '', desc: false }
  const hidden = [...new Set(values.flatMap(({ value }) => value.labels))].filter(label => !fields.includes(label))
  const builder = new PanelBuilder()
    .title(spec.title)
    .description(spec.description)
    .datasource(datasource)
    .targets(values.map(({ value }, index) => target(value, index)))
    .unit('none')
    .noValue(spec.noValue)
    .colorScheme(colour(FieldColorModeId.Thresholds))
    .thresholds(thresholds([[null, 'none']]))
    .showHeader(true)
    .sortBy([new TableSortByFieldStateBuilder().displayName(sortBy.title).desc(sortBy.desc)])
    .transformations([
      ...(values.length > 1 ? [{ id: 'merge', options: {} }] : []),
      {
        id: 'organize',
        options: {
          excludeByName: Object.fromEntries(['Time', ...hidden].map(name => [name, true])),
          indexByName: Object.fromEntries(fields.map((name, index) => [name, index])),
          renameByName: {
            ...only,
            ...Object.fromEntries(fields.map((name, index) => [name, columns[index]?.title ?? name])),
          },
        },
      },
    ])
  for (const column of columns) {
    const properties = propertiesOf(column)
    if (properties.length > 0) builder.overrideByName(column.title, properties)
  }
  return builder.build()
}

const refId = (index: number): string => String.fromCharCode(65 + index)

/** What Grafana calls the values of a query, before they are renamed. */
const fieldOf = (values: readonly unknown[], column: unknown): string =>
  values.length > 1 ? `Value #${refId(values.indexOf(column))}` : 'Value'

const target = (value: Vector, index: number): Builder<Dataquery> =>
  new DataqueryBuilder()
    .datasource(datasource)
    .expr(bare(value))
    .format(PromQueryFormat.Table)
    .instant()
    .refId(refId(index))

function propertiesOf({
  unit,
  decimals,
  width,
  states,
  mappings,
  missing,
  steps,
  url,
  wrap,
}: Look): DynamicConfigValue[] {
  const coloured = states ?? mappings ?? steps
  const cell = coloured
    ? { type: TableCellDisplayMode.ColorBackground, mode: TableCellBackgroundDisplayMode.Basic }
    : wrap
      ? { type: TableCellDisplayMode.Auto, wrapText: true }
      : undefined
  const absolute = steps && { mode: ThresholdsMode.Absolute, steps: stepsOf(steps) }
  const mapped = [...(mappings ?? []), ...(states ? mappingsOf(states, missing ?? 'unknown') : [])]
  const properties: Readonly<Record<string, unknown>> = {
    unit,
    decimals,
    'custom.width': width,
    mappings: mapped.length > 0 ? mapped : undefined,
    thresholds: absolute,
    'custom.cellOptions': cell,
    links: url === undefined ? undefined : [dataLink('Runbook', url)],
  }
  return Object.entries(properties).flatMap(([id, value]) => (value === undefined ? [] : [{ id, value }]))
}
