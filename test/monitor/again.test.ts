import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Check } from '../../src/core/probe.ts'
import { leastAgainMs, mostAgain } from '../../src/monitor/again.ts'
import { start } from '../status/looked.ts'
import { checkOf, fine, never, noReferences, sleep } from './checks.ts'
import { counted, monitored, runFor, type Monitored } from './monitored.ts'

beforeEach(() => void vi.useFakeTimers({ now: start }))
afterEach(() => void vi.useRealTimers())

const hour = 3_600_000

/** A check that runs once an hour. After each run in turn it asks for the next of these. */
function asking(asks: readonly (number | undefined)[], fields: Partial<Check> = {}, tookMs = 0) {
  let runs = 0
  return counted(
    checkOf(() => Promise.resolve(fine), {
      intervalMs: hour,
      config: { name: 'it' },
      look: async () => {
        const againInMs = asks[runs++]
        if (tookMs > 0) await sleep(tookMs)
        return { seen: {}, finding: fine, againInMs }
      },
      ...fields,
    }),
  )
}
const since = ([first = NaN, ...others]: readonly number[]): number[] => others.map(at => at - first)
/** Runs while `work` goes on. Nothing is left over then. */
async function whileRunning(one: Monitored, work: (one: Monitored) => Promise<void>): Promise<void> {
  const running = one.monitor.run(one.stop.signal)
  await work(one)
  one.stop.abort(new Error('SIGTERM'))
  await vi.advanceTimersByTimeAsync(6_000)
  await running
  expect(vi.getTimerCount()).toBe(0)
}
const runsOf = ({ monitor }: Monitored) => monitor.status().records.get('fake/it')?.runs

describe('a check that is worth one more run before its interval is over', () => {
  it('runs then, once for each time that it asks, and keeps its phase', async () => {
    const { check, began } = asking([60_000, 840_000, undefined])
    const one = monitored(check)
    await runFor(one, 2 * hour + 5_000)
    expect(since(began)).toEqual([60_000, 900_000, hour, 2 * hour])
    expect(runsOf(one)).toBe(5)
    expect(one.monitor.status().checks[0]?.observation?.finishedAt).toBe(start + (began.at(-1) ?? NaN))
  })

  it('does not run again where it asks for a time after its next regular run', async () => {
    const { check, began } = asking([hour + 1_000])
    await runFor(monitored(check), 2 * hour + 5_000)
    expect(since(began)).toEqual([hour, 2 * hour])
  })

  it('runs only a few times in an interval, and never at once, whatever it asks for', async () => {
    const { check, began } = asking(Array.from({ length: 50 }, () => 0))
    await runFor(monitored(check), hour + 100_000)
    const few = Array.from({ length: mostAgain }, (_, n) => (n + 1) * leastAgainMs)
    expect(since(began)).toEqual([...few, hour, ...few.map(ms => hour + ms)])
  })

  it('has one run at a time: a run under way counts', async () => {
    const { check, began } = asking([60_000, undefined], {}, 2_000)
    await whileRunning(monitored(check), async ({ monitor }) => {
      // The first run ends some time in the first three seconds, and this one begins less than two seconds before the other.
      await vi.advanceTimersByTimeAsync((began[0] ?? 0) + 61_000)
      void monitor.runNow('fake/it')
      await vi.advanceTimersByTimeAsync(20_000)
    })
    expect(began).toHaveLength(2)
  })

  it('forgets what it asked for when a run in between asks for nothing', async () => {
    const { check, began } = asking([60_000, undefined])
    await whileRunning(monitored(check), async ({ monitor }) => {
      await vi.advanceTimersByTimeAsync(30_000)
      await monitor.runNow('fake/it')
      await vi.advanceTimersByTimeAsync(60_000)
    })
    expect([began.length, began[1]]).toEqual([2, 30_000])
  })

  it('does not run again where the checks run once', async () => {
    const { check, began } = asking([1_000])
    const one = monitored(check)
    await one.monitor.runAll(one.stop.signal)
    await one.monitor.runNow('fake/it')
    await vi.advanceTimersByTimeAsync(20)
    expect(vi.getTimerCount()).toBe(0)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(began).toHaveLength(2)
  })

  it('does not run again after a stop, nor where the last run had to be cut off', async () => {
    const stopped = asking([10_000])
    await runFor(monitored(stopped.check), 5_000)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(stopped.began).toHaveLength(1)
    const { check, began } = counted(checkOf(never, { intervalMs: hour }))
    await runFor(monitored(check), 60_000)
    expect(began).toHaveLength(1)
  })

  it('still does after a reload that leaves it as it is, and not after one that ends it', async () => {
    const stays = asking([60_000])
    const goes = asking([60_000], { target: 'goes' })
    const one = monitored(stays.check, goes.check)
    await whileRunning(one, async ({ monitor }) => {
      await vi.advanceTimersByTimeAsync(30_000)
      monitor.swap({ checks: [asking([60_000]).check], mail: [] }, noReferences)
      // The timer of what stays, and that of its loop.
      await vi.advanceTimersByTimeAsync(20)
      expect(vi.getTimerCount()).toBe(2)
      await vi.advanceTimersByTimeAsync(60_000)
    })
    expect([since(stays.began), since(goes.began)]).toEqual([[60_000], []])
  })
})
