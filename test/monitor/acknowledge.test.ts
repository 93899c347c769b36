import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Config } from '../../src/config/load.ts'
import { createReloader } from '../../src/config/reload.ts'
import { createLog } from '../../src/core/log.ts'
import type { Check } from '../../src/core/probe.ts'
import { valueOf } from '../probes/values.ts'
import { node, primaryFacts, start } from '../status/looked.ts'
import { noReferences } from './checks.ts'
import { lookedOf, monitored } from './monitored.ts'

beforeEach(() => void vi.useFakeTimers({ now: start }))
afterEach(() => void vi.useRealTimers())

it('a reload, also of an unchanged file, ends the reason of lost writes; their count stays', async () => {
  // The WAL position goes back in the second run, and again in the fourth.
  const positions = [9_000, 8_000, 8_000, 7_000]
  const { check } = node('db-1', primaryFacts(1))
  const primary: Check = {
    ...check,
    look: () => Promise.resolve(lookedOf(node('db-1', primaryFacts(1, { wal_lsn: positions.shift() ?? 7_000 })))),
  }
  const { monitor, stop } = monitored(primary)
  const config = { checks: [primary], mail: [] } as unknown as Config
  const { reload } = createReloader({
    config,
    load: () => Promise.resolve(config),
    apply: next => monitor.swap(next, noReferences),
    seen: () => {
      monitor.acknowledge()
    },
    log: createLog('error', 'json', () => undefined),
    stop: stop.signal,
  })
  const run = async () => {
    await vi.advanceTimersByTimeAsync(1_000)
    await monitor.runAll(stop.signal)
  }
  const lost = () => monitor.status().clusters[0]?.reasons.map(({ code }) => code)
  const times = () => valueOf(monitor.status(), 'mailpath_cluster_timeline_went_back_total')

  await run()
  expect([lost(), times()]).toEqual([[], 0])
  await run()
  expect([lost(), times()]).toEqual([['cluster_timeline_went_back'], 1])
  expect((await reload()).error).toBeUndefined()
  expect([lost(), times()]).toEqual([[], 1])
  await run()
  expect([lost(), times()]).toEqual([[], 1])
  await run()
  expect([lost(), times()]).toEqual([['cluster_timeline_went_back'], 2])
})
