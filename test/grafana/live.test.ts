import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { startExporter, type Exporter } from '../demo/exporter.ts'
import { startPlatform, type Platform } from '../demo/platform.ts'
import { failover, heal } from '../demo/scenarios.ts'
import { freePort, needs, waitFor } from '../servers/processes.ts'
import {
  prometheusBinary,
  prometheusInstall,
  startPrometheus,
  type Prometheus,
  type Series,
} from '../servers/prometheus.ts'
import { ask, nameOf, tiles } from './grafana.ts'
import {
  allQueries,
  annotationQueries,
  columnsOf,
  labelsIn,
  panelQueries,
  variableQueries,
  type Place,
} from './model.ts'

type Stage = 'incident' | 'healthy' | 'failover'

/** Queries without data, and when: everything else has data in every stage. */
const empty: Readonly<Record<string, readonly Stage[]>> = {
  // Nothing blocks mail.
  'mailpath-overview: What to fix first A': ['healthy'],
  // Nothing is wrong.
  'mailpath-overview: Reasons A': ['healthy'],
  'mailpath-postgres: Reasons A': ['healthy'],
  'mailpath-providers: Reasons A': ['healthy', 'failover'],
  // There was none yet.
  'mailpath-postgres: Last failover A': ['incident', 'healthy'],
  // The password of the relay is in Vault, and Vault is down.
  'mailpath-providers: Relays E': ['incident'],
  'mailpath-providers: Vault token expires in A': ['incident'],
  'mailpath-providers: Secrets in Vault A': ['incident'],
  'mailpath-providers: Vault versions A': ['incident'],
  // The platform archives nothing, no slot has a limit, and no password of a role ends.
  'mailpath-postgres: WAL kept back by slots B': ['incident', 'healthy', 'failover'],
  'mailpath-postgres: Archiving fails since A': ['incident', 'healthy', 'failover'],
  'mailpath-postgres: Passwords of roles A': ['incident', 'healthy', 'failover'],
  // What happened is kept in no file.
  'mailpath-exporter: State file A': ['incident', 'healthy', 'failover'],
  'mailpath-exporter: Replicas C': ['incident', 'healthy', 'failover'],
  // The platform has no Patroni, no HAProxy and no PgBouncer.
  'mailpath-postgres: Roles by Patroni over time A': ['incident', 'healthy', 'failover'],
  'mailpath-postgres: Who holds the leader lock A': ['incident', 'healthy', 'failover'],
  'mailpath-postgres: State of Postgres by Patroni A': ['incident', 'healthy', 'failover'],
  'mailpath-postgres: DCS last reached, how long ago A': ['incident', 'healthy', 'failover'],
  'mailpath-postgres: What each Patroni says A': ['incident', 'healthy', 'failover'],
  'mailpath-postgres: What each Patroni says B': ['incident', 'healthy', 'failover'],
  'mailpath-postgres: What each Patroni says C': ['incident', 'healthy', 'failover'],
  'mailpath-postgres: What each Patroni says D': ['incident', 'healthy', 'failover'],
  'mailpath-postgres: What each Patroni says E': ['incident', 'healthy', 'failover'],
  'mailpath-postgres: What each Patroni says F': ['incident', 'healthy', 'failover'],
  'mailpath-postgres: What each Patroni says G': ['incident', 'healthy', 'failover'],
  'mailpath-postgres: Servers of HAProxy over time A': ['incident', 'healthy', 'failover'],
  'mailpath-postgres: Servers of HAProxy A': ['incident', 'healthy', 'failover'],
  'mailpath-postgres: Servers of HAProxy B': ['incident', 'healthy', 'failover'],
  'mailpath-postgres: Servers of HAProxy C': ['incident', 'healthy', 'failover'],
  'mailpath-postgres: HAProxy and PgBouncer A': ['incident', 'healthy', 'failover'],
  'mailpath-postgres: Databases of PgBouncer A': ['incident', 'healthy', 'failover'],
  'mailpath-postgres: Clients and servers of PgBouncer A': ['incident', 'healthy', 'failover'],
  'mailpath-postgres: Clients and servers of PgBouncer B': ['incident', 'healthy', 'failover'],
  'mailpath-postgres: Clients and servers of PgBouncer C': ['incident', 'healthy', 'failover'],
  'mailpath-postgres: Longest wait for a server connection A': ['incident', 'healthy', 'failover'],
  // The application has no keys of SES until it is healed, and names no configuration set.
  'mailpath-providers: What SES says B': ['incident'],
  'mailpath-providers: What SES says C': ['incident'],
  'mailpath-providers: What SES says D': ['incident'],
  'mailpath-providers: What SES says E': ['incident'],
  'mailpath-providers: What SES says F': ['incident'],
  'mailpath-providers: What SES says G': ['incident'],
  'mailpath-providers: What SES says H': ['incident'],
  'mailpath-providers: What SES says I': ['incident'],
  'mailpath-providers: What SES says J': ['incident', 'healthy', 'failover'],
  'mailpath-providers: What SES says K': ['incident'],
  'mailpath-providers: What SES says L': ['incident'],
  'mailpath-providers: SES over time, step by step A': ['incident'],
  'mailpath-providers: Quota of 24 hours, used A': ['incident'],
  'mailpath-providers: Bounces and complaints, 24 hours A': ['incident'],
  'mailpath-providers: Bounces and complaints, 24 hours B': ['incident'],
  // No mail was sent yet.
  'mailpath-providers: Outboxes F': ['incident'],
  // The canary is left out: it is sent once a minute at most.
  ...Object.fromEntries(
    panelQueries
      .filter(({ where, expr }) => where.startsWith('mailpath-delivery: ') && !/mailpath_dns_|probe="dns"/.test(expr))
      .map(({ where }) => [where, ['incident', 'healthy', 'failover'] as const]),
  ),
  'mailpath-overview: Canary A': ['incident', 'healthy', 'failover'],
  // The domain has no MTA-STS.
  'mailpath-delivery: What receivers find H': ['incident', 'healthy', 'failover'],
  // The relay refuses no login.
  'mailpath-providers: Relays H': ['incident', 'healthy', 'failover'],
}

const everyMail = {
  pending: "status <> 'none'",
  sending: "status = 'none'",
  failed: "status = 'none'",
  late_after: '10h',
  stuck_after: '20h',
}

/** Labels that only some of the rows have. */
const sparse: Readonly<Record<string, readonly string[]>> = {
  'Alerts that fire': ['mail_path', 'postgres_cluster', 'probe', 'target', 'severity'],
  Reasons: ['severity'],
  // A subject may have no part but an address, and a certificate no host name.
  Certificates: ['subject', 'issuer', 'subjectalternative'],
}

describe.skipIf(!needs('Prometheus', prometheusBinary(), prometheusInstall))('on a real Prometheus', () => {
  let platform: Platform
  let exporter: Exporter
  let prometheus: Prometheus

  beforeAll(async () => {
    platform = await startPlatform()
    const configFile = path.join(platform.folder, 'with-drift.yml')
    const user = { dotenv: platform.app.env.path, key: 'SMTP_USER' }
    const { ses, outbox } = parse(platform.config()) as Readonly<Record<'ses' | 'outbox', readonly object[]>>
    writeFileSync(
      configFile,
      platform.config({
        canary: undefined,
        drift: [{ name: 'SMTP user', sources: { backend: user, worker: user } }],
        ses: ses.map(one => ({ ...one, implemented: true })),
        // Mails always wait, and none for too long.
        outbox: outbox.map(one => ({ ...one, ...everyMail })),
      }),
    )
    const port = await freePort()
    exporter = await startExporter({ configFile, folder: platform.folder, port })
    prometheus = await startPrometheus({
      // The same exporter twice stands for two replicas of one.
      scrape: { mailpath: [`127.0.0.1:${port}`, `localhost:${port}`] },
      interval: '500ms',
      ruleFiles: [impatientRules(platform.folder)],
    })
  })
  afterAll(async () => {
    await prometheus.stop()
    await exporter.stop()
    await platform.stop()
  })

  const place = (where: string): Place => {
    const found = panelQueries.find(query => query.where === where)
    if (!found) throw new Error(`there is no query ${where}`)
    return found
  }
  const shown = async (where: string): Promise<Readonly<Record<string, string>>> => {
    const query = place(where)
    const { panel, target } = query
    return panel ? tiles(panel, target?.legendFormat ?? '', await ask(prometheus, query)) : {}
  }
  // A busy machine may make a check late, and so unknown or worse for once.
  const patience = { timeoutMs: 45_000, everyMs: 250 }
  /** Waits until the assertions hold. */
  const holds = (what: string, assertions: () => Promise<void>) =>
    waitFor(() => assertions().then(() => true), { ...patience, what })
  /** The panel comes to show exactly this. */
  const expectShown = (where: string, expected: Readonly<Record<string, string>>) =>
    holds(where, async () => expect(await shown(where)).toEqual(expected))

  /** All queries, until those that should have data have it. */
  async function everything(stage: Stage): Promise<ReadonlyMap<Place, readonly Series[]>> {
    const expected = (where: string): boolean => !empty[where]?.includes(stage)
    const queries = allQueries.filter(query => !annotationQueries.includes(query))
    let missing: string[] = []
    const answers = async () => {
      const results = new Map<Place, readonly Series[]>()
      for (const query of queries) results.set(query, await ask(prometheus, query))
      missing = queries
        .filter(query => expected(query.where) !== (results.get(query) ?? []).length > 0)
        .map(({ where }) => where)
      return missing.length === 0 && results
    }
    return waitFor(answers, { timeoutMs: 40_000, everyMs: 500, what: 'every panel has its data' }).catch(
      (error: unknown) => {
        throw new Error(
          `${String(error)}; without data that should have some, or with some that should have none: ${missing.join('; ')}`,
        )
      },
    )
  }

  /** Every panel has the data it should have, with the labels it shows, and shows no series twice. */
  async function checkAll(stage: Stage): Promise<void> {
    const wrong: string[] = []
    const results = await everything(stage)
    for (const [query, series] of results) {
      const { where, panel, target } = query
      const format = target?.legendFormat ?? ''
      const names = series.map(one => (format === '' ? JSON.stringify(one.metric) : nameOf(format, one)))
      if (panel && new Set(names).size < names.length) wrong.push(`${where}: shown twice: ${names.join(', ')}`)
      for (const label of labelsIn(format))
        if (series.some(({ metric }) => (metric[label] ?? '') === '')) wrong.push(`${where}: a series without ${label}`)
      for (const label of columnsOf(panel))
        if (!sparse[panel?.title ?? '']?.includes(label) && series.some(({ metric }) => metric[label] === undefined))
          wrong.push(`${where}: a row without ${label}`)
      // Of the queries of one table the first says which rows there are.
      const first = [...results].find(([other]) => other.panel === panel)?.[1] ?? []
      const rows = new Set(first.map(({ metric }) => JSON.stringify(metric)))
      if (panel?.type === 'table' && series.some(({ metric }) => !rows.has(JSON.stringify(metric))))
        wrong.push(`${where}: a row the first query does not have`)
    }
    expect(wrong).toEqual([])
  }

  it('shows the incident as what it is, on every panel', { timeout: 120_000 }, async () => {
    await expectShown('mailpath-overview: Can mail be sent? A', { 'keybuzz-backend': 'Cannot send' })
    await checkAll('incident')
    await expectShown('mailpath-overview: What to fix first A', {
      'write_path_read_only: write_path/backend DATABASE_URL': 'blocks mail',
    })
    await expectShown('mailpath-overview: Writes land on A', {
      'backend DATABASE_URL → db-postgres-03': 'no writes',
      'haproxy-write → db-postgres-01': 'writes',
      'secret PGHOST → db-postgres-01': 'writes',
    })
    await expectShown('mailpath-overview: Postgres nodes A', {
      'db-postgres-01': 'PRIMARY',
      'db-postgres-02': 'standby',
      'db-postgres-03': 'standby',
    })
    await expectShown('mailpath-overview: Vault nodes A', { 'vault-01': 'unreachable' })
    const links = {
      Vault: 'fail',
      Settings: 'unknown',
      Packages: 'warn',
      'Write path': 'fail',
      SMTP: 'unknown',
      SES: 'warn',
    }
    for (const [link, text] of Object.entries(links))
      await expectShown(`mailpath-overview: ${link} A`, { [link]: text })
  })

  it('puts what blocks mail first, each reason with its remedy', async () => {
    const query = place('mailpath-overview: Reasons A')
    const first = { probe: 'write_path', target: 'backend DATABASE_URL', reason: 'write_path_read_only' }
    await holds('what blocks mail comes first', async () =>
      expect((await ask(prometheus, query))[0]).toMatchObject({
        metric: { ...first, severity: 'critical' },
        value: [expect.any(Number), '3'],
      }),
    )
    const rowsAndReasons = async () => {
      const rows = (await ask(prometheus, query)).map(({ metric }) =>
        ['probe', 'target', 'reason'].map(label => metric[label]),
      )
      const { checks } = await exporter.status(new AbortController().signal)
      const reasons = checks.flatMap(({ probe, target, reasons }) => reasons.map(({ code }) => [probe, target, code]))
      return [rows, reasons].map(list => [...new Set(list.map(one => one.join(' ')))].sort().join())
    }
    await holds('the rows are the reasons', async () => expect(new Set(await rowsAndReasons()).size).toBe(1))
    for (const { metric } of await ask(prometheus, query)) expect(metric['remedy']).toMatch(/^.{15,}[.?]$/)
  })

  it('lists the values of every variable', async () => {
    for (const variable of variableQueries) {
      const values = (await ask(prometheus, variable)).map(({ metric }) => metric[variable.label])
      expect(values.length, variable.where).toBeGreaterThan(0)
      expect(values, variable.where).not.toContain(undefined)
    }
  })

  it('shows the healed platform as what it is', { timeout: 120_000 }, async () => {
    await heal.run(platform)
    platform.useSes(true)
    await expectShown('mailpath-overview: Can mail be sent? A', { 'keybuzz-backend': 'Can send' })
    await checkAll('healthy')
    await expectShown('mailpath-overview: What to fix first A', { '': 'nothing known' })
    await expectShown('mailpath-overview: Writes land on A', {
      'backend DATABASE_URL → db-postgres-01': 'writes',
      'haproxy-write → db-postgres-01': 'writes',
      'secret PGHOST → db-postgres-01': 'writes',
    })
    await expectShown('mailpath-overview: Vault nodes A', { 'vault-01': 'active' })
    const [availability] = await ask(prometheus, place('mailpath-overview: Availability, 30 days A'))
    // It was away for a while.
    expect(Number(availability?.value?.[1])).toBeLessThan(1)
  })

  it('shows a failover, and marks it on every panel', { timeout: 120_000 }, async () => {
    await failover.run(platform)
    await expectShown('mailpath-postgres: Primary A', { 'keybuzz: db-postgres-02': 'primary' })
    await checkAll('failover')
    await expectShown('mailpath-postgres: Failovers A', { keybuzz: '1' })
    for (const annotation of annotationQueries) {
      const events = await ask(prometheus, annotation)
      expect(events.flatMap(({ values = [] }) => values).length, annotation.where).toBeGreaterThan(0)
    }
  })

  it('shows no verdict where no exporter answers', { timeout: 60_000 }, async () => {
    await exporter.stop()
    await expectShown('mailpath-overview: Can mail be sent? A', { '': 'No data' })
    expect(Object.values(await shown('mailpath-exporter: Exporters A'))).toEqual(['DOWN', 'DOWN'])
  })
})

/** The rules of `alerts/`, with alerts that wait for nothing. Gives the path of the file. */
function impatientRules(folder: string): string {
  interface Rules {
    readonly groups: { readonly name: string; readonly rules: Readonly<Record<string, unknown>>[] }[]
  }
  const source = readFileSync(new URL('../../alerts/mailpath.rules.yml', import.meta.url), 'utf8')
  const groups = (parse(source) as Rules).groups.map(({ name, rules }) => ({
    name,
    rules: rules.map(({ for: _for, ...rule }) => rule),
  }))
  const file = path.join(folder, 'impatient.rules.yml')
  writeFileSync(file, JSON.stringify({ groups }))
  return file
}
