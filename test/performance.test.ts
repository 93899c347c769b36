/** docs/performance.md and its picture follow from bench/results, and say of them what they show. */
import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import type { Line } from '../bench/experiment.ts'
import { experiments } from '../bench/experiments/index.ts'
import { chart } from '../bench/report/chart.ts'
import { headline, performancePage } from '../bench/report/page.ts'
import { readResults, resultOf, type Result } from '../bench/report/results.ts'

const environment = { machine: '2 × some CPU', versions: { 'Node.js': 'v20.0.0' } }

/** An experiment with one line, and what was measured of it. */
function resultWith(line: Partial<Line>, ours: readonly number[], peer?: readonly number[]): Result {
  const one = { what: 'Scrape', unit: 'ms', better: 'lower', ...line } as const
  const outcome = { lines: { one: { ours, ...(peer && { peer }) } } }
  const of = { id: 'one', title: 'One', how: 'By hand.', lines: { one }, measure: () => Promise.resolve(outcome) }
  return resultOf(of, outcome, { on: '2026-01-12', environment, loadAverage: 1 })
}
const ratio = (bound: number) => ({ kind: 'ratio', bound }) as const

describe('the page of the performance', () => {
  it('is that of the results', async () => {
    const results = await readResults(experiments.map(one => one.id))
    await expect(performancePage(results)).toMatchFileSnapshot('../docs/performance.md')
    await expect(chart(results.flatMap(result => result.curves))).toMatchFileSnapshot('../docs/performance.svg')
    expect(await readFile(new URL('../README.md', import.meta.url), 'utf8')).toContain(`\n${headline(results) ?? ''}\n`)
  })

  it.each([
    [
      { goal: ratio(0.5) },
      [4, 1, 9],
      [10, 10, 8],
      '| 4 ms (1–9) | other: 10 ms (8–10) | 0.40 × | at most 0.50 × | met |',
    ],
    [{ goal: ratio(0.3) }, [4], [10], '| 4 ms | other: 10 ms | 0.40 × | at most 0.30 × | **missed** |'],
    [{ goal: ratio(3), better: 'higher' }, [40], [10], '| 40 ms | other: 10 ms | 4 × | at least 3 × | met |'],
    [{ goal: ratio(3), better: 'higher' }, [20], [10], '| 20 ms | other: 10 ms | 2 × | at least 3 × | **missed** |'],
    [{ goal: { kind: 'value', bound: 4 } }, [4], [10], '| 4 ms | other: 10 ms | 0.40 × | at most 4 ms | met |'],
    [{}, [4], [10], '| 4 ms | other: 10 ms | 0.40 × |  |  |'],
  ] as const)('says of %j, ours %j and theirs %j: %s', (line, ours, theirs, row) => {
    expect(performancePage([resultWith({ ...line, peer: 'other' }, ours, theirs)])).toContain(row)
  })

  const lossesOf = (result: Result): string =>
    performancePage([result]).split('## Where it loses')[1]?.split('##')[0]?.trim() ?? ''

  it('tells where a goal is missed, and where a peer is better', () => {
    expect(lossesOf(resultWith({ goal: ratio(0.3), peer: 'other' }, [4], [10]))).toBe(
      '- Scrape: 4 ms, 0.40 × that of other; the goal is at most 0.30 ×.',
    )
    expect(lossesOf(resultWith({ peer: 'other' }, [20], [10]))).toBe('- Scrape: 20 ms, 2 × that of other.')
    expect(lossesOf(resultWith({ goal: { kind: 'value', bound: 30 }, peer: 'other' }, [20], [10]))).toBe(
      '- Scrape: 20 ms, 2 × that of other.',
    )
  })

  it('names who is measured where it is not the exporter, and counts that as no loss', () => {
    const result = resultWith({ subject: 'a third', peer: 'other' }, [20], [10])
    expect(performancePage([result])).toContain('| a third: 20 ms | other: 10 ms | 2 × |')
    expect(lossesOf(result)).toBe('Nowhere in what is measured here.')
  })

  it('does not tell of a loss where there is none', () => {
    const none = 'Nowhere in what is measured here.'
    expect(lossesOf(resultWith({ peer: 'other' }, [4], [10]))).toBe(none)
    // Slower than the peer, and as fast as was aimed at.
    expect(lossesOf(resultWith({ goal: ratio(1.6), peer: 'bare Node.js' }, [15], [10]))).toBe(none)
  })
})
