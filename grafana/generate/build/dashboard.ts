import {
  DashboardCursorSync,
  RowBuilder,
  type AnnotationQuery,
  type DashboardLink,
  type Panel,
  type RowPanel,
  type VariableModel,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { annotations, links, tag, variables, type Choice } from './controls.ts'

/** The oldest Grafana the dashboards are for, and the schema it has. Newer ones migrate upwards, never downwards. */
const minimumGrafana = '10.4.0'
const schemaVersion = 39

/** Panels side by side; their widths add up to 24. */
interface Band {
  readonly height: number
  readonly panels: readonly (readonly [width: number, panel: Panel])[]
}
interface Row {
  /** None above the first bands. */
  readonly title?: string
  readonly bands: readonly Band[]
}

interface DashboardSpec {
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly choices?: readonly Choice[]
  readonly rows: readonly Row[]
}

/** What is written to a file: a dashboard of the classic schema, the one every Grafana can be provisioned with. */
export interface DashboardFile {
  readonly __requires: readonly Requirement[]
  readonly id: null
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly tags: readonly string[]
  readonly editable: boolean
  readonly schemaVersion: number
  readonly time: { readonly from: string; readonly to: string }
  readonly refresh: string
  readonly timezone: string
  readonly graphTooltip: DashboardCursorSync
  readonly links: readonly DashboardLink[]
  readonly annotations: { readonly list: readonly AnnotationQuery[] }
  readonly templating: { readonly list: readonly VariableModel[] }
  readonly panels: readonly (Panel | RowPanel)[]
}

/** What a Grafana has to have to show it. */
interface Requirement {
  readonly type: string
  readonly id: string
  readonly name: string
  readonly version: string
}

export function dashboard({ uid, title, description, choices = [], rows }: DashboardSpec): DashboardFile {
  const panels = layOut(rows)
  return {
    __requires: requirements(panels),
    id: null,
    uid,
    title,
    description: `${description} For Grafana ${minimumGrafana} or newer.`,
    tags: [tag],
    editable: false,
    schemaVersion,
    time: { from: 'now-6h', to: 'now' },
    refresh: '30s',
    timezone: 'browser',
    graphTooltip: DashboardCursorSync.Crosshair,
    links: links(),
    annotations: { list: annotations() },
    templating: { list: variables(choices) },
    panels,
  }
}

/** Gives every panel an id and a place, in reading order. */
function layOut(rows: readonly Row[]): (Panel | RowPanel)[] {
  const placed: (Panel | RowPanel)[] = []
  let y = 0
  for (const { title, bands } of rows) {
    if (title !== undefined) {
      const row = new RowBuilder(title).gridPos({ x: 0, y, w: 24, h: 1 }).id(placed.length + 1)
      placed.push(row.build())
      y += 1
    }
    for (const { height, panels } of bands) {
      let x = 0
      for (const [width, panel] of panels) {
        placed.push({ ...panel, id: placed.length + 1, gridPos: { x, y, w: width, h: height } })
        x += width
      }
      y += height
    }
  }
  return placed
}

const pluginNames: Readonly<Record<string, string>> = {
  stat: 'Stat',
  'state-timeline': 'State timeline',
  table: 'Table',
  timeseries: 'Time series',
}

const requirements = (panels: readonly (Panel | RowPanel)[]): Requirement[] => [
  { type: 'grafana', id: 'grafana', name: 'Grafana', version: minimumGrafana },
  { type: 'datasource', id: 'prometheus', name: 'Prometheus', version: '1.0.0' },
  ...Object.entries(pluginNames)
    .filter(([id]) => panels.some(panel => panel.type === id))
    .map(([id, name]) => ({ type: 'panel', id, name, version: '' })),
]
