import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Check } from '../../src/core/probe.ts'
import type { Changes } from '../../src/monitor/swap.ts'
import { node, primaryFacts, standbyFacts, start } from '../status/looked.ts'
import { fine, noReferences, references, untilAborted, checkOf } from './checks.ts'
import { broken, inTurn, lookOf, monitored, type Monitored } from './monitored.ts'
import { valueOf } from '../probes/values.ts'

beforeEach(() => void vi.useFakeTimers({ now: start }))
afterEach(() => void vi.useRealTimers())

const swapTo = ({ monitor }: Monitored, ...checks: readonly Check[]): Changes =>
  monitor.swap({ checks, mail: [] }, noReferences)
const idsOf = ({ monitor }: Monitored): string[] => monitor.status().checks.map(({ id }) => id)

/** Runs while `work` goes on. */
async function whileRunning(one: Monitored, work: () => Promise<void>): Promise<void> {
  const running = one.monitor.run(one.stop.signal)
  await work()
  one.stop.abort(new Error('SIGTERM'))
  await vi.advanceTimersByTimeAsync(6_000)
  await running
  expect(vi.getTimerCount()).toBe(0)
}

describe('a configuration that is swapped under way', () => {
  it('leaves a check that is as before its phase, its counters and its history', async () => {
    const { check, began } = inTurn([broken, fine], { config: { name: 'it' } })
    const one = monitored(check)
    await whileRunning(one, async () => {
      await vi.advanceTimersByTimeAsync(25_000)
      const runs = began.length
      const again = inTurn([broken], { config: { name: 'it' } })
      const more = inTurn([fine], { target: 'more' })
      expect(swapTo(one, again.check, more.check)).toEqual({ kept: 1, started: 1, ended: 0 })
      await vi.advanceTimersByTimeAsync(30_000)
      expect(again.began).toEqual([])
      expect(began).toEqual(Array.from({ length: runs + 3 }, (_, n) => (began[0] ?? NaN) + n * 10_000))
      const record = one.monitor.status().records.get('fake/it')
      expect([record?.runs, record?.failures, record?.history[0]]).toEqual([runs + 3, 1, 'fail'])
      expect(more.began.length).toBeGreaterThanOrEqual(3)
    })
  })

  it('lets the target of a new plan take over what is remembered of the one before, also where its check stays', () => {
    const before = checkOf(() => Promise.resolve(fine), { config: { name: 'it' } })
    const one = monitored(before)
    const inherit = vi.fn()
    const changed = { ...before, timeoutMs: 4_999, config: { name: 'it', timeout: 4_999 }, inherit }
    swapTo(one, changed)
    swapTo(one, { ...changed, config: { ...changed.config } })
    expect(inherit.mock.calls).toEqual([[before.config], [changed.config]])
  })

  it('records a run under way once where its check stays, and not at all where it is gone or another', async () => {
    const stays = inTurn([fine], { target: 'stays' }, 4_000)
    const goes = inTurn([fine], { target: 'goes' }, 4_000)
    const changes = inTurn([fine], { target: 'changes' }, 4_000)
    const one = monitored(stays.check, goes.check, changes.check)
    await whileRunning(one, async () => {
      await vi.advanceTimersByTimeAsync(2_000)
      expect([stays.began.length, goes.began.length, changes.began.length]).toEqual([1, 1, 1])
      const changed = inTurn([broken], { target: 'changes', timeoutMs: 4_999 }, 4_500)
      swapTo(one, stays.check, changed.check)
      await vi.advanceTimersByTimeAsync(3_400)
      const { records } = one.monitor.status()
      expect([...records].map(([id, { runs }]) => [id, runs])).toEqual([['fake/stays', 1]])
      await vi.advanceTimersByTimeAsync(2_000)
      expect(one.monitor.status().records.get('fake/changes')).toMatchObject({ runs: 1, history: ['fail'] })
    })
  })

  it('has nothing left of what is gone, at once, and knows nothing of what is changed until it has run', async () => {
    const one = monitored(inTurn([fine], { target: 'a' }).check, inTurn([fine], { target: 'b' }).check)
    await whileRunning(one, async () => {
      await vi.advanceTimersByTimeAsync(2_000)
      swapTo(one, inTurn([fine], { target: 'a', config: { name: 'another' } }).check)
      expect(idsOf(one)).toEqual(['fake/a'])
      expect(one.monitor.status().checks[0]).toMatchObject({ verdict: 'unknown', observation: undefined })
      expect([one.monitor.ready(), one.monitor.status().records.size]).toEqual([false, 0])
      await vi.advanceTimersByTimeAsync(1_100)
      expect([one.monitor.ready(), one.monitor.status().checks[0]?.verdict]).toEqual([true, 'ok'])
      // Back again: nothing of before is found.
      swapTo(one, inTurn([fine], { target: 'b' }).check)
      expect(one.monitor.status().checks[0]?.verdict).toBe('unknown')
    })
  })

  it('asks the new references from the next run on', async () => {
    const seen: string[] = []
    const check = checkOf(
      async look => {
        seen.push(await look.secret('password', { env: 'PASSWORD' }))
        return fine
      },
      { intervalMs: 10_000 },
    )
    const one = monitored(check)
    await whileRunning(one, async () => {
      one.monitor.swap(
        { checks: [check], mail: [] },
        references(() => Promise.resolve('old')),
      )
      await vi.advanceTimersByTimeAsync(5_000)
      one.monitor.swap(
        { checks: [check], mail: [] },
        references(() => Promise.resolve('new')),
      )
      await vi.advanceTimersByTimeAsync(10_000)
      expect(seen).toEqual(['old', 'new'])
    })
  })

  it('takes a primary that was renamed for no failover, and one that failed over meanwhile for one', async () => {
    const failovers = ({ monitor }: Monitored) =>
      valueOf({ samples: monitor.status().samples }, 'mailpath_cluster_failovers_total')
    const old = [lookOf(node('db-1', primaryFacts(1))), lookOf(node('db-2', standbyFacts(2)))]
    const renamed = [lookOf(node('pg-1', primaryFacts(1))), old[1] ?? old[0]] as Check[]
    const promoted = [
      lookOf(node('pg-1', standbyFacts(1))),
      { ...lookOf(node('db-2', primaryFacts(2))), timeoutMs: 4_000 },
    ] as Check[]
    const one = monitored(...old)
    await whileRunning(one, async () => {
      await vi.advanceTimersByTimeAsync(3_000)
      swapTo(one, ...renamed)
      await vi.advanceTimersByTimeAsync(3_000)
      expect([one.monitor.status().clusters[0]?.primary, failovers(one)]).toEqual(['pg-1', 0])
      swapTo(one, ...promoted.map((check, n) => ({ ...check, intervalMs: 20_000 + n })))
      await vi.advanceTimersByTimeAsync(3_000)
      expect([one.monitor.status().clusters[0]?.primary, failovers(one)]).toEqual(['db-2', 1])
    })
  })

  it('does not keep a shutdown waiting for what was taken out', async () => {
    const one = monitored(checkOf(look => untilAborted(look.signal)))
    await whileRunning(one, async () => {
      await vi.advanceTimersByTimeAsync(2_000)
      swapTo(one, inTurn([fine], { target: 'other' }).check)
    })
    expect(one.monitor.status().records.size).toBe(0)
  })
})
