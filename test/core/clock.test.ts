import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { clockSteps } from '../../src/core/clock.ts'

beforeEach(() => void vi.useFakeTimers({ now: 1_700_000_000_000 }))
afterEach(() => void vi.useRealTimers())

const hour = 3_600_000

it('tells nothing while the clock only runs', () => {
  const step = clockSteps()
  const seen = [1, 1_000, hour].map(ms => {
    vi.advanceTimersByTime(ms)
    return step()
  })
  expect(seen).toEqual([0, 0, 0])
})

it('tells by how much the clock was set, once', () => {
  const step = clockSteps()
  vi.advanceTimersByTime(5_000)
  vi.setSystemTime(Date.now() + hour)
  expect([step(), step()]).toEqual([hour, 0])
  vi.advanceTimersByTime(5_000)
  vi.setSystemTime(Date.now() - 2 * hour)
  expect([step(), step()]).toEqual([-2 * hour, 0])
})

it('takes what time synchronisation does for the run of the clock', () => {
  const step = clockSteps()
  for (const ms of [300, -900, 999]) {
    vi.setSystemTime(Date.now() + ms)
    expect(step()).toBe(0)
  }
})
