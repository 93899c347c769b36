import fc from 'fast-check'
import { Counter, Gauge, Registry, type RegistryContentType } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { counter, gauge, sample, type Sample } from '../../src/core/metric.ts'
import { visible } from '../../src/core/shown.ts'
import { samplesOf } from '../../src/exposition/samples.ts'
import { contentTypes, expose, formats } from '../../src/exposition/text-format.ts'
import { exporter, incidentSeen, statusOf } from '../status/incident.ts'

const incident = statusOf(incidentSeen)

/** The samples of a text, without comments. */
const seriesIn = (text: string): string[] => text.split('\n').filter(line => line !== '' && !line.startsWith('#'))

describe('the text', () => {
  const one = gauge('mailpath_test_one', 'One.', ['a', 'b'])
  const total = counter('mailpath_test_things_total', 'Things.')

  it('escapes labels, and keeps series apart whose labels look alike', async () => {
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

  it('spells infinity as Prometheus does', async () => {
    const text = await expose([sample(one, Infinity, { a: '', b: '' })], 'prometheus')
    expect(seriesIn(text)).toEqual(['mailpath_test_one{a="",b=""} +Inf'])
  })

  it('has the last value of a series that is given twice', async () => {
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

  it('does not depend on the groups of the samples, also where two groups share a series', async () => {
    const label = fc.constantFrom('', 'x', 'y"', 'y', 'y,', 'y}', 'y\\', 'y\n', 'yz')
    const any = fc.record({ metric: fc.constant(one), value: fc.nat(), labels: fc.record({ a: label, b: label }) })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(any, { maxLength: 3 })), async groups => {
        expect(await expose(groups, 'prometheus')).toBe(await expose([groups.flat()], 'prometheus'))
      }),
    )
  })

  it('is made of the groups of now, also where most of them were written before', async () => {
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

/** What prom-client writes for one sample of each metric. */
const byPromClient = (samples: readonly Sample[], type: RegistryContentType): Promise<string> => {
  const registry = new Registry<RegistryContentType>()
  registry.setContentType(type)
  for (const { metric, labels, value } of samples) {
    const config = { name: metric.name, help: metric.help, labelNames: metric.labels, registers: [registry] }
    const own = Object.fromEntries(metric.labels.map(label => [label, visible(labels[label] ?? '', 1_024)]))
    if (metric.type === 'gauge') new Gauge(config).set(own, value)
    else new Counter(config).inc(own, value)
  }
  return registry.metrics()
}

describe('prom-client', () => {
  const label = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(fc.constantFrom('"', '\\', '\n', '\r', ',', '}', '\u202e', '\ud800', 'é', '日', '📬', ' 1'))
      .map(parts => parts.join('')),
    fc.constant('x'.repeat(2_000)),
  )
  const odd = fc.constantFrom(0, -0, Infinity, -Infinity, 1e21, 1e-7, 5e-324, Number.MAX_VALUE, -1.5e-9, 0.1 + 0.2)
  const labels = fc.uniqueArray(fc.constantFrom('target', 'a', 'B_2', 'reason'))
  const values = fc.record({ target: label, a: label, B_2: label, reason: label })
  const ofGauge = fc.record({
    metric: labels.map(names => gauge('mailpath_test_gauge', 'A gauge.', names)),
    value: fc.oneof(odd, fc.double({ noNaN: true }), fc.integer()),
    labels: values,
  })
  const ofCounter = fc.record({
    metric: labels.map(names => counter('mailpath_test_total', 'A counter.', names)),
    value: fc.oneof(fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }), fc.nat()),
    labels: values,
  })

  it.each(formats)('writes the same for any labels and numbers, as %s', async format => {
    await fc.assert(
      fc.asyncProperty(fc.tuple(ofGauge, ofCounter), async samples => {
        expect(await expose([samples], format)).toBe(await byPromClient(samples, contentTypes[format]))
      }),
      { numRuns: 500 },
    )
  })
})

describe('the lines of a group', () => {
  const one = gauge('mailpath_test_one', 'One.', ['target'])
  const other = gauge('mailpath_test_other', 'Other.', ['target'])
  /** How often a label was read: once for each line that is written. */
  const reads = { count: 0 }
  const group = (target: string): Sample[] => {
    const read = () => {
      reads.count++
      return target
    }
    return [one, other].map(metric => ({
      metric,
      value: 1,
      labels: Object.defineProperty({}, 'target', { get: read }),
    }))
  }

  it('are written once, and those of a group that is gone are gone', async () => {
    reads.count = 0
    const [a, b, c] = [group('a'), group('b'), group('c')]
    await expose([b, a], 'prometheus')
    const text = await expose([c, b], 'openmetrics')
    expect(seriesIn(text)).toEqual([
      'mailpath_test_one{target="b"} 1',
      'mailpath_test_one{target="c"} 1',
      'mailpath_test_other{target="b"} 1',
      'mailpath_test_other{target="c"} 1',
    ])
    expect(reads.count).toBe(6)
  })

  it('are written in parts where there are many, with turns of the event loop between them', async () => {
    reads.count = 0
    const groups = Array.from({ length: 5_000 }, (_, n) => group(String(n)))
    let turns = 0
    const parts: number[] = []
    const counting = setInterval(() => {
      turns++
      parts.push(reads.count)
    }, 0)
    const text = await expose(groups, 'prometheus')
    clearInterval(counting)
    parts.push(reads.count)
    expect(turns).toBeGreaterThan(0)
    expect(Math.max(...parts.map((count, i) => count - (parts[i - 1] ?? 0)))).toBeLessThan(10_000)
    expect(seriesIn(text).filter(line => line.startsWith('mailpath_test_one{'))).toHaveLength(5_000)
  })
})
