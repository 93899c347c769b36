import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { counter, gauge, sample, type Sample } from '../../src/core/metric.ts'
import { finding } from '../../src/core/probe.ts'
import { formatFor } from '../../src/exposition/accept.ts'
import { catalogue, samplesOf } from '../../src/exposition/catalogue.ts'
import { contentTypes, expose, watchProcess } from '../../src/exposition/registry.ts'
import { have, needs, runProcess } from '../servers/processes.ts'
import { at, exporter, healthySeen, incidentSeen, statusOf } from '../status/incident.ts'

const incident = statusOf(incidentSeen)
const promtool = have('promtool')
const known = needs('promtool', promtool, 'apt-get install prometheus')

/** The samples of a text, by series. */
const seriesIn = (text: string): string[] => text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
const familiesIn = (text: string): string[] => [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name = '']) => name)

describe('what is exposed of a status', () => {
  it('is this, as Prometheus text', async () => {
    await expect(await expose(samplesOf(incident, exporter), 'prometheus')).toMatchFileSnapshot('../golden/metrics.txt')
  })

  it('is this, as OpenMetrics', async () => {
    const text = await expose(samplesOf(incident, exporter), 'openmetrics')
    await expect(text).toMatchFileSnapshot('../golden/openmetrics.txt')
  })

  it('has exactly the labels each metric is documented with', () => {
    const metrics = catalogue.flatMap(group => group.metrics)
    for (const seen of [incidentSeen, healthySeen, {}])
      for (const { metric, labels } of samplesOf(statusOf(seen), exporter).flat()) {
        expect(metrics, metric.name).toContain(metric)
        expect(Object.keys(labels).sort(), metric.name).toEqual([...metric.labels].sort())
      }
  })

  it('has four states of each check before it ran, and no time of a run', () => {
    const mine = ofCheck(samplesOf(statusOf({}), exporter).flat(), 'vault-01')
    expect(mine.filter(one => one.metric.name === 'mailpath_check_verdict').map(value)).toEqual([0, 0, 0, 1])
    expect(names(mine)).toEqual([
      'mailpath_check_failures_total',
      'mailpath_check_interval_seconds',
      'mailpath_check_reason',
      'mailpath_check_runs_total',
      'mailpath_check_verdict',
    ])
  })

  it('has nothing of what a stale check saw but when that was', () => {
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
    ])
    const lastRun = stale.find(one => one.metric.name === 'mailpath_check_last_run_timestamp_seconds')
    expect(lastRun?.value).toBe((at - 4_000) / 1000)
  })

  it('tells two reasons of one code as one series', async () => {
    const [first, ...others] = statusOf({}).checks
    if (!first) throw new Error('there is no check')
    const twice = { ...first, ...finding('', [...first.reasons, ...first.reasons], []) }
    const text = await expose(samplesOf({ ...incident, checks: [twice, ...others] }, exporter), 'prometheus')
    const series = seriesIn(text).map(line => line.slice(0, line.lastIndexOf(' ')))
    expect(new Set(series).size).toBe(series.length)
  })

  it.skipIf(!known)('is clean for promtool, with the process metrics', async () => {
    const text = await expose(samplesOf(incident, exporter), 'prometheus', await watchProcess()())
    expect(await runProcess(promtool ?? '', ['check', 'metrics'], { input: text })).toBe('')
  })
})

const ofCheck = (samples: readonly Sample[], target: string): Sample[] =>
  samples.filter(one => one.labels['target'] === target && !one.metric.name.startsWith('mailpath_mail_'))
const names = (samples: readonly Sample[]): string[] => [...new Set(samples.map(one => one.metric.name))].sort()
const value = (one: Sample): number => one.value

describe('the text', () => {
  const one = gauge('mailpath_test_one', 'One.', ['a', 'b'])
  const total = counter('mailpath_test_things_total', 'Things.')

  it('escapes labels, and keeps values apart that only look alike', async () => {
    const hostile = 'a "quoted"\\path\nnext {x="y"} 1'
    const samples = [
      ...sample(one, 1, { a: hostile, b: '' }),
      ...sample(one, 2, { a: 'x,b:y', b: 'z' }),
      ...sample(one, 3, { a: 'x', b: 'y,b:z' }),
    ]
    expect(seriesIn(await expose([samples], 'prometheus'))).toEqual([
      String.raw`mailpath_test_one{a="a \"quoted\"\\path next {x=\"y\"} 1",b=""} 1`,
      'mailpath_test_one{a="x",b="y,b:z"} 3',
      'mailpath_test_one{a="x,b:y",b="z"} 2',
    ])
  })

  it('has infinity as Prometheus spells it', async () => {
    const text = await expose([sample(one, Infinity, { a: '', b: '' })], 'prometheus')
    expect(seriesIn(text)).toEqual(['mailpath_test_one{a="",b=""} +Inf'])
  })

  it('has one value of a series, the last, whatever it is given', async () => {
    const samples = [...sample(one, 1, { a: '', b: '' }), ...sample(one, 2, { a: '', b: '' })]
    expect(seriesIn(await expose([samples], 'prometheus'))).toEqual(['mailpath_test_one{a="",b=""} 2'])
  })

  it('has no trace of what was exposed before', async () => {
    await expose([sample(one, 1, { a: '', b: '' })], 'prometheus')
    expect(seriesIn(await expose([], 'prometheus'))).toEqual([])
  })

  it('does not depend on the order of the samples', async () => {
    const samples = samplesOf(incident, exporter)
    const text = await expose(samples, 'prometheus')
    const all = samples.flat()
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(all, { minLength: all.length }), async shuffled => {
        expect(await expose([shuffled], 'prometheus')).toBe(text)
      }),
      { numRuns: 5 },
    )
  })

  it('is the same in whatever groups the samples come, where groups have series of each other too', async () => {
    const label = fc.constantFrom('', 'x', 'y"', 'y', 'y,', 'y}', 'y\\', 'y\n', 'yz')
    const any = fc.record({ metric: fc.constant(one), value: fc.nat(), labels: fc.record({ a: label, b: label }) })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(any, { maxLength: 3 })), async groups => {
        expect(await expose(groups, 'prometheus')).toBe(await expose([groups.flat()], 'prometheus'))
      }),
    )
  })

  it('is that of the groups as they are now, however often most of them were written before', async () => {
    const group = (a: string, value: number): Sample[] => sample(one, value, { a, b: '' })
    const [first, second, third] = [group('a', 1), group('b', 2), group('c', 3)]
    await expose([first, second, third], 'prometheus')
    expect(seriesIn(await expose([group('c', 4), first, group('d', 5)], 'prometheus'))).toEqual([
      'mailpath_test_one{a="a",b=""} 1',
      'mailpath_test_one{a="c",b=""} 4',
      'mailpath_test_one{a="d",b=""} 5',
    ])
  })

  it('names counters as OpenMetrics has it, and ends once', async () => {
    const text = await expose([sample(total, 3, {})], 'openmetrics')
    expect(text).toBe(
      '# HELP mailpath_test_things Things.\n# TYPE mailpath_test_things counter\nmailpath_test_things_total 3\n# EOF\n',
    )
  })
})

describe('the process metrics', () => {
  let text: string
  let openMetrics: string
  let after: string
  beforeAll(async () => {
    const families = watchProcess()
    openMetrics = await expose([], 'openmetrics', await families())
    text = await expose([], 'prometheus', await families())
    after = await expose([], 'openmetrics', await families())
  })

  it('are there in both formats, whatever was rendered before', () => {
    expect(familiesIn(text)).toEqual(expect.arrayContaining(['process_cpu_seconds_total', 'process_open_fds']))
    expect(familiesIn(openMetrics)).toContain('process_cpu_seconds')
    expect(seriesIn(openMetrics).some(line => line.startsWith('process_cpu_seconds_total '))).toBe(true)
    expect(after).toBe(openMetrics)
  })

  it('end OpenMetrics exactly once', () => expect(openMetrics.match(/^# EOF$/gm)).toHaveLength(1))

  it('are not gathered anew within a second', async () => {
    const families = watchProcess()
    expect(await families()).toBe(await families())
  })

  it('say nothing that is not known', () => expect(text).not.toMatch(/ nan$/im))
})

describe('the format by the Accept header', () => {
  const prometheus2 =
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'
  it.each([
    [undefined, 'prometheus'],
    ['', 'prometheus'],
    ['*/*', 'prometheus'],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'prometheus'],
    [prometheus2, 'openmetrics'],
    ['application/openmetrics-text; version=1.0.0; charset=utf-8', 'openmetrics'],
    ['application/openmetrics-text;q=0.2,text/plain;q=0.9', 'prometheus'],
    ['text/plain;q=0.2,application/openmetrics-text;q=0.9', 'openmetrics'],
    ['Application/OpenMetrics-Text; Version="1.0.0"', 'openmetrics'],
    ['application/openmetrics-text;q=0', 'prometheus'],
    ['application/openmetrics-text;version=2.0.0', 'prometheus'],
    ['application/openmetrics-text;q=much', 'prometheus'],
    ['application/json', 'prometheus'],
    [';;;q=,,=', 'prometheus'],
  ] as const)('%s → %s', (accept, format) => expect(formatFor(accept)).toBe(format))

  it('is the one the content type names', () => {
    expect(contentTypes.prometheus).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(contentTypes.openmetrics).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
  })
})
