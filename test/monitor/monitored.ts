import { getEventListeners } from 'node:events'
import { expect, vi } from 'vitest'
import { createLog } from '../../src/core/log.ts'
import { finding, reasonsOf, type Check, type Finding } from '../../src/core/probe.ts'
import { createMonitor, type Monitor } from '../../src/monitor/index.ts'
import type { MailTarget } from '../../src/probes/mail/index.ts'
import { start, type Looked } from '../status/looked.ts'
import { checkOf, fine, noReferences, sleep } from './checks.ts'

const reason = reasonsOf({
  broken: { verdict: 'fail', severity: 'high', meaning: '', remedy: 'fix it' },
  odd: { verdict: 'warn', severity: 'low', meaning: '', remedy: 'fix it' },
})
export const broken = finding('', [reason('broken', 'it is broken')], [])
export const odd = finding('', [reason('odd', 'it is odd')], [])

/** A monitor, and what it logged. */
export interface Monitored {
  readonly monitor: Monitor
  readonly stop: AbortController
  /** Log entries, without their time. */
  readonly logged: Record<string, unknown>[]
}

export const monitored = (...checks: readonly Check[]): Monitored => monitoredFor([], ...checks)

/** The same, with mail paths over the checks. */
export function monitoredFor(mail: readonly MailTarget[], ...checks: readonly Check[]): Monitored {
  const logged: Record<string, unknown>[] = []
  const log = createLog('debug', 'json', line => {
    const { time: _, ...entry } = JSON.parse(line) as Record<string, unknown>
    logged.push(entry)
  })
  return { monitor: createMonitor({ checks, mail }, noReferences, log), stop: new AbortController(), logged }
}

/** A check that finds these one after the other, and then the last of them for ever. */
export function inTurn(findings: readonly Finding[], fields: Partial<Check> = {}, tookMs = 0) {
  const began: number[] = []
  const check = checkOf(
    async () => {
      began.push(Date.now() - start)
      if (tookMs > 0) await sleep(tookMs)
      return findings[Math.min(began.length, findings.length) - 1] ?? fine
    },
    { intervalMs: 10_000, timeoutMs: 5_000, ...fields },
  )
  return { check, began }
}

/** Runs for that long, and ends in order. */
export async function runFor({ monitor, stop }: Monitored, ms: number): Promise<void> {
  const running = monitor.run(stop.signal)
  await vi.advanceTimersByTimeAsync(ms)
  stop.abort(new Error('SIGTERM'))
  await vi.advanceTimersByTimeAsync(6_000)
  await running
  expect([vi.getTimerCount(), getEventListeners(stop.signal, 'abort').length]).toEqual([0, 0])
}

export const lookedOf = ({ observation }: Looked) => {
  if (!observation) throw new Error('nothing was looked at')
  const { seen, verdict, reasons, evidence, samples } = observation
  return { seen, finding: { verdict, reasons, evidence, samples } }
}

/** A check that finds what was looked at. */
export function lookOf(one: Looked, tookMs = 0): Check {
  return {
    ...one.check,
    look: async () => {
      if (tookMs > 0) await sleep(tookMs)
      return lookedOf(one)
    },
  }
}

/** The same check, and when it was looked at. */
export function counted(check: Check) {
  const began: number[] = []
  const look: Check['look'] = given => {
    began.push(Date.now() - start)
    return check.look(given)
  }
  return { check: { ...check, look }, began }
}
