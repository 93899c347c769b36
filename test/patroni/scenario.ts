/** What a scenario is, and how one is run. */
import { setTimeout as sleep } from 'node:timers/promises'
import path from 'node:path'
import { waitFor } from '../servers/processes.ts'
import { intervalMs, sections, startExporter, timeoutMs, type Exporter, type Sections } from './exporter.ts'
import { database } from './files.ts'
import type { DatabaseNode } from './node.ts'
import {
  healed,
  nodeNames,
  ways,
  type Attempt,
  type Expected,
  type Mark,
  type NodeName,
  type ScenarioRun,
  type Truth,
  type Way,
} from './record.ts'
import type { Stage } from './stage.ts'
import { watchTruth } from './truth.ts'
import { startWriters, type Writers } from './writers.ts'

/** The cast at the beginning. */
export interface Cast {
  readonly leader: NodeName
  readonly standbys: readonly [NodeName, NodeName]
}

/** A scenario under way. */
export interface Scene extends Cast {
  readonly stage: Stage
  readonly node: (name: NodeName) => DatabaseNode
  readonly mark: (what: string) => void
  /** Lets it last. */
  readonly last: (seconds: number) => Promise<void>
  /** Waits until the servers are like that, then marks it; throws if they are not in time. */
  readonly until: (what: string, is: (truth: Truth) => boolean, seconds: number) => Promise<void>
}

export interface Scenario {
  readonly name: string
  readonly does: string
  /** Whether it is among the tests: all of them take half an hour. */
  readonly tested?: boolean
  /** Breaks something, and lets it last. */
  readonly run: (scene: Scene) => Promise<void>
  /** Undoes it. Default: that of the stage. */
  readonly heal?: (scene: Scene) => Promise<void>
  readonly expected: (cast: Cast) => Expected
  /** Another configuration of the exporter. */
  readonly sections?: (given: Sections) => Sections
}

/** Before the first mark, so that what was well is on record. */
const prologueMs = 3_000
/** After all is well, until the exporter must have seen it. */
const epilogueMs = 2 * (intervalMs + timeoutMs)
/** Until the stage is healthy after it was healed. */
const recoveryMs = 45_000

let firstRow = 1

/** Runs it on a healthy stage. Never rejects: what goes wrong makes the run `broken`. */
export async function runScenario(stage: Stage, scenario: Scenario): Promise<ScenarioRun> {
  const marks: Mark[] = []
  const leader = (await stage.leader()) ?? 'n1'
  const [first = 'n2', second = 'n3'] = nodeNames.filter(name => name !== leader)
  const cast: Cast = { leader, standbys: [first, second] }
  const base = sections(stage.haproxy.socket)
  const startRow = firstRow
  firstRow += 1_000_000
  const watch = watchTruth(stage)
  const writers = startWriters(path.join(stage.folder, 'attempts.jsonl'), startRow)
  const exporter = await startExporter(scenario.sections?.(base) ?? base)
  const mark = (what: string): void => void marks.push({ at: Date.now(), what })
  const scene: Scene = {
    ...cast,
    stage,
    mark,
    node: name => stage.nodes[name],
    last: seconds => sleep(seconds * 1_000),
    async until(what, is, seconds) {
      const seen = (): boolean => {
        const now = watch.now()
        return now !== undefined && is(now)
      }
      await waitFor(seen, { timeoutMs: seconds * 1_000, everyMs: 50, what })
      mark(what)
    },
  }

  let broken: string | undefined
  const attempt = async (what: string, step: () => Promise<unknown>): Promise<void> => {
    await step().catch((error: unknown) => (broken ??= `${what}: ${(error as Error).message}`))
  }
  await attempt('before it', () =>
    waitFor(() => exporter.isOk() && writesEverywhere(writers), { timeoutMs: 20_000, what: 'all is well' }),
  )
  await sleep(prologueMs)
  const from = Date.now() - prologueMs
  const before = exporter.counted()
  if (broken === undefined) await attempt('while it was broken', () => scenario.run(scene))
  await attempt('while it was healed', () => (scenario.heal ? scenario.heal(scene) : stage.heal()))
  mark(healed)
  await attempt('after it', () => untilWell(stage, writers))
  await sleep(epilogueMs)
  const to = Date.now()
  await writers.stop()
  await watch.stop()
  const counted = difference(exporter.counted(), before)
  await exporter.stop()
  const lost = await lostOf(stage, writers.attempts, startRow).catch((error: unknown) => {
    broken ??= `the rows cannot be counted: ${String(error)}`
    return []
  })
  return {
    name: scenario.name,
    does: scenario.does,
    versions: stage.versions,
    intervalMs,
    timeoutMs,
    from,
    to,
    marks,
    expected: scenario.expected(cast),
    attempts: writers.attempts.filter(({ at, took }) => at + took >= from && at <= to),
    truth: within(watch.truth, from, to),
    said: within(exporter.said, from, to),
    lost,
    counted,
    ...(broken !== undefined && { broken }),
  }
}

/** Those of a time, with the one that held when it began. */
function within<T extends { readonly at: number }>(list: readonly T[], from: number, to: number): T[] {
  const first = list.findLastIndex(({ at }) => at <= from)
  return list.slice(Math.max(first, 0)).filter(({ at }) => at <= to)
}

/** Every writer has committed its last row. */
const writesEverywhere = ({ attempts }: Writers): boolean => {
  const lasts = new Map(attempts.map(one => [one.writer, one.ok]))
  return lasts.size >= ways.length && [...lasts.values()].every(Boolean)
}

async function untilWell(stage: Stage, writers: Writers): Promise<void> {
  let problems: readonly string[] = []
  await waitFor(
    async () => {
      problems = await stage.problems()
      if (problems.length === 0 && !writesEverywhere(writers)) problems = ['a writer does not commit']
      return problems.length === 0
    },
    { timeoutMs: recoveryMs, everyMs: 300, what: 'healthy again' },
  ).catch(() => {
    throw new Error(`not healthy within ${recoveryMs} ms: ${problems.join('; ')}`)
  })
}

function difference(after: ReturnType<Exporter['counted']>, before: ReturnType<Exporter['counted']>) {
  const seconds = ways.map(way => [way, after.outageSeconds[way] - before.outageSeconds[way]] as const)
  return {
    failovers: after.failovers - before.failovers,
    outageSeconds: Object.fromEntries(seconds) as Record<Way, number>,
  }
}

/** What was confirmed, and is on no node. */
async function lostOf(stage: Stage, attempts: readonly Attempt[], from: number): Promise<Attempt[]> {
  const kept = new Set<number>()
  for (const name of nodeNames) {
    const rows = await stage.nodes[name].query<{ row: string }>(
      `select row from attempts where row >= ${from}`,
      database,
    )
    for (const { row } of rows) kept.add(Number(row))
  }
  return attempts.filter(({ ok, row }) => ok && !kept.has(row))
}
