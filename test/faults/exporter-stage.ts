import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { withSections } from '../demo/config.ts'
import { startExporter, type Exporter, type StatusJson } from '../demo/exporter.ts'
import { freePort } from '../servers/processes.ts'
import type { Expectation } from './fault.ts'
import { startRelay, type Relay } from './relay.ts'
import { fairly, intervalMs, slackMs, timeoutMs, withinMs } from './runner.ts'

/** A real exporter in a process of its own, over a relay that works: what befalls it is injected into the process. */
export interface ExporterStage {
  readonly exporter: Exporter
  readonly relay: Relay
  readonly stop: () => Promise<void>
}

export interface StageOptions {
  /** More `smtp` targets; the mail path needs `relay` and those that are `needed`. */
  readonly targets?: (relay: object) => readonly object[]
  readonly needed?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly nodeArguments?: readonly string[]
}

export async function startStage({
  targets = () => [],
  needed = [],
  env = {},
  nodeArguments = [],
}: StageOptions): Promise<ExporterStage> {
  const folder = await mkdtemp(path.join(tmpdir(), 'mailpath-exporter-'))
  const relay = await startRelay()
  const configFile = path.join(folder, 'mailpath.yml')
  const sections = {
    interval: `${intervalMs}ms`,
    timeout: `${timeoutMs}ms`,
    smtp: [...relay.section, ...relay.section.flatMap(targets)],
    mail: [{ name: 'app', write_path: [], smtp: ['relay', ...needed] }],
  }
  await writeFile(configFile, withSections('', sections))
  const exporter = await startExporter({
    configFile,
    folder,
    port: await freePort(),
    env: { ...relay.env, ...env },
    nodeArguments,
  })
  return {
    exporter,
    relay,
    async stop() {
      exporter.process.signal('SIGCONT')
      await exporter.stop()
      await relay.smtp.close()
      await rm(folder, { recursive: true })
    },
  }
}

/** What it says now; waits for the answer, however long it is held up. */
export const statusOf = ({ exporter }: ExporterStage): Promise<StatusJson> =>
  exporter.status(AbortSignal.timeout(60_000))

/** Waits until the exporter says so, and on a machine that is short of CPU again; gives how long it took, in milliseconds. */
export async function untilSaid(
  stage: ExporterStage,
  seen: Expectation,
  limitMs = withinMs + slackMs,
): Promise<number> {
  const from = performance.now()
  await fairly(() => saidWithin(stage, seen, limitMs))
  return performance.now() - from
}

async function saidWithin(stage: ExporterStage, seen: Expectation, limitMs: number): Promise<void> {
  const from = performance.now()
  for (;;) {
    const wrong = mismatches(seen, await statusOf(stage))
    const took = performance.now() - from
    if (wrong.length === 0) return
    if (took > limitMs) throw new Error(`not seen within ${Math.round(took)} ms:\n    ${wrong.join('\n    ')}`)
    await sleep(30)
  }
}

function mismatches(seen: Expectation, { mail_paths: [mail], checks }: StatusJson): string[] {
  const root = mail?.root ? `${mail.root.probe}/${mail.root.target} ${mail.root.code}` : undefined
  const now = new Set(
    checks.flatMap(({ probe, target, reasons }) => reasons.map(one => `${probe}/${target} ${one.code}`)),
  )
  return [
    ...(mail?.verdict === seen.verdict
      ? []
      : [`the mail verdict is ${mail?.verdict ?? 'absent'}, not ${seen.verdict}`]),
    ...(root === seen.root ? [] : [`the root blocker is ${root ?? 'none'}, not ${seen.root ?? 'any'}`]),
    ...(seen.reasons ?? []).filter(reason => !now.has(reason)).map(reason => `does not hold: ${reason}`),
    ...(seen.not ?? []).filter(reason => now.has(reason)).map(reason => `must not hold: ${reason}`),
  ]
}
