import { setMaxListeners } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { httpRequest } from '../../src/clients/http.ts'
import { parseConfig } from '../../src/config/load.ts'
import { createReferences } from '../../src/references/index.ts'
import { createLog } from '../../src/core/log.ts'
import type { Check } from '../../src/core/probe.ts'
import type { Status } from '../../src/monitor/ledger.ts'
import { createMonitor, type Monitor } from '../../src/monitor/index.ts'
// What is imported late is compiled late, by a process that stays: its descriptors would be none of the baseline.
import '../../src/probes/smtp/session.ts'
import { createRouter } from '../../src/web/router.ts'
import { exporterAtRest } from '../core/exporter-at-rest.ts'
import { listen } from '../servers/hostile.ts'
import { differences, unevenness, type Counts, type Reading } from './flat.ts'
import { countBackends, countOpen, memory } from './open.ts'
import type { Targets } from './targets.ts'

export interface SoakOptions {
  /** Runs of one check each. Checks run in turns of all of them. */
  readonly rounds: number
  /** After so many rounds a sample is taken, at the end of the turn. Default: 40 samples. */
  readonly every?: number
  /** No turn begins after this long. */
  readonly limitMs: number
  /** Checks besides those of the configuration. */
  readonly more?: readonly Check[]
  readonly onReading?: (reading: Reading, wrong: readonly string[]) => void
  readonly stop?: AbortSignal
}

export interface Soaked {
  readonly rounds: number
  readonly readings: readonly Reading[]
  readonly baseline: Counts
  /** Why it is not flat; none where it is. */
  readonly uneven: readonly string[]
  /** Whether the heap was read after GC, and so judged. */
  readonly afterGc: boolean
  /** As it stood at the end. */
  readonly status: Status
}

/** What is being closed has this long to be gone. */
const graceMs = 3_000
const pollMs = 25
const quietMs = 300
/** Runs all checks over and over, as fast as they come back, and compares what is open with what was open before. */
export async function soak(targets: Targets, options: SoakOptions): Promise<Soaked> {
  const stop = options.stop ?? new AbortController().signal
  const exporter = await startExporter(targets, options.more ?? [], stop)
  try {
    return await soakWith(exporter, targets, options, stop)
  } finally {
    await exporter.close()
  }
}

async function soakWith(
  exporter: Exporter,
  targets: Targets,
  { rounds: wanted, every = wanted / 40, limitMs, onReading }: SoakOptions,
  stop: AbortSignal,
): Promise<Soaked> {
  const { monitor } = exporter
  const startedAt = performance.now()
  // What was being closed when we came (of the start of the targets, of a test runner) is no part of the baseline.
  await sleep(quietMs)
  const baseline = { ...(await countBackends(targets.nodes)), ...exporter.open() }
  const readings: Reading[] = []
  for (let next = every; roundsOf(monitor) < wanted && performance.now() - startedAt < limitMs && !stop.aborted;) {
    const exposed = await exporter.turn()
    const rounds = roundsOf(monitor)
    if (rounds < Math.min(next, wanted)) continue
    next = rounds + every
    const counts = await settled(exporter, targets, baseline)
    targets.forget()
    const seconds = (performance.now() - startedAt) / 1000
    const reading = { rounds, seconds, ...(await memory()), series: byMetric(exposed), counts }
    readings.push(reading)
    onReading?.(reading, differences(counts, baseline))
  }
  const afterGc = typeof globalThis.gc === 'function'
  const status = monitor.status()
  const uneven = [...unevenness(readings, baseline, afterGc), ...working(status)]
  return { rounds: roundsOf(monitor), readings, baseline, uneven, afterGc, status }
}

/** A target that works proves nothing here. */
const working = ({ checks }: Status): string[] =>
  checks.filter(({ verdict }) => verdict === 'ok').map(({ id }) => `${id} is ok, and should fail`)

const roundsOf = (monitor: Monitor): number =>
  [...monitor.status().records.values()].reduce((sum, { runs }) => sum + runs, 0)

/** The monitor and its endpoints over the targets, as the daemon has them. */
interface Exporter {
  readonly monitor: Monitor
  /** Every check once, at the same time, and a scrape. Gives the series exposed. */
  readonly turn: () => Promise<readonly string[]>
  readonly open: () => Counts
  readonly close: () => Promise<void>
}

async function startExporter(targets: Targets, more: readonly Check[], stop: AbortSignal): Promise<Exporter> {
  setMaxListeners(0, stop)
  const config = parseConfig(targets.config, 'mailpath.yml')
  const references = createReferences({ env: targets.env, vaults: config.vaults, kubernetes: config.kubernetes })
  const log = createLog('info', 'json', () => undefined)
  const monitor = createMonitor({ ...config, checks: [...config.checks, ...more] }, references, log)
  const app = createRouter({ monitor, configFile: config.file, exporter: () => exporterAtRest, log })
  const server = await listen(createServer(app))
  const servers = new Map([...targets.servers, ['the exporter', server]])
  return {
    monitor,
    async turn() {
      await monitor.runAll(stop)
      const url = `http://127.0.0.1:${server.port}/metrics`
      const { body } = await httpRequest({ method: 'GET', url, signal: stop })
      return body.split('\n').flatMap(line => /^(mailpath_.*) \S+$/.exec(line)?.[1] ?? [])
    },
    open: () => countOpen(stop, servers),
    close: () => server.close(),
  }
}

/** How many series each metric has. */
function byMetric(exposed: readonly string[]): Counts {
  const counts: Record<string, number> = {}
  for (const one of exposed) {
    const [metric = one] = one.split('{')
    counts[metric] = (counts[metric] ?? 0) + 1
  }
  return counts
}

/** What is open, once that is what was open before, or when the grace is over. */
async function settled(exporter: Exporter, { nodes }: Targets, baseline: Counts): Promise<Counts> {
  const until = performance.now() + graceMs
  for (;;) {
    const open = { ...(await countBackends(nodes)), ...exporter.open() }
    if (differences(open, baseline).length === 0 || performance.now() > until) return open
    await sleep(pollMs)
  }
}
