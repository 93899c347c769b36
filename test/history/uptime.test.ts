import { expect, it } from 'vitest'
import { dayMs, monthMs, uptimeOf, withSpan, type Span } from '../../src/history/uptime.ts'
import { start } from '../status/looked.ts'
import { after, during, hour, minute, second, type At } from './looks.ts'

const down = ['write_path/app read_only'] as const
const uptimeAfter = (looks: readonly At[], windowMs = dayMs) => {
  const { history, at } = after(looks)
  const { up, down, unknown } = uptimeOf(history.uptime.get('app'), at, windowMs)
  return { up: up / minute, down: down / minute, unknown: unknown / minute }
}

it('counts what was up and down, and calls the rest unknown', () => {
  expect(uptimeAfter([[0, { app: 'ok' }]])).toEqual({ up: 0, down: 0, unknown: 1440 })
  const looks = [
    ...during(0, hour, { app: 'warn' }),
    ...during(hour, 2 * hour, { app: down }),
    ...during(2 * hour, 3 * hour, { app: 'ok' }),
  ]
  expect(uptimeAfter([...looks, [3 * hour, { app: 'ok' }]])).toEqual({ up: 120, down: 60, unknown: 1260 })
})

it('counts a time in which nobody looked, or in which it was not known, as neither', () => {
  expect(
    uptimeAfter([
      ...during(0, hour, { app: 'ok' }),
      ...during(hour, 2 * hour, { app: 'unknown' }),
      [2 * hour, { app: 'ok' }],
      [2 * hour + 30 * minute, { app: 'ok' }],
      [2 * hour + 30 * minute + 30 * second, { app: 'ok' }],
    ]),
    // After the look at two hours 45 seconds count, as its evidence does.
  ).toEqual({ up: 60 + 0.75 + 0.5, down: 0, unknown: 1440 - 61.25 })
})

it('forgets what is older than the window', () => {
  const looks = [...during(0, hour, { app: down }), ...during(hour, 25 * hour, { app: 'ok' }, 30 * second)]
  expect(uptimeAfter([...looks, [25 * hour, { app: 'ok' }]])).toEqual({ up: 1440, down: 0, unknown: 0 })
  expect(uptimeAfter([...looks, [25 * hour, { app: 'ok' }]], monthMs)).toMatchObject({ up: 1440, down: 60 })
})

it('has few spans however often it changes, and they tell the same to a window that holds them all', () => {
  const state = { spans: [] as readonly Span[], up: 0, down: 0 }
  // A generator with a fixed seed.
  let random = 7
  const next = (max: number): number => (random = (random * 48_271) % 2_147_483_647) % max
  let at = start
  while (at < start + monthMs) {
    const took = 1 + next(20 * minute)
    const isUp = next(2) === 0
    state.spans = withSpan(state.spans, at, at + took, isUp)
    state[isUp ? 'up' : 'down'] += took
    at += took + (next(10) === 0 ? next(hour) : 0)
    const { up, down, unknown } = uptimeOf({ past: state.spans, now: undefined }, at, dayMs)
    expect(up + down + unknown).toBeCloseTo(dayMs, 0)
  }
  expect(state.spans.length).toBeLessThanOrEqual(1_440 + 2)
  const { up, down } = uptimeOf({ past: state.spans, now: undefined }, at, monthMs + dayMs)
  expect([up, down]).toEqual([state.up, state.down])
})
