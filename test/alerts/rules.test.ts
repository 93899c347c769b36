import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { severities, verdicts } from '../../src/core/probe.ts'
import { probes } from '../../src/probes/index.ts'
import { catalogue } from '../../src/exposition/catalogue.ts'
import { reasonCatalogue } from '../../src/exposition/reasons.ts'
import { needs, runProcess } from '../servers/processes.ts'
import { prometheusInstall } from '../servers/prometheus.ts'
import { alertsFolder, nameOf, promtool, readRules, readTests, type Rule, type TestFile } from './rules-file.ts'
import { alertsOf } from './rules.ts'
import { askedBy } from './selectors.ts'
import { runUnitTests } from './unit-tests.ts'

const tool = promtool()
const groups = readRules()
const rules = groups.flatMap(group => group.rules)
const alerts = rules.filter(rule => rule.alert !== undefined)
const records = rules.filter(rule => rule.record !== undefined)
const tests = [...readTests().values()].flatMap(file => file.tests)
const fired = alertsOf()
const titled = (list: readonly Rule[]) =>
  list.map(rule => [[nameOf(rule), rule.labels?.['severity'], rule.labels?.['long']].join(' ').trim(), rule] as const)

/** They keep promtool busy for more than five seconds each: with hours of series, or a test for each reason. */
const long = /^(?:canary|dns|exporter|exporter-gone|patroni|postgres)\./
const files = [...readTests()]

describe.skipIf(!needs('promtool', tool, prometheusInstall))('with promtool', () => {
  const run = (...args: string[]): Promise<string> =>
    runProcess(tool ?? 'promtool', args, { cwd: alertsFolder, timeoutMs: 300_000 })

  it('are valid', async () => {
    expect(await run('check', 'rules', '--lint=all', '--lint-fatal', 'mailpath.rules.yml')).toContain('SUCCESS')
  })

  it.concurrent.each(files.filter(([file]) => !long.test(file)))('%s passes', { timeout: 300_000 }, passes)
  it.concurrent.each(files.filter(([file]) => long.test(file)))('%s passes', { timeout: 300_000, tags: 'slow' }, passes)

  async function passes(_: string, content: TestFile): Promise<void> {
    expect(content.rule_files).toEqual(['mailpath.rules.yml'])
    expect(await runUnitTests(tool ?? 'promtool', groups, content)).not.toContain('FAILED')
  }
})

/** The queries of an annotation, with something in place of each %q. */
const queriesOf = ({ annotations = {} }: Rule): string[] =>
  Object.values(annotations).flatMap(text =>
    [...text.matchAll(/printf "((?:[^"\\]|\\.)*)"/g)].map(([, query = '']) =>
      query.replaceAll('\\"', '"').replaceAll('%q', '"x"'),
    ),
  )
const expressionsOf = (rule: Rule): string[] => [rule.expr, ...queriesOf(rule)]

const scraped = ['job', 'instance', 'pod']
const own = new Map(catalogue.flatMap(group => group.metrics.map(({ name, labels }) => [name, labels] as const)))
const recorded = new Map(records.map(rule => [rule.record, rule]))

/** The labels a metric can have; those of a record are those of what it is made of. Undefined where there is no such metric. */
function labelsOf(metric: string): readonly string[] | undefined {
  const labels = own.get(metric)
  if (labels) return [...labels, ...scraped]
  if (metric === 'up' || metric === 'process_start_time_seconds') return scraped
  if (metric === 'ALERTS') return ['alertname', 'alertstate', ...fired.flatMap(alert => [...alert.labels])]
  const record = recorded.get(metric)
  const sources = record && askedBy(record.expr).selectors.filter(({ metric: source }) => source !== metric)
  return sources && [...new Set(sources.flatMap(source => labelsOf(source.metric) ?? []))]
}

describe('what is asked for is there', () => {
  it.each(titled(rules))('%s names only metrics and labels that there are', (_, rule) => {
    for (const expr of expressionsOf(rule)) {
      const { selectors, groupings } = askedBy(expr)
      for (const { metric, matchers } of selectors) {
        expect(labelsOf(metric), metric).toBeDefined()
        for (const { label } of matchers) expect(labelsOf(metric), `${metric} in ${expr}`).toContain(label)
      }
      for (const { labels, metrics } of groupings)
        for (const metric of metrics)
          for (const label of labels) expect(labelsOf(metric), `${metric} in ${expr}`).toContain(label)
    }
  })

  const golden = readFileSync(new URL('../golden/metrics.txt', import.meta.url), 'utf8')
  const reasons = reasonCatalogue.flatMap(group => Object.keys(group.reasons))
  const components = new Set(alerts.flatMap(rule => rule.labels?.['component'] ?? []))
  /** The values that a label can have; undefined where anything may stand there. */
  function valuesOf(label: string, metric: string): readonly string[] | undefined {
    if (label === 'reason') return reasons
    if (label === 'verdict') return verdicts
    if (label === 'severity') return severities
    if (label === 'probe') return [...probes.map(probe => probe.kind), 'cluster']
    if (label === 'component') return [...components]
    // State sets are exposed with every state they have.
    if (label === 'state' || label === 'provider')
      return [...golden.matchAll(new RegExp(`^${metric}{.*\\b${label}="(\\w+)"`, 'gm'))].map(([, value = '']) => value)
    return undefined
  }

  it.each(titled(rules))('%s names only reasons and states that there are', (_, rule) => {
    for (const { metric, matchers } of expressionsOf(rule).flatMap(expr => askedBy(expr).selectors))
      for (const { label, values } of matchers) {
        const source = recorded.has(metric) ? metric.split(':')[1] : metric
        const known = valuesOf(label, source ?? '')
        for (const value of values) if (known && value !== 'x') expect(known, `${metric}{${label}}`).toContain(value)
      }
  })

  it('records what a group uses before it uses it', () => {
    // The blockers of mail are used with Vault, one evaluation later.
    const elsewhere = ['mail_path:mailpath_mail_blocker:max']
    for (const { name, rules: own } of groups)
      own.forEach((rule, index) => {
        const before = own.slice(0, index).map(nameOf)
        const used = askedBy(rule.expr).selectors.map(({ metric }) => metric)
        for (const metric of used)
          if (recorded.has(metric) && metric !== rule.record && !elsewhere.includes(metric))
            expect(before, `${name}: ${nameOf(rule)}`).toContain(metric)
      })
  })
})

describe('records', () => {
  it.each(titled(records))('%s is called level:metric:operation', (_, { record = '' }) => {
    expect(record).toMatch(/^[a-z_]+:[a-z_]+:[a-z_0-9]+$/)
  })

  it.each(titled(records))('%s has a test', (_, { record = '' }) => {
    const asked = tests.flatMap(test => test.promql_expr_test.map(check => check.expr))
    expect(asked.filter(expr => expr.includes(record))).not.toEqual([])
  })
})

const pages = alerts.filter(rule => rule.labels?.['severity'] === 'critical')

describe('alerts', () => {
  it.each(titled(alerts))('%s has what routing and the person who is paged need', (_, rule) => {
    const { alert, labels = {}, annotations = {} } = rule
    expect(alert).toMatch(/^Mail(?:path)?(?:[A-Z][a-z]+)+$/)
    expect(['critical', 'warning', 'info', 'none']).toContain(labels['severity'])
    expect([...probes.map(probe => probe.kind), 'mail', 'exporter']).toContain(labels['component'])
    expect(Object.keys(annotations)).toEqual(['summary', 'description', 'runbook_url', 'dashboard_url'])
    expect(annotations['summary']).not.toMatch(/\.$|\$value/)
    // A label that changes makes a new alert each time.
    expect(JSON.stringify(labels)).not.toContain('{{')
  })

  it.each(titled(alerts))('%s names only labels of its own', (_, rule) => {
    const named = [...JSON.stringify(rule.annotations).matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label)
    const found = fired.filter(alert => alert.name === rule.alert)
    for (const { labels } of found) for (const label of named) expect([...labels]).toContain(label)
    // A replica is named only where the alert is about one: else there would be an alert for each.
    const certain = [
      'MailpathReplicaDown',
      'MailpathCheckStale',
      'MailpathConfigReloadFailed',
      'MailpathStateFileFailed',
      'MailpathExporterStarved',
      'MailpathLogLinesLost',
    ]
    for (const { labels } of found) expect(labels.has('instance')).toBe(certain.includes(rule.alert ?? ''))
  })

  it.each(titled(alerts.filter(rule => rule.alert !== 'MailWatchdog')))('%s compares with something', (_, { expr }) => {
    expect(askedBy(expr).comparisons).toBeGreaterThan(0)
  })

  it.each(titled(rules))('%s bridges a missed scrape with the time of a scrape more', (_, rule) => {
    expect(JSON.stringify(rule), 'write [130s]: the rules say why').not.toContain('[2m]')
  })

  it.each(titled(alerts))('%s has a dashboard that is there', (_, { annotations = {} }) => {
    const uid = annotations['dashboard_url']?.split('/d/')[1] ?? ''
    const file = new URL(`../../grafana/dashboards/${uid}.json`, import.meta.url)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ uid })
  })

  it('have a runbook each, and each runbook has its alert', () => {
    const files = readdirSync(new URL('../../docs/runbooks/alerts/', import.meta.url))
    const linked = alerts.map(rule => path.basename(rule.annotations?.['runbook_url'] ?? ''))
    expect([...new Set(linked)].sort()).toEqual(files.sort())
    for (const rule of alerts)
      expect(rule.annotations?.['runbook_url']).toMatch(`/docs/runbooks/alerts/${nameOf(rule)}.md`)
  })

  it.each(titled(alerts))('%s fires in a test, and is silent in one', (_, { alert, labels = {} }) => {
    const checks = tests.flatMap(test => test.alert_rule_test).filter(check => check.alertname === alert)
    const fires = checks.filter(check =>
      check.exp_alerts.some(({ exp_labels: has }) =>
        Object.entries(labels).every(([label, value]) => has[label] === value),
      ),
    )
    expect(fires.length).toBeGreaterThan(0)
    if (alert !== 'MailWatchdog') expect(checks.some(check => check.exp_alerts.length === 0)).toBe(true)
  })

  it('are about every probe, by its own metrics or because its checks fail or are unknown', () => {
    const asked = alerts.flatMap(rule => askedBy(rule.expr).selectors)
    const sources = asked.flatMap(({ metric }) => askedBy(recorded.get(metric)?.expr ?? 'up').selectors)
    const used = new Set([...asked, ...sources].map(({ metric }) => metric))
    const generic = ['mail', 'drift']
    for (const { kind, metrics } of probes.filter(probe => !generic.includes(probe.kind)))
      expect(
        Object.values(metrics).filter(({ name }) => used.has(name)),
        kind,
      ).not.toEqual([])
    for (const name of ['MailpathCheckFailing', 'MailpathCheckUnknown']) {
      const { expr = '' } = alerts.find(rule => rule.alert === name) ?? {}
      const verdict = askedBy(expr).selectors.find(({ metric }) => metric === 'mailpath_check_verdict')
      expect(verdict?.matchers.map(({ label }) => label)).toEqual(['verdict'])
    }
  })

  it.each(titled(pages.filter(({ labels }) => labels?.['component'] !== 'exporter' && labels?.['long'] === undefined)))(
    '%s stays out when the exporter goes away',
    (_, { alert }) => {
      const gone =
        readTests()
          .get('exporter-gone.test.yml')
          ?.tests.flatMap(test => test.alert_rule_test) ?? []
      expect(gone.filter(check => check.alertname === alert && check.exp_alerts.length > 0)).not.toEqual([])
    },
  )

  it.each(titled(alerts))(
    '%s does not page for the last word of a replica that died',
    (_, { expr, for: pending, labels = {} }) => {
      const heardFor = /last_over_time\(mailpath_(?!build_info)/.test(expr) && labels['severity'] !== 'info'
      if (heardFor) expect(['3m', '5m', '10m', '15m', '4h']).toContain(pending)
      if (labels['severity'] === 'critical') expect(heardFor).toBe(false)
    },
  )
})
