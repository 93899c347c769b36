import { expect, it } from 'vitest'
import { gapsKept, setBack, withGap, type Gap } from '../../src/history/gaps.ts'
import { movePast } from '../../src/history/remember.ts'
import { dayMs, uptimeOf } from '../../src/history/uptime.ts'
import { start } from '../status/looked.ts'
import { after, during, hour, minute } from './looks.ts'

const down = ['write_path/app read_only'] as const

it('moves only what was after the clock was set forward, if it is set back by as much', () => {
  const { move, gaps } = setBack([{ from: 100, ms: 50 }], 50)
  expect([90, 100, 150, 160].map(move)).toEqual([90, 100, 100, 110])
  expect(gaps).toEqual([])
})

it('takes the last gap first, keeps what is left of one, and moves all by what no gap explains', () => {
  const both: Gap[] = [
    { from: 100, ms: 50 },
    { from: 300, ms: 20 },
  ]
  expect(setBack(both, 5).gaps).toEqual([both[0], { from: 300, ms: 15 }])
  expect([200, 320, 400].map(setBack(both, 5).move)).toEqual([200, 315, 395])
  expect([50, 200, 400].map(setBack(both, 30).move)).toEqual([50, 190, 370])
  expect([50, 200, 400].map(setBack(both, 100).move)).toEqual([20, 120, 300])
  expect(setBack(both, 100).gaps).toEqual([])
  expect([50, 200].map(setBack([], 10).move)).toEqual([40, 190])
})

it('never changes the order, whatever the gaps and the step', () => {
  let seed = 7
  const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below
  for (let i = 0; i < 500; i++) {
    const gaps = Array.from({ length: random(6) }, () => ({ from: random(1_000), ms: random(300) })).sort(
      (a, b) => a.from - b.from,
    )
    const { move } = setBack(gaps, random(1_500))
    const moved = Array.from({ length: 150 }, (_, n) => move(n * 10))
    expect(moved).toEqual([...moved].sort((a, b) => a - b))
  }
})

it('keeps only the newest', () => {
  const all = Array.from({ length: 50 }, (_, i) => i).reduce<readonly Gap[]>(
    (gaps, i) => withGap(gaps, { from: i, ms: 1 }),
    [],
  )
  expect([all.length, all.at(-1)]).toEqual([gapsKept, { from: 49, ms: 1 }])
})

it('leaves incidents of before, uptime and what is open honest after a clock that went forward and back', () => {
  const before = after([
    ...during(0, hour, { app: 'ok' }),
    ...during(hour, hour + minute, { app: down }),
    ...during(hour + minute, 2 * hour, { app: 'ok' }),
    ...during(2 * hour, 2 * hour + 5 * minute, { app: down }),
  ])
  const ahead = 30 * minute
  const now = 2 * hour + 5 * minute
  const wrong = after(during(now + ahead, now + ahead + 5 * minute, { app: down }), before)
  expect(wrong.history.incidents[0]?.unseenMs).toBeGreaterThan(20 * minute)
  const { move } = setBack(wrong.gaps, ahead)
  const right = movePast(wrong, move)
  const [open, over] = right.history.incidents
  expect(over).toEqual(before.history.incidents[1])
  expect(open).toMatchObject({ startedAt: start + 2 * hour, endedAt: undefined })
  expect(open?.unseenMs).toBeLessThan(minute)
  const healed = after([[now + 5 * minute, { app: 'ok' }]], { ...right, gaps: [] })
  expect(healed.history.incidents[0]).toMatchObject({ startedAt: start + 2 * hour })
  const { up, down: not, unknown } = uptimeOf(healed.history.uptime.get('app'), healed.at, dayMs)
  // What was seen before the clock was set forward counts for 45 s more.
  expect(Math.abs(up - (2 * hour - minute))).toBeLessThan(minute)
  expect(Math.abs(not - 11 * minute)).toBeLessThanOrEqual(minute)
  expect(up + not + unknown).toBe(dayMs)
})
