/** What Grafana makes of a panel, as far as that can be said without one: its queries, names and texts. */
import { MappingType, SpecialValueMatch, type Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import type { Prometheus, Series } from '../servers/prometheus.ts'
import { mappingsOf, type Place } from './model.ts'

/** Every variable is at All, and the time range is the last minute. */
const rangeSeconds = 60
const stepSeconds = 1

/** The expression as it is sent: https://grafana.com/docs/grafana/latest/dashboards/variables/add-template-variables */
export const substituted = ({ expr, dashboard }: Place): string => {
  const globals = { __rate_interval: '10s', __interval: `${stepSeconds}s`, __range: `${rangeSeconds}s` }
  const own = dashboard.templating.list.map(({ name, allValue = '' }) => [name, allValue] as const)
  const values = new Map([...Object.entries(globals), ...own])
  return expr.replace(/\$([a-z_]\w*)/g, (whole, name: string) => values.get(name) ?? whole)
}

/** The series a query of a panel, an annotation or a variable gives now. */
export function ask(prometheus: Prometheus, place: Place): Promise<readonly Series[]> {
  const expr = substituted(place)
  const isRange = place.target
    ? place.target.range === true
    : place.dashboard.annotations.list.some(one => one.expr === place.expr)
  if (!isRange) return prometheus.query(expr)
  const end = Date.now() / 1000
  return prometheus.queryRange(expr, { start: end - rangeSeconds, end, step: stepSeconds })
}

/** `{{target}} → {{node}}` of a series; a label that is not there is empty. */
export const nameOf = (format: string, { metric }: Series): string =>
  format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label: string) => metric[label] ?? '')

/** What a tile says of a value, or of none: the first mapping that fits, else the number. */
function textOf(panel: Panel, value: number | null): string {
  for (const { type, options } of mappingsOf(panel)) {
    if (type === MappingType.ValueToText && value !== null) {
      const { text } = options[String(value)] ?? {}
      if (text !== undefined) return text
    }
    if (type === MappingType.RangeToText && value !== null) {
      const { from, to, result } = options
      if (value >= (from ?? -Infinity) && value <= (to ?? Infinity)) return result.text ?? ''
    }
    if (type === MappingType.SpecialValue && options.match === SpecialValueMatch.Null && value === null)
      return options.result.text ?? ''
  }
  return value === null ? (panel.fieldConfig?.defaults.noValue ?? '') : String(value)
}

/** The tiles of a stat panel: texts by names. A panel without data has one tile, of no name. */
export function tiles(panel: Panel, format: string, series: readonly Series[]): Readonly<Record<string, string>> {
  if (series.length === 0) return { '': textOf(panel, null) }
  return Object.fromEntries(series.map(one => [nameOf(format, one), textOf(panel, Number(one.value?.[1]))]))
}
