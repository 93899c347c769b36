import { defaultMaxListeners } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Verdict } from '../../src/core/probe.ts'
import { historyLength } from '../../src/monitor/ledger.ts'
import { landingOn, node, path, primaryFacts, standbyFacts, start } from '../status/looked.ts'
import { checkOf, fine, never, untilAborted } from './checks.ts'
import {
  broken,
  counted,
  inTurn,
  lookOf,
  lookedOf,
  odd,
  monitored,
  monitoredFor,
  runFor,
  type Monitored,
} from './monitored.ts'
import { valueOf } from '../probes/values.ts'

beforeEach(() => void vi.useFakeTimers({ now: start }))
afterEach(() => void vi.useRealTimers())

const verdictOf = ({ monitor }: Monitored): Verdict | undefined => monitor.status().checks[0]?.verdict
const recordOf = ({ monitor }: Monitored, id = 'fake/it') => monitor.status().records.get(id)

describe('a monitor', () => {
  it('runs each check on its own interval, and spreads their first runs', async () => {
    const names = ['a', 'b', 'c', 'd']
    const all = names.map(target => inTurn([fine], { target }))
    const slow = inTurn([fine], { target: 'slow', intervalMs: 30_000 })
    await runFor(monitored(...all.map(({ check }) => check), slow.check), 60_000)
    const firsts = all.map(({ began }) => began[0] ?? NaN)
    expect(firsts.every(at => at >= 0 && at < 1_000)).toBe(true)
    expect(new Set(firsts).size).toBe(names.length)
    for (const { began } of all) expect(began).toEqual([0, 1, 2, 3, 4, 5].map(n => (began[0] ?? NaN) + n * 10_000))
    expect(slow.began).toHaveLength(2)
  })

  it('begins no more checks in a second where there are many of them', async () => {
    const all = Array.from({ length: 300 }, (_, n) => inTurn([fine], { target: `t${n}` }))
    await runFor(monitored(...all.map(({ check }) => check)), 7_000)
    const began = all.flatMap(one => one.began)
    expect(began).toHaveLength(all.length)
    const inSecond = [0, 1, 2, 3, 4, 5].map(second => began.filter(at => Math.floor(at / 1_000) === second).length)
    for (const count of inSecond) expect(count).toBeLessThan(80)
  })

  it('knows nothing before the first run, and everything after every check has run once', async () => {
    const one = monitored(inTurn([fine]).check, inTurn([broken], { target: 'slow' }, 700).check)
    expect([one.monitor.ready(), verdictOf(one), recordOf(one)]).toEqual([false, 'unknown', undefined])
    const running = one.monitor.runAll(one.stop.signal)
    await vi.advanceTimersByTimeAsync(699)
    expect([one.monitor.ready(), verdictOf(one)]).toEqual([false, 'ok'])
    await vi.advanceTimersByTimeAsync(1)
    await running
    expect([one.monitor.ready(), one.monitor.status().checks.map(({ verdict }) => verdict)]).toEqual([
      true,
      ['ok', 'fail'],
    ])
    expect(one.monitor.status().startedAt).toBe(start)
  })

  it('runs more checks at once than a signal has listeners by default, and Node warns of no leak', async () => {
    const warnings: string[] = []
    const onWarning = ({ name }: Error): number => warnings.push(name)
    process.on('warning', onWarning)
    try {
      const checks = Array.from(
        { length: defaultMaxListeners + 1 },
        (_, n) => inTurn([fine], { target: `t${n}` }).check,
      )
      await monitored(...checks).monitor.runAll(new AbortController().signal)
      // Node tells of a warning in the next turn.
      await nextTurn()
    } finally {
      process.off('warning', onWarning)
    }
    expect(warnings).toEqual([])
  })

  it('gives a status that stays as it is, also while it is rendered over several turns', async () => {
    const one = monitored(inTurn([fine]).check)
    await one.monitor.runAll(one.stop.signal)
    const status = one.monitor.status()
    await one.monitor.runAll(one.stop.signal)
    expect([status.records.get('fake/it')?.runs, recordOf(one)?.runs]).toEqual([1, 2])
  })

  it('has one run of a check under way, however many ask for it', async () => {
    const { check, began } = inTurn([fine], {}, 1_000)
    const one = monitored(check)
    const both = Promise.all([one.monitor.runAll(one.stop.signal), one.monitor.runAll(one.stop.signal)])
    await vi.advanceTimersByTimeAsync(1_000)
    await both
    expect([began.length, recordOf(one)?.runs]).toEqual([1, 1])
    const again = one.monitor.runAll(one.stop.signal)
    await vi.advanceTimersByTimeAsync(1_000)
    await again
    expect(began).toHaveLength(2)
  })

  it('counts runs and failures, and remembers the last one that was ok', async () => {
    const one = monitored(inTurn([broken, fine, odd, broken]).check)
    for (const _ of [1, 2, 3, 4]) {
      await one.monitor.runAll(one.stop.signal)
      await vi.advanceTimersByTimeAsync(1_000)
    }
    expect(recordOf(one)).toMatchObject({
      runs: 4,
      failures: 2,
      lastOkAt: start + 1_000,
      history: ['fail', 'ok', 'warn', 'fail'],
    })
  })

  it('remembers no more than the last verdicts', async () => {
    const one = monitored(inTurn([broken, broken, fine]).check)
    for (let n = 0; n <= historyLength; n++) await one.monitor.runAll(one.stop.signal)
    expect(recordOf(one)).toMatchObject({ runs: historyLength + 1, failures: 2 })
    expect(recordOf(one)?.history).toEqual(['fail', ...Array.from({ length: historyLength - 1 }, () => 'ok')])
    expect(historyLength).toBe(50)
  })
})

describe('what is old', () => {
  it('is unknown after three intervals without a run, without samples, and never ok', async () => {
    const [first] = [node('db-1', primaryFacts(1))]
    const one = monitored(lookOf(first))
    await one.monitor.runAll(one.stop.signal)
    await vi.advanceTimersByTimeAsync(45_000)
    expect(verdictOf(one)).toBe('ok')
    expect(one.monitor.status().checks[0]?.samples.length).toBeGreaterThan(0)
    await vi.advanceTimersByTimeAsync(1)
    const { checks, clusters, samples } = one.monitor.status()
    expect(checks[0]).toMatchObject({ verdict: 'unknown', stale: true, samples: [] })
    expect(clusters[0]).toMatchObject({ primary: undefined, primaries: undefined, verdict: 'unknown' })
    expect(valueOf({ samples }, 'mailpath_cluster_primaries')).toBeUndefined()
    expect(recordOf(one, 'postgres/db-1')).toMatchObject({ lastOkAt: start, history: ['ok'] })
  })

  it('tells that the loop hangs', async () => {
    const one = monitored(checkOf(() => Promise.resolve(fine), { intervalMs: 10_000, timeoutMs: 5_000 }))
    await one.monitor.runAll(one.stop.signal)
    await vi.advanceTimersByTimeAsync(34_999)
    expect(one.monitor.alive()).toBe(true)
    await vi.advanceTimersByTimeAsync(1)
    expect(one.monitor.alive()).toBe(false)
  })

  it('does not call a check that fails at every deadline a hanging loop', async () => {
    const one = monitored(checkOf(never, { intervalMs: 10_000, timeoutMs: 9_500 }))
    const running = one.monitor.run(one.stop.signal)
    for (let n = 0; n < 30; n++) {
      await vi.advanceTimersByTimeAsync(5_000)
      expect(one.monitor.alive()).toBe(true)
    }
    expect(verdictOf(one)).toBe('fail')
    one.stop.abort()
    await vi.advanceTimersByTimeAsync(250)
    await running
  })
})

describe('the log', () => {
  it('has a line for each change of a verdict, and for nothing else', async () => {
    const one = monitored(inTurn([fine, fine, broken, broken, odd, fine]).check)
    for (let n = 0; n < 8; n++) await one.monitor.runAll(one.stop.signal)
    const about = { probe: 'fake', target: 'it' }
    expect(one.logged).toEqual([
      { level: 'info', ...about, to: 'ok', msg: 'all is well' },
      { level: 'warn', ...about, from: 'ok', to: 'fail', reason: 'broken', msg: 'it is broken' },
      { level: 'warn', ...about, from: 'fail', to: 'warn', reason: 'odd', msg: 'it is odd' },
      { level: 'info', ...about, from: 'warn', to: 'ok', msg: 'all is well' },
    ])
  })

  it('tells once what a mail path is, and not before every check has run', async () => {
    const one = monitoredFor([{ name: 'app', provider: 'smtp', write_path: [] }], inTurn([fine]).check)
    one.monitor.status()
    for (let n = 0; n < 3; n++) await one.monitor.runAll(one.stop.signal)
    const told = one.logged.filter(entry => 'mail_path' in entry)
    expect(told).toMatchObject([{ level: 'warn', mail_path: 'app', to: 'unknown', reason: 'mail_provider_not_probed' }])
  })

  it('tells once that a check went stale, and that it came back', async () => {
    const one = monitored(inTurn([fine]).check)
    await one.monitor.runAll(one.stop.signal)
    await vi.advanceTimersByTimeAsync(31_000)
    for (const _ of [1, 2]) one.monitor.status()
    await one.monitor.runAll(one.stop.signal)
    expect(one.logged.map(({ from, to, reason: code }) => [from, to, code])).toEqual([
      [undefined, 'ok', undefined],
      ['ok', 'unknown', 'stale'],
      ['unknown', 'ok', undefined],
    ])
  })

  it('tells of a check whose standing changes by what another one finds', async () => {
    const [landed, stranger] = [primaryFacts(1), primaryFacts(2, { system_identifier: '9' })]
    const one = monitored(lookOf(path('backend', [landingOn(landed)])), lookOf(node('db-2', stranger), 100))
    const running = one.monitor.runAll(one.stop.signal)
    await vi.advanceTimersByTimeAsync(100)
    await running
    expect(one.logged.map(({ target, from, to, reason: code }) => [target, from, to, code])).toEqual([
      ['backend', undefined, 'ok', undefined],
      ['backend', 'ok', 'fail', 'write_path_other_cluster'],
      ['db-2', undefined, 'ok', undefined],
    ])
  })
})

describe('a clock that is set', () => {
  const hour = 3_600_000
  const setBy = (ms: number): void => void vi.setSystemTime(Date.now() + ms)

  it('back makes nothing younger', async () => {
    const one = monitored(inTurn([fine]).check)
    await one.monitor.runAll(one.stop.signal)
    setBy(-hour)
    await vi.advanceTimersByTimeAsync(29_000)
    expect(verdictOf(one)).toBe('ok')
    expect(recordOf(one)?.lastOkAt).toBe(start - hour)
    await vi.advanceTimersByTimeAsync(1_001)
    expect(verdictOf(one)).toBe('unknown')
    expect(one.monitor.status().startedAt).toBe(start - hour)
  })

  it('back does not keep a split brain unconfirmed', async () => {
    const [a, b] = [node('db-1', primaryFacts(1)), node('db-2', primaryFacts(2))]
    const one = monitored(lookOf(a, 2_000), lookOf(b, 2_000))
    const running = one.monitor.run(one.stop.signal)
    await vi.advanceTimersByTimeAsync(3_500)
    expect(one.monitor.status().clusters[0]?.splitBrain).toBeUndefined()
    setBy(-hour)
    await vi.advanceTimersByTimeAsync(3_000)
    expect(one.monitor.status().clusters[0]?.splitBrain).toBe(true)
    one.stop.abort()
    await vi.advanceTimersByTimeAsync(5_000)
    await running
  })

  it('forward makes what was seen old until it is seen again, as after a sleep, and adds to no outage', async () => {
    const one = monitored(lookOf(path('app', [landingOn(standbyFacts(1))])))
    const running = one.monitor.run(one.stop.signal)
    await vi.advanceTimersByTimeAsync(20_000)
    const outage = () =>
      valueOf({ samples: one.monitor.status().samples }, 'mailpath_write_path_outage_seconds_total') ?? NaN
    const before = outage()
    setBy(hour)
    expect([verdictOf(one), one.monitor.alive()]).toEqual(['unknown', true])
    await vi.advanceTimersByTimeAsync(15_000)
    expect(verdictOf(one)).toBe('fail')
    expect(outage() - before).toBeLessThanOrEqual(16)
    expect(one.logged).toContainEqual(expect.objectContaining({ seconds: 3_600 }))
    one.stop.abort()
    await vi.advanceTimersByTimeAsync(5_000)
    await running
  })
})

describe('a suspected split brain', () => {
  const promoted = primaryFacts(2, { wal_file_timeline: '00000002' })

  it('is looked into at once, and is confirmed by the second look', async () => {
    const looks = [lookOf(node('db-1', primaryFacts(1)), 20), lookOf(node('db-2', promoted), 40)]
    const [first, second] = looks.map(counted)
    if (!first || !second) throw new Error('there are two checks')
    const one = monitored(first.check, second.check)
    await runFor(one, 5_000)
    expect([first.began.length, second.began.length]).toEqual([2, 2])
    expect(one.monitor.status().clusters[0]).toMatchObject({ splitBrain: true, primary: 'db-2', verdict: 'fail' })
  })

  it('is cleared by the second look, where the first one was from before a promotion', async () => {
    const [before, after] = [
      node('db-1', primaryFacts(1)),
      node('db-1', standbyFacts(1, { received_timeline: 2, upstream_host: '10.0.0.122' })),
    ]
    let looks = 0
    const old = { ...lookOf(before), look: () => Promise.resolve(lookedOf(looks++ === 0 ? before : after)) }
    const one = monitored(old, lookOf(node('db-2', promoted)))
    await one.monitor.runAll(one.stop.signal)
    expect(looks).toBe(2)
    expect(one.monitor.status().clusters[0]).toMatchObject({ splitBrain: false, primary: 'db-2', verdict: 'ok' })
    expect(one.monitor.status().recheck).toEqual([])
  })
})

describe('a shutdown', () => {
  it('ends a run under way, which is not recorded, and all that waits', async () => {
    const one = monitored(
      checkOf(look => untilAborted(look.signal)),
      inTurn([fine], { target: 'waits' }).check,
    )
    await runFor(one, 3_000)
    expect([recordOf(one), recordOf(one, 'fake/waits')?.runs]).toEqual([undefined, 1])
    expect([one.monitor.ready(), one.logged.length]).toEqual([false, 1])
  })

  it('looks into nothing any more', async () => {
    const looks = [node('db-1', primaryFacts(1)), node('db-2', primaryFacts(2))].map(one => counted(lookOf(one)))
    const one = monitored(...looks.map(({ check }) => check))
    one.stop.abort()
    await one.monitor.runAll(one.stop.signal)
    expect(looks.flatMap(({ began }) => began)).toEqual([])
  })
})
