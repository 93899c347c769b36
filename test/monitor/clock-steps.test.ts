import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createLog } from '../../src/core/log.ts'
import { createLedger } from '../../src/monitor/ledger.ts'
import { after, during, hour, minute } from '../history/looks.ts'
import { start } from '../status/looked.ts'

const now = start + 2 * hour
// The monotonic clock is that of the machine: only the wall clock is set.
beforeEach(() => void vi.useFakeTimers({ now, toFake: ['Date'] }))
afterEach(() => void vi.useRealTimers())

const past = after([
  ...during(0, hour, { app: 'ok' }),
  ...during(hour, hour + minute, { app: ['write_path/app read_only'] }),
  ...during(hour + minute, 2 * hour, { app: 'ok' }),
])

/** A ledger without checks, which was told what happened. */
const ledgerOf = () =>
  createLedger(
    { checks: [], mail: [] },
    createLog('error', 'json', () => undefined),
    undefined,
    past,
  )

it.each([[30 * minute], [90 * minute], [400 * 24 * hour]])(
  'leaves an incident of before where it was after the clock was set forward and back by %i ms',
  ms => {
    const ledger = ledgerOf()
    const times = () => ledger.past()?.history.incidents.map(({ startedAt, endedAt }) => [startedAt, endedAt])
    ledger.assess()
    const before = times()
    expect(before).toHaveLength(1)
    vi.setSystemTime(now + ms)
    ledger.assess()
    vi.setSystemTime(now)
    ledger.assess()
    const moved = times()
      ?.flat()
      .map((at, i) => Math.abs((at ?? 0) - (before?.flat()[i] ?? 0)))
    // The two clocks differ by what the machine took.
    expect(Math.max(...(moved ?? [Infinity]))).toBeLessThan(minute)
  },
)
