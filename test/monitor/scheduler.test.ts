import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { every, offsetOf } from '../../src/monitor/scheduler.ts'
import { sleep } from '../../src/core/clock.ts'

beforeEach(() => void vi.useFakeTimers({ now: 0 }))
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const take = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

/** Runs the loop for a while; gives the times at which a tick began. */
async function ticks(
  intervalMs: number,
  offsetMs: number,
  forMs: number,
  durations: readonly number[] = [],
): Promise<number[]> {
  const stop = new AbortController()
  const began: number[] = []
  let underWay = 0
  const loop = every(intervalMs, offsetMs, stop.signal, async () => {
    expect(++underWay).toBe(1)
    began.push(Date.now())
    await take(durations[began.length - 1] ?? 0)
    underWay--
  })
  await vi.advanceTimersByTimeAsync(forMs)
  stop.abort()
  await vi.advanceTimersByTimeAsync(10 * intervalMs)
  await loop
  expect([vi.getTimerCount(), getEventListeners(stop.signal, 'abort').length]).toEqual([0, 0])
  return began
}

describe('every', () => {
  it('calls after the offset, and then on every interval', async () => {
    expect(await ticks(1_000, 300, 3_500)).toEqual([300, 1_300, 2_300, 3_300])
    expect(await ticks(1_000, 0, 2_500)).toHaveLength(3)
  })

  it('does not drift by how long a tick takes', async () => {
    expect(await ticks(1_000, 0, 4_500, [10, 200, 999, 500])).toEqual([0, 1_000, 2_000, 3_000, 4_000])
  })

  it('follows a tick of 2.3 intervals at 3, 4, …, without making up for those it missed', async () => {
    expect(await ticks(1_000, 100, 6_000, [2_300])).toEqual([100, 3_100, 4_100, 5_100])
  })

  it('follows a tick of exactly one interval at the next', async () => {
    expect(await ticks(1_000, 0, 4_500, [1_000])).toEqual([0, 2_000, 3_000, 4_000])
  })

  it('does not call twice for one turn where timers fire a little early', async () => {
    const now = performance.now.bind(performance)
    vi.spyOn(performance, 'now').mockImplementation(() => now() * 0.9995)
    expect(await ticks(1_000, 100, 10_000)).toHaveLength(10)
  })

  it('stops at once while it waits, and calls no more', async () => {
    const stop = new AbortController()
    const tick = vi.fn(() => Promise.resolve())
    const loop = every(60_000, 30_000, stop.signal, tick)
    await vi.advanceTimersByTimeAsync(10_000)
    stop.abort()
    await loop
    expect([Date.now(), tick.mock.calls.length, vi.getTimerCount()]).toEqual([10_000, 0, 0])
  })

  it('waits for the tick under way', async () => {
    const stop = new AbortController()
    let ended: number | undefined
    const loop = every(1_000, 0, stop.signal, () => take(700)).then(() => (ended = Date.now()))
    await vi.advanceTimersByTimeAsync(200)
    stop.abort()
    await vi.advanceTimersByTimeAsync(400)
    expect(ended).toBeUndefined()
    await vi.advanceTimersByTimeAsync(100)
    await loop
    expect(ended).toBe(700)
  })

  it('never begins where it was stopped before', async () => {
    const tick = vi.fn(() => Promise.resolve())
    await every(1_000, 0, AbortSignal.abort(), tick)
    expect(tick).not.toHaveBeenCalled()
  })
})

describe('sleep', () => {
  it('leaves nothing on the signal, however it ends', async () => {
    const stop = new AbortController()
    const slept = Promise.all(Array.from({ length: 10 }, () => sleep(100, stop.signal)))
    await vi.advanceTimersByTimeAsync(100)
    await slept
    expect(getEventListeners(stop.signal, 'abort')).toEqual([])
    const cut = sleep(100, stop.signal)
    stop.abort()
    await cut
    expect([vi.getTimerCount(), getEventListeners(stop.signal, 'abort').length]).toEqual([0, 0])
  })
})

describe('the offset of a check', () => {
  const names = Array.from({ length: 200 }, (_, i) => `postgres/db-${i}`)

  it('is the same each time, and within its bounds', () => {
    expect(offsetOf('smtp/mail.keybuzz.io', 1_000)).toBe(offsetOf('smtp/mail.keybuzz.io', 1_000))
    for (const within of [1_000, 0.5, 7]) {
      const offsets = names.map(name => offsetOf(name, within))
      expect(offsets.every(offset => Number.isInteger(offset) && offset >= 0 && offset < Math.ceil(within))).toBe(true)
    }
    expect([offsetOf('a', 0), offsetOf('a', -1), offsetOf('', 1_000) < 1_000]).toEqual([0, 0, true])
  })

  it('spreads similar names over the whole of it', () => {
    const tenths = new Set(names.map(name => Math.floor(offsetOf(name, 1_000) / 100)))
    expect(tenths.size).toBe(10)
  })
})
