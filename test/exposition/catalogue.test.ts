import { describe, expect, it } from 'vitest'
import type { Sample } from '../../src/core/metric.ts'
import { finding } from '../../src/core/probe.ts'
import { catalogue } from '../../src/exposition/catalogue.ts'
import { samplesOf } from '../../src/exposition/samples.ts'
import { watchProcess } from '../../src/exposition/process-metrics.ts'
import { expose } from '../../src/exposition/text-format.ts'
import { have, needs, runProcess } from '../servers/processes.ts'
import { canary } from '../../src/probes/canary/index.ts'
import { haproxy } from '../../src/probes/haproxy/index.ts'
import { patroni } from '../../src/probes/patroni/index.ts'
import { pgbouncer } from '../../src/probes/pgbouncer/index.ts'
import { outbox } from '../../src/probes/outbox/index.ts'
import { ses } from '../../src/probes/ses/index.ts'
import { sessionMetrics } from '../../src/assess/path/sessions.ts'
import { at, exporter, healthySeen, incidentSeen, statusOf } from '../status/incident.ts'
import { delivery } from '../status/delivery.ts'
import { views } from '../status/views.ts'

const incident = statusOf(incidentSeen)
const promtool = have('promtool')
const known = needs('promtool', promtool, 'apt-get install prometheus')

/** The samples of a text, without comments. */
const seriesIn = (text: string): string[] => text.split('\n').filter(line => line !== '' && !line.startsWith('#'))

describe('the metrics of a status', () => {
  it('are these, as Prometheus text', async () => {
    await expect(await expose(samplesOf(incident, exporter), 'prometheus')).toMatchFileSnapshot('../golden/metrics.txt')
  })

  it('are these, as OpenMetrics', async () => {
    const text = await expose(samplesOf(incident, exporter), 'openmetrics')
    await expect(text).toMatchFileSnapshot('../golden/openmetrics.txt')
  })

  it('say in OpenMetrics since when they count, if their series begin with the first event', async () => {
    const samples = samplesOf(incident, exporter)
    const createdIn = (text: string): string[] => seriesIn(text).filter(line => line.includes('_created'))
    expect(createdIn(await expose(samples, 'openmetrics', [], 1_700_000_000_250))).toEqual([
      'mailpath_http_requests_created{handler="/metrics",code="200"} 1700000000.25',
      'mailpath_http_request_duration_seconds_created{handler="/metrics",code="200"} 1700000000.25',
    ])
    expect(createdIn(await expose(samples, 'prometheus', [], 1_700_000_000_250))).toEqual([])
  })

  it('are these, if Patroni, HAProxy and PgBouncer are looked at', async () => {
    const samples = samplesOf(views(), exporter)
    await expect(await expose(samples, 'prometheus')).toMatchFileSnapshot('../golden/views.txt')
    const shown = new Set(samples.flat().map(one => one.metric.name))
    const all = [patroni, haproxy, pgbouncer].flatMap(({ metrics }) => Object.values<{ name: string }>(metrics))
    for (const { name } of [...all, ...Object.values(sessionMetrics)]) expect([...shown]).toContain(name)
  })

  it('are these, if SES is asked, the outbox has mails and a canary arrived', async () => {
    const samples = samplesOf(delivery(), exporter)
    await expect(await expose(samples, 'prometheus')).toMatchFileSnapshot('../golden/delivery.txt')
    const shown = new Set(samples.flat().map(one => one.metric.name))
    for (const { name } of [ses, outbox, canary].flatMap(({ metrics }) => Object.values<{ name: string }>(metrics)))
      expect([...shown]).toContain(name)
  })

  it('have exactly the labels that are documented', () => {
    const metrics = catalogue.flatMap(group => group.metrics)
    for (const seen of [incidentSeen, healthySeen, {}])
      for (const { metric, labels } of samplesOf(statusOf(seen), exporter).flat()) {
        expect(metrics, metric.name).toContain(metric)
        expect(Object.keys(labels).sort(), metric.name).toEqual([...metric.labels].sort())
      }
  })

  it('have four states of a check that has not run yet, and no time of a run', () => {
    const mine = ofCheck(samplesOf(statusOf({}), exporter).flat(), 'vault-01')
    expect(mine.filter(one => one.metric.name === 'mailpath_check_verdict').map(value)).toEqual([0, 0, 0, 1])
    expect(names(mine)).toEqual([
      'mailpath_check_failures_total',
      'mailpath_check_interval_seconds',
      'mailpath_check_reason',
      'mailpath_check_runs_total',
      'mailpath_check_verdict',
      'mailpath_check_verdict_since_timestamp_seconds',
    ])
  })

  it('have only the time of the last run of a stale check, and nothing that it saw', () => {
    const fresh = ofCheck(samplesOf(statusOf(healthySeen), exporter).flat(), 'vault-01')
    const stale = ofCheck(samplesOf(statusOf(healthySeen, at + 60_000), exporter).flat(), 'vault-01')
    expect(names(fresh)).toContain('mailpath_vault_state')
    expect(names(stale)).toEqual([
      'mailpath_check_failures_total',
      'mailpath_check_interval_seconds',
      'mailpath_check_last_ok_timestamp_seconds',
      'mailpath_check_last_run_timestamp_seconds',
      'mailpath_check_reason',
      'mailpath_check_runs_total',
      'mailpath_check_verdict',
      'mailpath_check_verdict_since_timestamp_seconds',
    ])
    const lastRun = stale.find(one => one.metric.name === 'mailpath_check_last_run_timestamp_seconds')
    expect(lastRun?.value).toBe((at - 4_000) / 1000)
  })

  it('have one series for two reasons of one code', async () => {
    const [first, ...others] = statusOf({}).checks
    if (!first) throw new Error('there is no check')
    const twice = { ...first, ...finding('', [...first.reasons, ...first.reasons], []) }
    const text = await expose(samplesOf({ ...incident, checks: [twice, ...others] }, exporter), 'prometheus')
    const series = seriesIn(text).map(line => line.slice(0, line.lastIndexOf(' ')))
    expect(new Set(series).size).toBe(series.length)
  })

  it.skipIf(!known)('are clean for promtool, with the process metrics', async () => {
    const text = await expose(samplesOf(incident, exporter), 'prometheus', await watchProcess()())
    // It asks for bytes. The length of a key is in bits, in each standard and each remedy.
    const others = text.replaceAll(/^.*mailpath_dns_dkim_key_bits.*\n/gm, '')
    expect(await runProcess(promtool ?? '', ['check', 'metrics'], { input: others })).toBe('')
  })
})

const ofCheck = (samples: readonly Sample[], target: string): Sample[] =>
  samples.filter(one => one.labels['target'] === target && !one.metric.name.startsWith('mailpath_mail_'))
const names = (samples: readonly Sample[]): string[] => [...new Set(samples.map(one => one.metric.name))].sort()
const value = (one: Sample): number => one.value
