import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Roles } from '../../src/assess/assessment.ts'
import { createLog } from '../../src/core/log.ts'
import { burstMs, createWaker, maxRounds, roundMs } from '../../src/monitor/wake.ts'

beforeEach(() => void vi.useFakeTimers({ now: 0 }))
afterEach(() => void vi.useRealTimers())

const intervalMs = 15_000
const unchanged: Roles = { cluster: 'kb', checks: ['postgres/db-1'], intervalMs, changed: false, settled: true }

/** A waker over a cluster that is found to be like this, each time it is looked at. */
function waking(find: () => Partial<Roles>, tookMs = 10) {
  const looks: number[] = []
  const stop = new AbortController()
  const waker = createWaker(createLog('error', 'json', () => undefined))
  const wake = async (isChange = false): Promise<boolean> => {
    const rounds = waker.wake('kb', { text: 'the test', isChange }, stop.signal)
    for (;;) {
      const { done, value } = await rounds.next()
      if (done) return value
      void look().then(value.looked)
    }
  }
  const take = (...roles: readonly Roles[]): void => waker.assessed(roles).forEach(() => void wake(true))
  const found = (): void => take({ ...unchanged, ...find() })
  const look = async (): Promise<void> => {
    looks.push(Date.now())
    await new Promise(resolve => setTimeout(resolve, tookMs))
    found()
  }
  take(unchanged)
  return { waker, looks, stop, wake, take, found }
}

/** True the first time it is asked. */
const once = () => {
  let asked = 0
  return (): boolean => asked++ === 0
}

describe('a cluster that is woken', () => {
  it('is looked at once if everything is as before, and that is logged', async () => {
    const { looks, wake, waker } = waking(() => ({}))
    const news = wake()
    await vi.advanceTimersByTimeAsync(burstMs)
    expect([looks.length, await news]).toEqual([1, false])
    expect(waker.counts()).toEqual([{ cluster: 'kb', count: 1 }])
  })

  it('is looked at in rounds until its roles have settled, and then no more', async () => {
    const isNew = once()
    const { looks, wake } = waking(() => ({ changed: isNew(), settled: Date.now() > 3_000 }))
    const news = wake()
    await vi.advanceTimersByTimeAsync(2_900)
    const inBetween = looks.slice(1).map((at, i) => at - (looks[i] ?? NaN))
    expect(inBetween.length).toBeGreaterThan(9)
    expect(new Set(inBetween)).toEqual(new Set([roundMs]))
    await vi.advanceTimersByTimeAsync(burstMs)
    expect(await news).toBe(true)
    expect(looks.at(-1)).toBeLessThanOrEqual(3_000 + 3 * roundMs)
  })

  it('is not looked at for longer than a burst, however long it stays unsettled', async () => {
    const isNew = once()
    const { looks, wake } = waking(() => ({ changed: isNew(), settled: false }))
    const news = wake()
    await vi.advanceTimersByTimeAsync(10 * burstMs)
    expect(await news).toBe(true)
    expect(looks.length).toBeLessThanOrEqual(burstMs / roundMs)
    expect(looks.at(-1)).toBeLessThan(burstMs)
  })

  it('is looked at in rounds while a first look hangs, once something has changed', async () => {
    const { looks, wake, take, stop } = waking(() => ({}), 5_000)
    void wake()
    await vi.advanceTimersByTimeAsync(2_000)
    expect(looks).toHaveLength(1)
    take({ ...unchanged, changed: true, settled: false })
    await vi.advanceTimersByTimeAsync(1_000)
    expect(looks.length).toBeGreaterThan(3)
    stop.abort()
    await vi.advanceTimersByTimeAsync(5_000)
  })

  it('has one burst at a time, whatever wakes it', async () => {
    const isNew = once()
    const { looks, wake, waker } = waking(() => ({ changed: isNew(), settled: false }))
    const both = [wake()]
    await vi.advanceTimersByTimeAsync(1_000)
    both.push(wake())
    await vi.advanceTimersByTimeAsync(burstMs)
    expect(await Promise.all(both)).toEqual([true, true])
    expect(new Set(looks).size).toBe(looks.length)
    expect(waker.counts()[0]?.count).toBe(1)
  })

  it('is looked at again if another watch ends while nothing has changed yet', async () => {
    const { looks, wake } = waking(() => ({ changed: looks.length === 2, settled: looks.length !== 2 }))
    const both = [wake()]
    await vi.advanceTimersByTimeAsync(roundMs / 2)
    both.push(wake())
    await vi.advanceTimersByTimeAsync(burstMs)
    expect(await Promise.all(both)).toEqual([true, true])
    expect(looks[1]).toBe(roundMs / 2)
  })

  it('is woken by a role that changed, without anybody else', async () => {
    const isNew = once()
    const { looks, found, waker } = waking(() => ({ changed: isNew() }))
    found()
    await vi.advanceTimersByTimeAsync(burstMs)
    expect(looks.length).toBeGreaterThanOrEqual(1)
    expect(looks.length).toBeLessThanOrEqual(4)
    expect(waker.counts()[0]?.count).toBe(1)
  })

  it.each([
    ['is down and up again all the time', () => ({ changed: true, settled: false })],
    ['only ends our watch, all the time', () => ({})],
  ])('no more than doubles its runs on a long day in which a server %s', async (_, find) => {
    const { looks, wake, stop } = waking(find)
    const hours = 4
    const poking = setInterval(() => void wake(), 1_000)
    await vi.advanceTimersByTimeAsync(hours * 3_600_000)
    clearInterval(poking)
    const inTurn = (hours * 3_600_000) / intervalMs
    expect(looks.length).toBeLessThanOrEqual(maxRounds + inTurn)
    expect(looks.length).toBeGreaterThan(inTurn / 2)
    stop.abort()
    await vi.advanceTimersByTimeAsync(1_000)
  })

  it('is left alone when everything stops, at once and for good', async () => {
    const { looks, wake, stop } = waking(() => ({ changed: true, settled: false }))
    const woken = wake()
    await vi.advanceTimersByTimeAsync(1_000)
    stop.abort()
    const before = looks.length
    await vi.advanceTimersByTimeAsync(0)
    await woken
    expect(await wake()).toBe(false)
    await vi.advanceTimersByTimeAsync(burstMs)
    expect([looks.length, vi.getTimerCount()]).toEqual([before, 0])
  })

  it('is forgotten when it is no longer watched', async () => {
    const { waker, take, wake } = waking(() => ({}))
    take()
    expect([await wake(), waker.counts()]).toEqual([false, []])
  })
})
