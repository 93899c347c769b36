import { describe, expect, it } from 'vitest'
import { gauge, sample, type Sample } from '../../src/core/metric.ts'
import { linesByMetric } from '../../src/exposition/lines.ts'

const one = gauge('mailpath_test_one', 'One.', ['target'])
const other = gauge('mailpath_test_other', 'Other.', ['target'])
const group = (target: string): Sample[] => [one, other].flatMap(metric => sample(metric, 1, { target }))

/** Writes lines, and counts them. */
function writer() {
  const counted = { lines: 0, most: 0 }
  const write = (byMetric: ReadonlyMap<unknown, readonly Sample[]>): Promise<string[][]> => {
    const all = [...byMetric.values()].map(samples => samples.map(({ labels }) => `${labels['target'] ?? ''} 1`))
    counted.lines += all.flat().length
    counted.most = Math.max(counted.most, all.flat().length)
    return Promise.resolve(all)
  }
  return { counted, write }
}

describe('the lines of groups', () => {
  it('are written once for each group, and those of a group that is gone are gone', async () => {
    const { counted, write } = writer()
    const [a, b, c] = [group('a'), group('b'), group('c')]
    await linesByMetric([b, a], write)
    const lines = await linesByMetric([c, b], write)
    expect([lines.get(one), lines.get(other)]).toEqual(['b 1\nc 1\n', 'b 1\nc 1\n'])
    expect(counted.lines).toBe(6)
  })

  it('are written in parts where there are many, with turns of others between them', async () => {
    const { counted, write } = writer()
    const groups = Array.from({ length: 5_000 }, (_, n) => group(String(n)))
    let turns = 0
    const counting = setInterval(() => turns++, 0)
    const lines = await linesByMetric(groups, write)
    clearInterval(counting)
    expect(turns).toBeGreaterThan(0)
    expect(counted.most).toBeLessThan(10_000)
    expect(lines.get(one)?.split('\n')).toHaveLength(5_001)
  })
})
