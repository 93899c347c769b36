import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ReasonSpec } from '../../src/core/probe.ts'
import { catalogue } from '../../src/exposition/catalogue.ts'
import { reasonCatalogue } from '../../src/exposition/reasons.ts'
import { needs, removeFolder, runProcess, tempFolder } from '../servers/processes.ts'
import { prometheusInstall } from '../servers/prometheus.ts'
import { mutantsOf } from './mutation.ts'
import { survivors } from './mutation-survivors.ts'
import { alertsFolder, nameOf, promtool, readRules, readTests } from './rules-file.ts'

const tool = promtool()
const groups = readRules()
const rules = groups.flatMap(group => group.rules)
const records = new Set(rules.filter(rule => rule.record !== undefined).map(nameOf))
const metrics = new Map(
  catalogue.flatMap(group => group.metrics.map(({ name, labels }) => [name, [...labels].sort()] as const)),
)
const specs = new Map(reasonCatalogue.flatMap(({ reasons }) => Object.entries<ReasonSpec>(reasons)))

/** Of Prometheus, and of prom-client. */
const foreign = ['up', 'process_start_time_seconds']

interface Series {
  readonly metric: string
  readonly labels: Readonly<Record<string, string>>
}

function seriesOf(text: string): Series {
  const [, metric = '', inner = ''] = /^([\w:]+)(?:\{(.*)\})?$/.exec(text) ?? expect.fail(`a series: ${text}`)
  const labels = [...inner.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name = '', value = '']) => [name, value])
  return { metric, labels: Object.fromEntries(labels) as Series['labels'] }
}

const tests = [...readTests()].flatMap(([file, { tests }]) =>
  tests.map(test => [`${file}: ${test.name}`, test.input_series.map(({ series }) => seriesOf(series))] as const),
)

describe('the series of the unit tests are as the exporter exposes them', () => {
  it.each(tests)('%s', (_, series) => {
    for (const { metric, labels } of series) {
      if (records.has(metric) || metric === 'ALERTS') continue
      const { job, instance, pod: _pod, ...own } = labels
      expect([job, instance], metric).not.toContain(undefined)
      expect(Object.keys(own).sort(), metric).toEqual(foreign.includes(metric) ? [] : metrics.get(metric))
      const spec = specs.get(own['reason'] ?? '')
      if (own['reason'] !== undefined) expect(spec, own['reason']).toBeDefined()
      if (own['severity'] !== undefined) expect(own['severity'], own['reason']).toBe(spec?.severity)
    }
  })

  it('each test has a name of its own in its file', () => {
    for (const [file, content] of readTests()) {
      const names = content.tests.map(test => test.name)
      expect(
        names.filter((name, i) => names.indexOf(name) !== i),
        file,
      ).toEqual([])
    }
  })
})

it('of all mutants at most one in twenty is known to survive, and each of these is a mutant still', () => {
  const ids = mutantsOf(groups).map(mutant => mutant.id)
  expect(new Set(ids).size).toBe(ids.length)
  expect(Object.keys(survivors).filter(id => !ids.includes(id))).toEqual([])
  expect(Object.keys(survivors).length).toBeLessThanOrEqual(ids.length / 20)
})

describe.skipIf(!needs('promtool', tool, prometheusInstall))('the incident, as the exporter exposes it', () => {
  /** Every sample as a series that stays as it is. */
  const exposed = readFileSync(new URL('../golden/metrics.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter(line => line.startsWith('mailpath_'))
    .map(line => {
      const [, metric = '', labels = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
      const all = [labels, 'job="mailpath"', 'instance="a:10587"'].filter(part => part !== '')
      return { series: `${metric}{${all.join(',')}}`, values: `${value}x120` }
    })
  const firing = [
    ['MailCannotBeSent', 'critical'],
    ['MailForbiddenCodeDeployed', 'warning'],
    ['MailOutboxStuck', 'warning'],
    ['MailVaultUninitialized', 'critical'],
    ['MailWatchdog', 'none'],
    ['MailWritePathReadOnly', 'critical'],
    ['MailpathCheckUnknown', 'warning'],
  ]

  it('fires these alerts and no others', async () => {
    const folder = tempFolder('mailpath-incident-')
    const file = path.join(folder, 'incident.json')
    const test = {
      interval: '30s',
      input_series: [...exposed, { series: 'up{job="mailpath",instance="a:10587"}', values: '1x120' }],
      promql_expr_test: [
        {
          expr: 'group by (alertname, severity) (ALERTS{alertstate="firing"})',
          eval_time: '20m',
          exp_samples: firing.map(([name = '', severity = '']) => ({
            labels: `{alertname="${name}", severity="${severity}"}`,
            value: 1,
          })),
        },
      ],
    }
    // JSON is YAML.
    const rule_files = [path.join(alertsFolder, 'mailpath.rules.yml')]
    await writeFile(file, JSON.stringify({ rule_files, evaluation_interval: '30s', tests: [test] }))
    try {
      expect(await runProcess(tool ?? 'promtool', ['test', 'rules', file])).toContain('SUCCESS')
    } finally {
      await removeFolder(folder)
    }
  })
})
