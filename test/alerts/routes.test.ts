import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { describe, expect, it } from 'vitest'
import { alertmanagerInstall, amtoolBinary } from '../servers/alertmanager.ts'
import { needs, runProcess } from '../servers/processes.ts'
import { alertsOf, type Alert } from './rules.ts'

const file = fileURLToPath(new URL('../../alerts/alertmanager.example.yml', import.meta.url))
const amtool = amtoolBinary()
const alerts = alertsOf()

interface InhibitRule {
  readonly source_matchers: readonly string[]
  readonly target_matchers: readonly string[]
  readonly equal: readonly string[]
}
interface Route {
  readonly matchers: readonly string[]
  readonly receiver: string
  readonly group_by?: readonly string[]
}
const config = parse(readFileSync(file, 'utf8')) as {
  readonly route: { readonly group_by: readonly string[]; readonly routes: readonly Route[] }
  readonly inhibit_rules: readonly InhibitRule[]
}

const tickets: Readonly<Record<string, string>> = {
  postgres: 'tickets-database',
  patroni: 'tickets-database',
  haproxy: 'tickets-database',
  pgbouncer: 'tickets-database',
  write_path: 'tickets-database',
  vault: 'tickets-platform',
  exporter: 'tickets-platform',
}

function receiverOf({ name, set }: Alert): string {
  const { severity = '', component = '' } = set
  if (name === 'MailWatchdog') return 'deadmansswitch'
  if (severity === 'warning') return tickets[component] ?? 'tickets-mail'
  return severity === 'info' ? 'log' : 'pager'
}

/** Its labels, with a value for those that the rule does not set. */
const sampleOf = ({ name, set, labels }: Alert): string[] =>
  [...labels].map(label => `${label}=${label === 'alertname' ? name : (set[label] ?? 'any')}`)

const run = (...args: string[]): Promise<string> => runProcess(amtool ?? 'amtool', args)
const test = (receiver: string, ...labels: string[]): Promise<string> =>
  run('config', 'routes', 'test', `--config.file=${file}`, `--verify.receivers=${receiver}`, ...labels)

describe.skipIf(!needs('amtool', amtool, alertmanagerInstall))('with amtool', () => {
  it('is a valid configuration', async () => {
    expect(await run('check-config', file)).toContain('SUCCESS')
  })

  const titled = alerts.map(alert => ({ alert, title: `${alert.name} (${alert.set['severity'] ?? ''})` }))
  it.each(titled)('$title goes to the one receiver that is to have it', async ({ alert }) => {
    await test(receiverOf(alert), ...sampleOf(alert))
  })

  it('pages for an alert that no route names', async () => {
    await test('pager', 'alertname=Another', 'severity=disaster')
    await expect(test('log', 'alertname=Another', 'severity=disaster')).rejects.toThrow(/exit code 1/)
  })
})

it('makes one page of mail that cannot be sent and of its causes, a canary that is lost among them', () => {
  const { group_by, routes } = config.route
  const routeOf = ({ name, set }: Alert): Route | undefined =>
    routes.find(({ matchers }) =>
      matchers.every(each => {
        const [, label = '', value = ''] = /^(\w+) = (\w+)$/.exec(each) ?? []
        return (label === 'alertname' ? name : set[label]) === value
      }),
    )
  const pages = alerts.filter(({ set }) => set['severity'] === 'critical' && set['component'] !== 'exporter')
  expect(pages.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['MailCannotBeSent', 'MailCanaryLost', 'MailCanaryRejected']),
  )
  expect(group_by).toEqual(['job'])
  expect(new Set(pages.map(routeOf))).toEqual(new Set([{ matchers: ['severity = critical'], receiver: 'pager' }]))
})

it('sends nothing by mail', () => {
  const keys = (value: unknown): string[] =>
    value !== null && typeof value === 'object'
      ? Object.entries(value).flatMap(([key, inner]) => [key, ...keys(inner)])
      : []
  const all = keys(config)
  expect(all).toContain('webhook_configs')
  expect(all.filter(key => /^email_configs|^smtp_/.test(key))).toEqual([])
})

describe('inhibition', () => {
  const rules = config.inhibit_rules
  const named = (matchers: readonly string[]): string[] =>
    matchers.flatMap(each => /^alertname =~? "?([\w|]+)"?$/.exec(each)?.[1]?.split('|') ?? [])
  const meets = (alert: Alert, matchers: readonly string[]): boolean =>
    matchers.every(each => {
      const [, label = '', , value = ''] = /^(\w+) (=~?) "?([\w|]+)"?$/.exec(each) ?? expect.fail(`a matcher: ${each}`)
      return value.split('|').includes(label === 'alertname' ? alert.name : (alert.set[label] ?? ''))
    })
  /** Which alert can silence which, by which rule. */
  const pairs = rules.flatMap(rule =>
    alerts
      .filter(alert => meets(alert, rule.source_matchers))
      .flatMap(source =>
        alerts.filter(alert => meets(alert, rule.target_matchers)).map(target => ({ source, target, rule })),
      ),
  )
  const said = ({ source, target }: { source: Alert; target: Alert }): string => `${source.name} -> ${target.name}`

  it('names alerts that exist, and each rule some on both sides', () => {
    const exist = new Set(alerts.map(alert => alert.name))
    for (const { source_matchers: sources, target_matchers: targets } of rules)
      for (const side of [sources, targets]) {
        expect(named(side)).not.toEqual([])
        expect(named(side).filter(name => !exist.has(name))).toEqual([])
        expect(named(side).filter(name => !alerts.some(alert => alert.name === name && meets(alert, side)))).toEqual([])
      }
  })

  it('asks to be equal only what both sides have: what both lack is equal as well', () => {
    expect(pairs.length).toBeGreaterThan(rules.length)
    for (const { equal } of rules) expect(equal).toContain('job')
    const lacking = pairs.flatMap(({ source, target, rule }) =>
      rule.equal
        .filter(label => !source.labels.has(label) || !target.labels.has(label))
        .map(label => `${said({ source, target })}: ${label}`),
    )
    expect(lacking).toEqual([])
  })

  it('silences neither the symptom, nor the exporter that is down, nor the dead man', () => {
    const never = ['MailCannotBeSent', 'MailpathExporterDown', 'MailWatchdog']
    expect(pairs.filter(({ target }) => never.includes(target.name)).map(said)).toEqual([])
  })

  it('silences no page about mail for an exporter that is down', () => {
    const down = pairs.filter(({ source }) => source.set['component'] === 'exporter')
    expect(down.map(({ target }) => target.set['component'])).toEqual(down.map(() => 'exporter'))
    expect(down.length).toBeGreaterThan(0)
  })

  it('silences no page for something that sends no page', () => {
    const wrong = pairs.filter(
      ({ source, target }) => target.set['severity'] === 'critical' && source.set['severity'] !== 'critical',
    )
    expect(wrong.map(said)).toEqual([])
  })

  it('goes one way: no two alerts silence each other', () => {
    const all = new Set(pairs.map(said))
    expect(
      pairs
        .filter(
          ({ source, target }) => source.name !== target.name && all.has(said({ source: target, target: source })),
        )
        .map(said),
    ).toEqual([])
  })
})
