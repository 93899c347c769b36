import { spawn, type ChildProcess } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Unresolved } from '../src/core/errors.ts'
import { createLog } from '../src/core/log.ts'
import { finding, type Check, type Finding } from '../src/core/probe.ts'
import { pressureNow, wasStarved } from '../src/core/pressure.ts'
import { createMonitor } from '../src/monitor/index.ts'
import { checkOf, fine, never, noReferences, reason } from './monitor/checks.ts'
import { waitFor } from './servers/ports.ts'

const busy: ChildProcess[] = []

/** Three processes for each CPU that do nothing but compute; they end by themselves after a minute. */
const computing = 'const end = Date.now() + 60_000; while (Date.now() < end);'

const isLinux = process.platform === 'linux'

beforeEach(async () => {
  for (let n = 0; n < 3 * availableParallelism(); n++)
    busy.push(spawn(process.execPath, ['-e', computing], { stdio: 'ignore' }))
  let before = pressureNow()
  const isStarved = (): boolean => {
    const now = pressureNow()
    const starved = wasStarved(before, now)
    before = now
    return starved
  }
  if (isLinux) await waitFor(isStarved, { what: 'the machine is short of CPU' })
})
afterEach(async () => {
  await Promise.all(
    busy.splice(0).map(child => {
      const ended = new Promise(resolve => child.once('close', resolve))
      child.kill('SIGKILL')
      return ended
    }),
  )
})

/** A check that hangs in its first look, and finds this in the second. */
function onceLate(second: () => Promise<Finding>): { readonly check: Check; readonly looks: () => number } {
  let looks = 0
  const check = checkOf(() => (++looks === 1 ? never() : second()), { timeoutMs: 500, intervalMs: 60_000 })
  return { check, looks: () => looks }
}

async function verdictOf({ check }: { readonly check: Check }) {
  const log = createLog('error', 'json', () => undefined)
  const monitor = createMonitor({ checks: [check], mail: [] }, noReferences, log)
  await monitor.runAll(new AbortController().signal)
  return monitor.status().checks[0]?.reasons.map(({ code }) => code)
}

describe.runIf(isLinux)('on a machine that is short of CPU', () => {
  it('a server that came too late once is not blamed', async () => {
    const late = onceLate(() => Promise.resolve(fine))
    expect([await verdictOf(late), late.looks()]).toEqual([[], 2])
  })

  it('a server that hangs is reported by what was seen first', async () => {
    const late = onceLate(never)
    expect([await verdictOf(late), late.looks()]).toEqual([['deadline_exceeded'], 2])
  })

  it('what the second look finds counts', async () => {
    const late = onceLate(() => Promise.resolve(finding('', [reason('refused', 'it refused')], [])))
    expect([await verdictOf(late), late.looks()]).toEqual([['refused'], 2])
  })

  it('a file that could not be read in time is not blamed', async () => {
    const check = checkOf(
      async ({ signal }) => {
        // With work to do at every moment, as with hundreds of checks.
        while (!signal.aborted) await setImmediate()
        throw new Unresolved('file /run/secrets/smtp: no answer')
      },
      { timeoutMs: 2_000, intervalMs: 60_000 },
    )
    expect(await verdictOf({ check })).toEqual(['exporter_starved'])
  })

  it('a failure that is no matter of time is not looked at again: it may have been a login', async () => {
    let looks = 0
    const check = checkOf(() => {
      looks++
      return Promise.resolve(finding('', [reason('refused', 'it refused')], []))
    })
    expect([await verdictOf({ check }), looks]).toEqual([['refused'], 1])
  })
})
