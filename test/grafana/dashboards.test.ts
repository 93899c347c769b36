import { readFileSync, readdirSync } from 'node:fs'
import { MappingType, SpecialValueMatch, type Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import { format } from 'prettier'
import { Registry, collectDefaultMetrics } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import {
  authResult,
  colours,
  dmarcPolicy,
  haproxyServer,
  mtaStsMode,
  patroniRoles,
  patroniStates,
  readOnlyCauses,
  sesConfig,
  sesDkim,
  sesEnforcement,
  sesMailFrom,
  vaultStates,
  verdictCodes,
} from '../../grafana/generate/build/states.ts'
import { dashboards } from '../../grafana/generate/dashboards.ts'
import { processMetrics, recorded } from '../../grafana/generate/foreign.ts'
import { runbooks } from '../../grafana/generate/panels/alerts.ts'
import { verdicts } from '../../src/core/probe.ts'
import { serverStatuses } from '../../src/probes/haproxy/statistics.ts'
import { patroniRoles as roleNames, patroniStates as patroniStateNames } from '../../src/probes/patroni/answer.ts'
import { mtaStsModes } from '../../src/probes/dns/mta-sts/policy.ts'
import { policies } from '../../src/probes/dns/dmarc/record.ts'
import { authResults } from '../../src/probes/canary/seen.ts'
import { enforcementStates } from '../../src/probes/ses/judge-account.ts'
import { dkimStates, mailFromStates } from '../../src/probes/ses/judge-identity.ts'
import { configStates } from '../../src/probes/ses/judge-settings.ts'
import { vaultStates as vaultStateNames } from '../../src/probes/vault/observe.ts'
import { readOnlyCauses as causeNames } from '../../src/probes/write_path/judge.ts'
import {
  allQueries,
  annotationQueries,
  columnsOf,
  labelsIn,
  loaded,
  mappingsOf,
  panelQueries,
  panelsOf,
  targetsOf,
  variableQueries,
  type Place,
} from './model.ts'
import { knownMetrics, labelsOf, ownMetrics, selectorsIn, withTimes } from './promql.ts'

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')

describe('the dashboards follow from the code', () => {
  it.each(dashboards.map(dashboard => [dashboard.uid, dashboard] as const))('%s', async (uid, dashboard) => {
    const text = await format(JSON.stringify(dashboard), { parser: 'json', printWidth: 120 })
    await expect(text).toMatchFileSnapshot(`../../grafana/dashboards/${uid}.json`)
  })

  it('and there is no other file', () => {
    const files = readdirSync(new URL('../../grafana/dashboards/', import.meta.url)).filter(file =>
      file.endsWith('.json'),
    )
    expect(files.sort()).toEqual(dashboards.map(({ uid }) => `${uid}.json`).sort())
  })
})

/** What is wrong with queries, each with where it stands. */
const wrongIn = <P extends Place>(queries: readonly P[], wrong: (query: P) => readonly string[]): string[] =>
  queries.flatMap(query => wrong(query).map(text => `${query.where}: ${text}`))

describe('queries', () => {
  it('name only metrics there are, and labels these have', () => {
    const strange = wrongIn(allQueries, ({ expr }) => [
      ...selectorsIn(withTimes(expr)).flatMap(({ metric }) => (knownMetrics.has(metric) ? [] : [metric])),
      ...labelsOf(withTimes(expr)).wrong,
    ])
    expect(strange).toEqual([])
  })

  it('show only labels that the result has', () => {
    const strange = wrongIn(panelQueries, ({ expr, target, panel }) => {
      const { labels } = labelsOf(withTimes(expr))
      return [...labelsIn(target?.legendFormat ?? ''), ...columnsOf(panel)].filter(label => !labels.has(label))
    })
    expect(strange).toEqual([])
  })

  it('list labels that the metric has', () => {
    expect(wrongIn(variableQueries, ({ expr, label }) => (labelsOf(expr).labels.has(label) ? [] : [label]))).toEqual([])
    expect(variableQueries.length).toBeGreaterThanOrEqual(2 * loaded.length)
  })

  it.each([
    ['a metric there is not', 'mailpath_mail_verdicts', 0],
    ['a label the metric does not have', 'mailpath_smtp_reachable{node="a"}', 1],
    ['a grouping by such a label', 'max by (node) (mailpath_smtp_reachable)', 1],
    ['a join on such a label', 'mailpath_smtp_reachable * on (node) group_left (cipher) mailpath_smtp_tls_info', 2],
  ])('are not taken for good with %s', (_, expr, wrong) => {
    expect(selectorsIn(expr).every(({ metric }) => knownMetrics.has(metric))).toBe(wrong > 0)
    expect(labelsOf(expr).wrong).toHaveLength(wrong)
  })

  it.each(loaded.map(({ dashboard }) => [dashboard.uid, dashboard] as const))(
    '%s: use only variables that are there, and all of them',
    (_, dashboard) => {
      const named = new Set([...JSON.stringify(dashboard).matchAll(/\$\{?([a-z]\w*)/g)].map(([, name]) => name))
      expect([...named].sort()).toEqual(dashboard.templating.list.map(({ name }) => name).sort())
    },
  )

  it('say the same to old versions of Grafana and to new ones, where they are annotations', () => {
    for (const { dashboard } of loaded)
      for (const { name, expr, target, titleFormat = '', textFormat = '', tagKeys = '' } of dashboard.annotations
        .list) {
        expect(target, name).toMatchObject({ expr })
        const { labels } = labelsOf(withTimes(expr ?? ''))
        for (const label of [...labelsIn(titleFormat + textFormat), tagKeys]) expect([...labels], name).toContain(label)
      }
    expect(annotationQueries.length).toBe(2 * loaded.length)
  })

  it('use every metric of the exporter', () => {
    const used = new Set(allQueries.flatMap(({ expr }) => selectorsIn(withTimes(expr)).map(({ metric }) => metric)))
    expect([...ownMetrics.keys()].filter(name => !used.has(name))).toEqual([])
  })

  it('name only metrics of the process that prom-client has', () => {
    const registry = new Registry()
    collectDefaultMetrics({ register: registry })
    const names = registry.getMetricsAsArray().map(({ name }) => name)
    for (const { name } of Object.values(processMetrics)) expect(names).toContain(name)
  })

  it('name only recording rules that there are, and runbooks where the alerts have them', () => {
    interface Rules {
      readonly groups: readonly {
        readonly rules: readonly { record?: string; annotations?: { runbook_url: string } }[]
      }[]
    }
    const rules = (parse(read('alerts/mailpath.rules.yml')) as Rules).groups.flatMap(group => group.rules)
    for (const { name } of Object.values(recorded)) expect(rules.map(({ record }) => record)).toContain(name)
    for (const { annotations } of rules)
      if (annotations) expect(annotations.runbook_url.startsWith(`${runbooks}/`)).toBe(true)
  })
})

const everyPanel = loaded.flatMap(({ dashboard }) =>
  panelsOf(dashboard).map(panel => [`${dashboard.uid}: ${panel.title ?? ''}`, panel] as const),
)

describe('panels', () => {
  it.each(everyPanel)('%s says what it is, in which unit, and what it says without data', (_, panel) => {
    expect(panel.title).toMatch(/^\S/)
    expect(panel.description).toMatch(/^[A-Z].*\.$/s)
    expect(panel.fieldConfig?.defaults.unit).toMatch(/^\w+$/)
    expect(panel.fieldConfig?.defaults.noValue).toMatch(/^\w/)
    expect(panel.datasource).toEqual({ type: 'prometheus', uid: '${datasource}' })
    expect(targetsOf(panel).map(({ refId }) => refId)).toEqual(
      targetsOf(panel).map((__, index) => String.fromCharCode(65 + index)),
    )
    for (const target of targetsOf(panel)) expect(target.datasource).toEqual(panel.datasource)
  })

  it.each(everyPanel.filter(([, panel]) => panel.type === 'stat'))(
    '%s is of now, and never green without data',
    (_, panel) => {
      expect(targetsOf(panel).map(({ instant, range }) => [instant, range])).toEqual([[true, false]])
      expect(panel.options).toMatchObject({ reduceOptions: { calcs: ['lastNotNull'], values: false } })
      const nothing = mappingsOf(panel).find(({ type }) => type === MappingType.SpecialValue)
      const { noValue } = panel.fieldConfig?.defaults ?? {}
      expect(nothing?.options).toEqual({
        match: SpecialValueMatch.Null,
        result: { text: noValue, color: colours.none },
      })
    },
  )

  it.each(everyPanel.filter(([, panel]) => panel.type === 'state-timeline'))(
    '%s takes its texts from the mappings, and leaves gaps as gaps',
    (_, panel) => {
      // With colours by thresholds, merged bars would show the thresholds instead.
      expect(panel.fieldConfig?.defaults.color?.mode).toBe('fixed')
      expect(panel.options).toMatchObject({ mergeValues: true })
      expect(panel.fieldConfig?.defaults.custom).not.toHaveProperty('spanNulls', true)
      expect(mappingsOf(panel).length).toBeGreaterThan(0)
    },
  )

  it.each(loaded.map(({ dashboard }) => [dashboard.uid, dashboard] as const))(
    '%s: have ids and titles of their own, and do not overlap',
    (_, dashboard) => {
      const { panels } = dashboard
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
      const titles = panelsOf(dashboard).map(({ title }) => title)
      expect(new Set(titles).size).toBe(titles.length)
      const cells = panels.flatMap(({ gridPos: { x, y, w, h } = { x: 0, y: 0, w: 0, h: 0 } }) => {
        expect(w * h).toBeGreaterThan(0)
        expect(x + w).toBeLessThanOrEqual(24)
        return Array.from({ length: w * h }, (__, i) => `${x + (i % w)},${y + Math.floor(i / w)}`)
      })
      expect(new Set(cells).size).toBe(cells.length)
      // Every line is full: a hole would be a width that was counted wrongly.
      expect(cells.length % 24).toBe(0)
    },
  )
})

describe('states', () => {
  it.each([
    ['verdict', verdicts, verdictCodes],
    ['state of Vault', vaultStateNames, vaultStates],
    ['cause', causeNames, readOnlyCauses],
    ['state of the SES settings', configStates, sesConfig],
    ['result of authentication', authResults, authResult],
    ['policy of DMARC', policies, dmarcPolicy],
    ['mode of MTA-STS', mtaStsModes, mtaStsMode],
    ['status of an SES account', enforcementStates, sesEnforcement],
    ['state of DKIM', dkimStates, sesDkim],
    ['state of a MAIL FROM domain', mailFromStates, sesMailFrom],
    ['role of Patroni', roleNames, patroniRoles],
    ['state of Patroni', patroniStateNames, patroniStates],
    ['status of a server of HAProxy', serverStatuses, haproxyServer],
  ] as const)('every %s has a code, a text and a colour of its own', (_, names, states) => {
    expect(Object.keys(states).sort()).toEqual([...names].sort())
    expect(new Set(Object.values(states).map(({ code }) => code)).size).toBe(names.length)
  })

  it('have a text for every code a query can give', () => {
    const stateful = panelQueries.filter(({ panel }) => panel && textsOf(panel).length > 0)
    expect(stateful.length).toBeGreaterThan(30)
    const mute = wrongIn(stateful, ({ expr, panel }) => {
      const texts = panel ? textsOf(panel) : []
      return codesIn(expr).filter(code => !texts.includes(code))
    })
    expect(mute).toEqual([])
  })

  it('that are bad are never green', () => {
    for (const states of [
      verdictCodes,
      vaultStates,
      readOnlyCauses,
      sesConfig,
      sesEnforcement,
      sesDkim,
      sesMailFrom,
      authResult,
      dmarcPolicy,
      mtaStsMode,
      patroniRoles,
      patroniStates,
      haproxyServer,
    ])
      for (const [name, { colour }] of Object.entries(states))
        if (
          ![
            'ok',
            'active',
            'complete',
            'healthy',
            'success',
            'pass',
            'primary',
            'running',
            'UP',
            'quarantine',
            'reject',
            'enforce',
          ].includes(name)
        )
          expect(colour, name).not.toBe(colours.ok)
  })
})

/** What has a text of its own on a panel. */
const textsOf = (panel: Panel): string[] =>
  mappingsOf(panel).flatMap(({ type, options }) => (type === MappingType.ValueToText ? Object.keys(options) : []))

/** The codes a query gives to states: `…{verdict="fail"} * 3`, `… * 0 + 8`. */
const codesIn = (expr: string): string[] => [
  ...[...expr.matchAll(/"\}(?:\[\$__rate_interval\]\))?\)? \* (\d+)(?! \+)/g)].map(([, code = '']) => code),
  ...[...expr.matchAll(/ \* 0 \+ (-?\d+)/g)].map(([, code = '']) => code),
]

describe('the whole', () => {
  it('has titles and ids of its own', () => {
    for (const key of ['uid', 'title'] as const)
      expect(new Set(loaded.map(({ dashboard }) => dashboard[key])).size).toBe(loaded.length)
    for (const { dashboard } of loaded) expect(dashboard.uid).toMatch(/^mailpath-[a-z]+$/)
  })

  it('leads from each dashboard to the others, with time and choice', () => {
    for (const { dashboard } of loaded) {
      const [link] = dashboard.links
      expect(link).toMatchObject({ type: 'dashboards', asDropdown: true, keepTime: true, includeVars: true })
      for (const tag of link?.tags ?? []) for (const other of loaded) expect(other.dashboard.tags).toContain(tag)
    }
  })

  it('hides no link and no annotation in a menu', () => {
    for (const { text } of loaded) expect(text).not.toContain('inControlsMenu')
  })

  it('links only to dashboards that are there', () => {
    const uids = loaded.map(({ dashboard }) => dashboard.uid)
    for (const { text } of loaded) for (const [, uid] of text.matchAll(/\/d\/([\w-]+)/g)) expect(uids).toContain(uid)
  })

  it('names the oldest Grafana it is for', () => {
    for (const { dashboard } of loaded) {
      const version = dashboard.__requires.find(({ type }) => type === 'grafana')?.version ?? 'none'
      expect(dashboard.description).toContain(`Grafana ${version}`)
      expect(read('grafana/README.md')).toContain(`Grafana ${version}`)
      expect(dashboard.schemaVersion).toBe(39)
    }
  })

  it('is where the provisioning looks for it', () => {
    interface Providers {
      readonly providers: readonly { readonly allowUiUpdates: boolean; readonly options: { readonly path: string } }[]
    }
    const { providers } = parse(read('grafana/provisioning/dashboards/mailpath.yml')) as Providers
    expect(providers).toHaveLength(1)
    expect(providers[0]?.allowUiUpdates).toBe(false)
    expect(read('grafana/README.md')).toContain(providers[0]?.options.path)
    const { datasources } = parse(read('grafana/provisioning/datasources/mailpath.yml')) as {
      readonly datasources: readonly { readonly type: string; readonly uid?: string }[]
    }
    // The dashboards take any data source of this type: none is named by its uid.
    expect(datasources.map(({ type }) => type)).toEqual(['prometheus'])
    for (const { text } of loaded)
      expect(
        [...text.matchAll(/"uid": "([^"]+)"/g)].map(([, uid]) => uid).filter(uid => uid !== '${datasource}'),
      ).toHaveLength(1)
  })
})
