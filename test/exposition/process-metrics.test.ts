import { Counter, Gauge, Histogram, Registry, Summary, type RegistryContentType } from 'prom-client'
import { beforeAll, describe, expect, it } from 'vitest'
import { familyOf, watchProcess } from '../../src/exposition/process-metrics.ts'
import { contentTypes, expose, formats } from '../../src/exposition/text-format.ts'

/** The samples of a text, without comments. */
const seriesIn = (text: string): string[] => text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
const familiesIn = (text: string): string[] => [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name = '']) => name)

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

  it('are there in both formats, after a text of the other format too', () => {
    expect(familiesIn(text)).toEqual(expect.arrayContaining(['process_cpu_seconds_total', 'process_open_fds']))
    expect(familiesIn(openMetrics)).toContain('process_cpu_seconds')
    expect(seriesIn(openMetrics).some(line => line.startsWith('process_cpu_seconds_total '))).toBe(true)
    expect(after).toBe(openMetrics)
  })

  it('end OpenMetrics exactly once', () => expect(openMetrics.match(/^# EOF$/gm)).toHaveLength(1))

  it('are collected at most once a second', async () => {
    const families = watchProcess()
    expect(await families()).toBe(await families())
  })

  it('have no sample without a value', () => expect(text).not.toMatch(/ nan$/im))

  it.each(formats)('are written as prom-client writes them, of every type, as %s', async format => {
    const registry = new Registry<RegistryContentType>()
    registry.setContentType(contentTypes[format])
    const config = (name: string) => ({
      name,
      help: `Of ${name}.`,
      labelNames: ['kind'],
      registers: [registry],
    })
    new Gauge(config('nodejs_test_gauge')).set({ kind: 'a "b"' }, 0.5)
    new Counter(config('process_test_total')).inc({ kind: 'a' }, 3)
    new Histogram(config('nodejs_test_histogram')).observe({ kind: 'major' }, 0.02)
    new Summary(config('nodejs_test_summary')).observe({ kind: 'minor' }, 1e-7)
    const names = registry.getMetricsAsArray().map(({ name }) => name)
    const metrics = await Promise.all(names.flatMap(name => registry.getSingleMetric(name)?.get() ?? []))
    expect(await expose([], format, metrics.map(familyOf))).toBe(await registry.metrics())
  })
})
