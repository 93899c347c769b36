/**
 * The rules of grafana/dashboard-linter (docs/index.md and lint/rule_*.go there), as tests: it is no package that npm
 * could install. Those about Loki are left out.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync, copyFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { VariableType } from '@grafana/grafana-foundation-sdk/dashboard'
import * as units from '@grafana/grafana-foundation-sdk/units'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { have, runProcess } from '../servers/processes.ts'
import { labelsIn, loaded, panelsOf, targetsOf, type Loaded } from './model.ts'
import { selectorsIn, syntaxErrors, withTimes } from './promql.ts'

type Dashboard = Loaded['dashboard']
interface Finding {
  readonly rule: string
  readonly dashboard: string
  readonly panel?: string
  readonly text: string
}
type Complaint = readonly [panel: string | undefined, text: string]

const variable = ({ templating }: Dashboard, name: string) => templating.list.find(one => one.name === name)
const queryText = (query: unknown): string =>
  typeof query === 'string' ? query : ((query as { readonly query?: string } | undefined)?.query ?? '')

const exporterVariable =
  (name: 'job' | 'instance', label: string) =>
  (dashboard: Dashboard): Complaint[] => {
    const found = variable(dashboard, name)
    const good =
      found !== undefined &&
      found.type === VariableType.Query &&
      found.label === label &&
      found.datasource?.uid === '${datasource}' &&
      found.multi === true &&
      found.allValue === '.+'
    return good ? [] : [[undefined, JSON.stringify(found)]]
  }

/** A complaint for each panel, or target, that the rule does not like. */
const eachPanel = (bad: (panel: ReturnType<typeof panelsOf>[number]) => string | undefined) => (dashboard: Dashboard) =>
  panelsOf(dashboard).flatMap((panel): Complaint[] => {
    const text = bad(panel)
    return text === undefined ? [] : [[panel.title, text]]
  })
const eachTarget = (bad: (expr: string) => string | undefined) =>
  eachPanel(panel =>
    targetsOf(panel)
      .map(({ expr }) => bad(expr))
      .find(text => text !== undefined),
  )

const matcherMissing = (label: 'job' | 'instance') =>
  eachTarget(expr =>
    selectorsIn(withTimes(expr))
      .filter(
        ({ matchers }) => !matchers.some(one => one.label === label && one.op === '=~' && one.value === `$${label}`),
      )
      .map(({ metric }) => metric)
      .at(0),
  )

const validUnits: ReadonlySet<unknown> = new Set(Object.values(units))

const rules: Readonly<Record<string, (dashboard: Dashboard) => Complaint[]>> = {
  'template-datasource-rule': dashboard => {
    const sources = dashboard.templating.list.filter(({ type }) => type === VariableType.Datasource)
    const [source] = sources
    const good = sources.length === 1 && source?.name === 'datasource' && source.label === 'Data source'
    return good && source.query === 'prometheus' ? [] : [[undefined, JSON.stringify(sources)]]
  },
  'template-job-rule': exporterVariable('job', 'Job'),
  'template-instance-rule': exporterVariable('instance', 'Instance'),
  'template-label-promql-rule': dashboard =>
    dashboard.templating.list.flatMap(({ type, name, query }): Complaint[] => {
      if (type !== VariableType.Query) return []
      const [, call = '', expr = ''] = /^([a-z_]+)\((.+)\)$/.exec(queryText(query)) ?? []
      const selector = expr.replace(/, \w+$/, '')
      return call === 'label_values' && syntaxErrors(selector).length === 0
        ? []
        : [[undefined, `${name}: ${queryText(query)}`]]
    }),
  'template-on-time-change-reload-rule': dashboard =>
    dashboard.templating.list.flatMap(({ type, name, refresh }): Complaint[] =>
      type === VariableType.Query && Number(refresh) !== 2 ? [[undefined, name]] : [],
    ),
  'panel-datasource-rule': eachPanel(({ datasource }) =>
    datasource?.uid === '${datasource}' ? undefined : JSON.stringify(datasource),
  ),
  'panel-title-description-rule': eachPanel(({ title = '', description = '' }) =>
    title === '' || description === '' ? 'no title, or no description' : undefined,
  ),
  'panel-units-rule': eachPanel(panel => {
    const { defaults, overrides = [] } = panel.fieldConfig ?? {}
    const own = overrides.flatMap(({ properties }) =>
      properties.filter(({ id }) => id === 'unit').map(one => String(one.value)),
    )
    const bad = [defaults?.unit ?? '', ...own].filter(unit => !validUnits.has(unit))
    return bad.length === 0 ? undefined : bad.join()
  }),
  'panel-no-targets-rule': eachPanel(panel => (targetsOf(panel).length > 0 ? undefined : 'no targets')),
  'target-promql-rule': eachTarget(expr => (expr === '' ? 'empty' : syntaxErrors(withTimes(expr)).at(0))),
  'target-rate-interval-rule': eachTarget(expr =>
    selectorsIn(expr.replaceAll('$__rate_interval', '7m').replaceAll('$__range', '5m'))
      .filter(({ rangeFunction = '', range }) => ['rate', 'irate'].includes(rangeFunction) && range !== '7m')
      .map(({ metric }) => metric)
      .at(0),
  ),
  'target-job-rule': matcherMissing('job'),
  'target-instance-rule': matcherMissing('instance'),
  'target-counter-agg-rule': eachTarget(expr =>
    selectorsIn(withTimes(expr))
      .filter(
        ({ metric, rangeFunction = '' }) =>
          metric.endsWith('_total') && !['rate', 'irate', 'increase'].includes(rangeFunction),
      )
      .map(({ metric }) => metric)
      .at(0),
  ),
  'uneditable-dashboard-rule': ({ editable }) => (editable ? [[undefined, 'editable']] : []),
}

interface Exceptions {
  readonly exclusions: Readonly<
    Record<
      string,
      { readonly reason: string; readonly entries: readonly { readonly dashboard: string; readonly panel: string }[] }
    >
  >
}
const exceptionsFile = fileURLToPath(new URL('../../grafana/dashboards/.lint', import.meta.url))
const { exclusions } = parse(readFileSync(exceptionsFile, 'utf8')) as Exceptions

const found: readonly Finding[] = Object.entries(rules).flatMap(([rule, check]) =>
  loaded.flatMap(({ dashboard }) =>
    check(dashboard).map(([panel, text]) => ({
      rule,
      dashboard: dashboard.title,
      text,
      ...(panel !== undefined && { panel }),
    })),
  ),
)
const isExcused = ({ rule, dashboard, panel }: Finding): boolean =>
  exclusions[rule]?.entries.some(entry => entry.dashboard === dashboard && entry.panel === panel) ?? false

describe("the rules of Grafana's dashboard-linter", () => {
  it.each(Object.keys(rules))('%s', rule => {
    expect(found.filter(finding => finding.rule === rule && !isExcused(finding))).toEqual([])
  })

  it('are broken only where they have to be, with a reason', () => {
    for (const [rule, { reason, entries }] of Object.entries(exclusions)) {
      expect(reason).toMatch(/^.{30,}\.$/)
      for (const entry of entries) expect(found).toContainEqual(expect.objectContaining({ rule, ...entry }))
    }
  })

  it('find what is wrong', () => {
    const bad = eachTarget(expr => syntaxErrors(expr).at(0))
    const [{ dashboard }] = loaded as readonly [Loaded]
    const [panel] = panelsOf(dashboard)
    const wrong = {
      ...dashboard,
      panels: [{ ...panel, type: 'stat', targets: [{ expr: 'up{' }] }],
    } as unknown as Dashboard
    expect(bad(wrong)).toHaveLength(1)
    expect(labelsIn('{{a}} {{ b }}')).toEqual(['a', 'b'])
  })
})

const linter = have('dashboard-linter')
if (linter === undefined)
  console.warn('dashboard-linter is not installed: only its rules are tested, as they are restated here')

describe.skipIf(linter === undefined)('dashboard-linter itself', () => {
  it.each(loaded.map(({ dashboard, text }) => [dashboard.uid, text] as const))('accepts %s', async (uid, text) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'mailpath-lint-'))
    try {
      const file = path.join(folder, `${uid}.json`)
      writeFileSync(file, text)
      copyFileSync(exceptionsFile, path.join(folder, '.lint'))
      await runProcess(linter ?? '', ['lint', '--strict', file])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
