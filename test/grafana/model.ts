/** The dashboards as Grafana reads them: what is committed is the same, as one of the tests has it. */
import { VariableType, type Panel, type RowPanel, type ValueMapping } from '@grafana/grafana-foundation-sdk/dashboard'
import type { Dataquery } from '@grafana/grafana-foundation-sdk/prometheus'
import type { DashboardFile } from '../../grafana/generate/build/dashboard.ts'
import { dashboards } from '../../grafana/generate/dashboards.ts'

export interface Loaded {
  readonly dashboard: DashboardFile
  readonly text: string
}

export const loaded: readonly Loaded[] = dashboards.map(dashboard => {
  const text = JSON.stringify(dashboard, null, 2)
  return { text, dashboard: JSON.parse(text) as DashboardFile }
})

const isRow = (panel: Panel | RowPanel): panel is RowPanel => panel.type === 'row'

/** The panels that show something: all but the titles of rows. */
export const panelsOf = ({ panels }: DashboardFile): Panel[] => panels.filter((panel): panel is Panel => !isRow(panel))

export const targetsOf = (panel: Panel): Dataquery[] => (panel.targets ?? []) as Dataquery[]

/** One query, wherever it stands. */
export interface Place {
  /** Such as `mailpath-overview: Reasons A`. */
  readonly where: string
  readonly expr: string
  readonly dashboard: DashboardFile
  /** None for an annotation or a variable. */
  readonly panel?: Panel
  readonly target?: Dataquery
}

/** Every query of panels. */
export const panelQueries: readonly Place[] = loaded.flatMap(({ dashboard }) =>
  panelsOf(dashboard).flatMap(panel =>
    targetsOf(panel).map(target => ({
      where: `${dashboard.uid}: ${panel.title ?? ''} ${target.refId ?? ''}`,
      expr: target.expr,
      dashboard,
      panel,
      target,
    })),
  ),
)

export const annotationQueries: readonly Place[] = loaded.flatMap(({ dashboard }) =>
  dashboard.annotations.list.map(({ name, expr = '' }) => ({
    where: `${dashboard.uid}: annotation ${name}`,
    expr,
    dashboard,
  })),
)

/** A variable that is a list of the values of a label. */
interface LabelValues extends Place {
  readonly label: string
}

export const variableQueries: readonly LabelValues[] = loaded.flatMap(({ dashboard }) =>
  dashboard.templating.list.flatMap(({ name, type, definition = '' }) => {
    if (type !== VariableType.Query) return []
    const [, expr = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(definition) ?? []
    return [{ where: `${dashboard.uid}: variable ${name}`, expr, label, dashboard }]
  }),
)

export const allQueries: readonly Place[] = [...panelQueries, ...annotationQueries, ...variableQueries]

/** Value mappings of a panel: its own, and those of its columns. */
export const mappingsOf = ({ fieldConfig }: Panel): ValueMapping[] => [
  ...(fieldConfig?.defaults.mappings ?? []),
  ...(fieldConfig?.overrides ?? []).flatMap(({ properties }) =>
    properties.flatMap(({ id, value }) => (id === 'mappings' ? (value as ValueMapping[]) : [])),
  ),
]

/** The labels a format such as `{{target}}: {{step}}` names. */
export const labelsIn = (format: string): string[] =>
  [...format.matchAll(/\{\{\s*(\w+)\s*\}\}/g)].map(([, label = '']) => label)

/** The labels a table shows as columns, by its transformation. */
export function columnsOf(panel: Panel | undefined): string[] {
  const options = panel?.transformations?.find(({ id }) => id === 'organize')?.options as
    { readonly indexByName: Readonly<Record<string, number>> } | undefined
  return Object.keys(options?.indexByName ?? {}).filter(name => !name.startsWith('Value'))
}
