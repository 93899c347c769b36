import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseConfig } from '../../src/config/load.ts'
import { createReferences } from '../../src/references/index.ts'
import { createLog } from '../../src/core/log.ts'
import type { Verdict } from '../../src/core/probe.ts'
import type { Status } from '../../src/monitor/ledger.ts'
import { pressureNow, wasStarved } from '../../src/core/pressure.ts'
import { createMonitor, type Monitor } from '../../src/monitor/index.ts'
import { secondLookMs } from '../../src/monitor/turn.ts'
import { withSections } from '../demo/config.ts'
import { describeStatus, mailOf, mismatches } from './expectation.ts'
import type { Area, Expectation, Fault, Stage, Times } from './fault.ts'
import { hastened } from './hastened.ts'
import { leaks } from './outputs.ts'

export const intervalMs = 1_000
export const timeoutMs = 700
/** What the last run takes beyond its deadline to wind up: from then on nothing may be called ok. */
const windUpMs = 400
/** What a slow machine may take beyond that. */
export const slackMs = 1_500
/** The promise: one interval, one deadline. */
export const withinMs = intervalMs + timeoutMs
/** How often it is asked meanwhile. */
const polls = 60
/** The first rounds, with a whole cluster still settling. */
const startMs = 15_000
/** For so long is tried again what failed while the machine was short of CPU. */
const patienceMs = 60_000
/** What one fault may take in all, in milliseconds: waited for is that it is well, that the fault is seen, and that it is healed. */
export const faultMs = 30_000 + 3 * patienceMs

/** What was measured of a fault that was told as expected, in milliseconds. */
export interface Proof {
  /** From the end of the injection until the whole expectation held; 0 where it held by then. */
  readonly detectedAfter: number
  /** From the end of healing until mail was as on a healthy stage. */
  readonly healedAfter: number
}

/** A stage with an exporter over it, under way. */
export interface Bench {
  /** Injects a fault by name, and heals it. Throws an Error that says what was expected and what was seen. */
  readonly prove: (name: string) => Promise<Proof>
  readonly stop: () => Promise<void>
}

/** Opens a bench of the area for its first fault, and another one after a fault that failed: what that left must not fail others. */
export function benchOf({ open }: Pick<Runnable, 'open'>): Bench {
  let bench: Bench | undefined
  const stop = async (): Promise<void> => {
    const old = bench
    bench = undefined
    await old?.stop()
  }
  return {
    async prove(name) {
      bench ??= await open()
      try {
        return await bench.prove(name)
      } catch (error) {
        await stop().catch(() => undefined)
        throw error
      }
    },
    stop,
  }
}

/** An area whose type of stage is gone: it can only be run. */
export interface Runnable {
  readonly name: string
  readonly faults: readonly Pick<Fault, 'name' | 'seen' | 'skip' | 'hidden'>[]
  /** Of the exporter: a fault takes some of them. */
  readonly intervalMs: number
  readonly open: () => Promise<Bench>
}

export const runnable = <S extends Stage>(area: Area<S>): Runnable => ({
  name: area.name,
  faults: area.faults,
  intervalMs: timesOf(area).intervalMs,
  open: () => openBench(area),
})

const timesOf = ({ times = { intervalMs, timeoutMs } }: Pick<Area, 'times'>): Times => times

/** The exporter over a stage. */
interface Exporter {
  readonly monitor: Monitor
  /** Lines of its log so far. */
  readonly logged: readonly string[]
  /** Settles when it was stopped. */
  readonly watching: Promise<void>
  /** One interval and one deadline. */
  readonly withinMs: number
  readonly pollMs: number
}

async function openBench<S extends Stage>(area: Area<S>): Promise<Bench> {
  const { start, faults, healthy = 'ok' } = area
  const times = timesOf(area)
  const stage = await start()
  const stop = new AbortController()
  setMaxListeners(0, stop.signal)
  const exporter = await startExporter(stage, times, stop.signal).catch(async (error: unknown) => {
    await stage.stop()
    throw error
  })
  let limitMs = startMs
  return {
    async prove(name) {
      const fault = faults.find(one => one.name === name)
      if (!fault) throw new Error(`there is no fault ${name}`)
      await fairly(() => untilHealthy(exporter, healthy, limitMs))
      limitMs = exporter.withinMs + slackMs
      return proveFault(exporter, stage, fault, healthy)
    },
    async stop() {
      stop.abort(new Error('the fault matrix has ended'))
      await exporter.watching
      await stage.stop()
    },
  }
}

/** In this process. */
function startExporter(stage: Stage, times: Times, stop: AbortSignal): Promise<Exporter> {
  return Promise.resolve().then(() => {
    const sections = { interval: `${times.intervalMs}ms`, timeout: `${times.timeoutMs}ms` }
    const config = hastened(parseConfig(withSections(stage.config, sections), 'mailpath.yml'), times.intervalMs)
    const references = createReferences({ env: stage.env, vaults: config.vaults, kubernetes: config.kubernetes })
    const logged: string[] = []
    const log = createLog('debug', 'json', line => logged.push(line))
    const monitor = createMonitor(config, references, log)
    const ownWithinMs = times.intervalMs + times.timeoutMs
    return { monitor, logged, watching: monitor.run(stop), withinMs: ownWithinMs, pollMs: ownWithinMs / polls }
  })
}

async function proveFault<S extends Stage>(
  exporter: Exporter,
  stage: S,
  fault: Fault<S>,
  healthy: Verdict,
): Promise<Proof> {
  const heal = () => (fault.heal ? fault.heal(stage) : stage.heal())
  let detectedAfter: number
  try {
    await fault.inject(stage)
    const injectedAt = performance.now()
    detectedAfter = (await fairly(() => untilDetected(exporter, fault.seen))) - injectedAt
    if (stage.secrets) await withoutLeaks(exporter, stage.secrets)
    await fault.meanwhile?.(stage)
    if (fault.halfway) await proveHalfway(exporter, stage, fault.halfway)
  } catch (error) {
    // The faults after this one have a right to a healthy stage.
    await heal()
      .catch(() => stage.heal())
      .catch(() => undefined)
    throw error
  }
  await heal()
  const healedAt = performance.now()
  await fairly(() => untilHealthy(exporter, healthy, exporter.withinMs + slackMs))
  return { detectedAfter, healedAfter: performance.now() - healedAt }
}

/** Tries again what failed while the machine was short of CPU: neither the exporter nor the servers beside it had their turn. */
export async function fairly<T>(attempt: () => Promise<T>): Promise<T> {
  const from = performance.now()
  for (;;) {
    const before = pressureNow()
    try {
      return await attempt()
    } catch (error) {
      if (performance.now() - from > patienceMs || !wasStarved(before, pressureNow())) throw error
    }
  }
}

async function withoutLeaks({ monitor, logged }: Exporter, secrets: readonly string[]): Promise<void> {
  const found = await leaks(monitor, logged, secrets)
  if (found.length > 0) throw new Error(found.join('\n    '))
}

async function proveHalfway<S extends Stage>(
  exporter: Exporter,
  stage: S,
  { step, seen }: NonNullable<Fault<S>['halfway']>,
): Promise<void> {
  const { monitor, pollMs } = exporter
  let falseOk: Error | undefined
  const watching = setInterval(() => {
    if (isFalseOk(seen, monitor)) falseOk ??= unexpected('while it was being healed', [], seen, monitor)
  }, pollMs)
  try {
    await step(stage)
    await fairly(() => untilDetected(exporter, seen))
  } finally {
    clearInterval(watching)
  }
  if (falseOk) throw falseOk
}

/**
 * Waits for the whole of the expectation, then for one more round in which it must go on to hold. Gives when it held first. A run
 * that began before all was injected saw only a part of the fault. What such a run ends is not held against the exporter: it has
 * its time to run again.
 */
async function untilDetected(exporter: Exporter, seen: Expectation): Promise<number> {
  const { monitor, withinMs, pollMs } = exporter
  const [from, injectedAt] = [performance.now(), Date.now()]
  let last = pressureNow()
  let starved = false
  // A machine that is short of CPU, be it for a moment, is given a second look.
  const promisedMs = (): number => {
    const now = pressureNow()
    starved ||= wasStarved(last, now)
    last = now
    return withinMs + (starved ? secondLookMs + windUpMs : 0)
  }
  for (;;) {
    let wrong = await mismatches(seen, monitor.status())
    while (wrong.length > 0 && performance.now() - from < promisedMs() + slackMs) {
      await sleep(pollMs)
      wrong = await mismatches(seen, monitor.status())
      if (performance.now() - from > promisedMs() + windUpMs && isFalseOk(seen, monitor)) break
    }
    const heldAt = performance.now()
    if (wrong.length > 0) throw unexpected(`not seen within ${Math.round(heldAt - from)} ms`, wrong, seen, monitor)
    const next = await nextRound(exporter, seen)
    if (next.wrong.length === 0) return heldAt
    if (notRunSince(injectedAt, next.status).length === 0)
      throw unexpected('was seen, and no longer holds in the next round', next.wrong, seen, monitor)
  }
}

/** Looks again and again until every check has begun a run after now, and ended it, or something is not as expected. */
async function nextRound(
  { monitor, withinMs, pollMs }: Exporter,
  seen: Expectation,
): Promise<{ readonly status: Status; readonly wrong: readonly string[] }> {
  const from = Date.now()
  for (;;) {
    await sleep(pollMs)
    const status = monitor.status()
    const wrong = await mismatches(seen, status)
    const old = notRunSince(from, status)
    if (wrong.length > 0 || old.length === 0) return { status, wrong }
    if (Date.now() - from > withinMs + 2 * slackMs)
      throw new Error(`these did not run again: ${old.map(one => one.id).join(', ')}`)
  }
}

/** The checks whose last run began before this moment (epoch, in milliseconds). */
const notRunSince = (moment: number, { checks }: Status): Status['checks'] =>
  checks.filter(({ observation }) => (observation?.startedAt ?? 0) < moment)

async function untilHealthy({ monitor, pollMs }: Exporter, healthy: Verdict, limitMs: number): Promise<void> {
  const from = performance.now()
  const isHealthy = (): boolean => monitor.ready() && mailOf(monitor.status()).verdict === healthy
  // Healing makes the first primary one again: what was committed on another is lost, and that stays until it was seen.
  const wentBack = (): boolean =>
    monitor.status().clusters.some(({ reasons }) => reasons.some(({ code }) => code === 'cluster_timeline_went_back'))
  while (!isHealthy()) {
    if (wentBack()) monitor.acknowledge()
    if (performance.now() - from > limitMs)
      throw new Error(`not healthy again within ${limitMs} ms\n  seen:\n    ${describeStatus(monitor.status())}`)
    await sleep(pollMs)
  }
}

const isFalseOk = (seen: Expectation, monitor: Monitor): boolean =>
  seen.verdict !== 'ok' && mailOf(monitor.status()).verdict === 'ok'

function unexpected(what: string, wrong: readonly string[], seen: Expectation, monitor: Monitor): Error {
  const status = monitor.status()
  const falseOk = isFalseOk(seen, monitor) ? 'FALSE OK: ' : ''
  return new Error(
    `${falseOk}${what}:\n    ${wrong.join('\n    ')}\n  expected:\n    ${JSON.stringify(seen)}\n  seen:\n    ${describeStatus(status)}`,
  )
}
