/**
 * `npm run bench [-- --only <pattern> --quick]`: measures the exporter against its peers, and writes bench/results,
 * docs/performance.md, its picture and the line of the README; `--page` writes them without measuring. Exits 1 where
 * something could not be measured; a missed goal is a figure.
 */
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import os from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { cell, tableLines } from '../src/report/table.ts'
import type { Experiment, Stage } from './experiment.ts'
import { experiments } from './experiments/index.ts'
import { chart } from './report/chart.ts'
import { environmentOf, type Environment } from './report/environment.ts'
import { headline, headlineStart, performancePage } from './report/page.ts'
import { readResults, resultOf, writeResult, type Result } from './report/results.ts'
import { goalText, isMet, oursText, ratioOf, spread, times } from './report/verdict.ts'
import { startServers } from './stage/servers.ts'

const say = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

/** After this no further experiment begins. */
const limitMs = 24 * 60_000
/** The longest takes less than four minutes. */
const limitOfOneMs = 5 * 60_000

function rows({ figures }: Result): string[][] {
  return figures.map(figure => {
    const { what, unit, better, peer, goal, theirs } = figure
    const ratio = ratioOf(figure)
    const met = isMet(figure)
    return [
      met === undefined ? '' : met ? 'met' : 'MISSED',
      what,
      oursText(figure),
      theirs === undefined ? '' : `${peer ?? ''}: ${spread(theirs, unit)}`,
      ratio === undefined ? '' : times(ratio),
      goal === undefined ? '' : goalText(goal, better, unit),
    ]
  })
}

const table = (lines: readonly (readonly string[])[]): string =>
  tableLines(lines.map(line => line.map(text => cell(text))), 160).join('\n') // prettier-ignore

/** One that hangs does not lose the others. */
async function withinLimit<T>(measuring: Promise<T>): Promise<T> {
  const late = new AbortController()
  const limit = sleep(limitOfOneMs, undefined, { signal: late.signal }).then(() => {
    throw new Error(`it was not measured within ${limitOfOneMs / 60_000} minutes`)
  })
  return Promise.race([measuring, limit]).finally(() => late.abort())
}

async function measure(
  one: Experiment,
  stage: Stage,
  environment: Environment,
  failed: string[],
): Promise<Result | undefined> {
  const missing = one.missing?.()
  if (missing !== undefined) {
    say(`${one.id}: skipped, ${missing}`)
    return undefined
  }
  const from = performance.now()
  const when = { on: new Date().toISOString().slice(0, 10), environment, loadAverage: os.loadavg()[0] ?? 0 }
  const outcome = await withinLimit(one.measure(stage))
  failed.push(...(outcome.failed ?? []).map(text => `${one.id}: ${text}`))
  const result = resultOf(one, outcome, when)
  say(`${one.id} (${((performance.now() - from) / 1000).toFixed(0)} s)\n${table(rows(result))}`)
  for (const note of result.notes) say(`  ${note}`)
  return result
}

/** Writes the page, its picture and the line of the README out of the results that there are. */
async function writePage(): Promise<void> {
  const results = await readResults(experiments.map(one => one.id))
  const docs = new URL('../docs/', import.meta.url)
  await writeFile(new URL('performance.md', docs), performancePage(results))
  await writeFile(new URL('performance.svg', docs), chart(results.flatMap(result => result.curves)))
  const [file, line] = [new URL('../README.md', import.meta.url), headline(results)]
  const readme = await readFile(file, 'utf8')
  const old = readme.split('\n').find(one => one.startsWith(headlineStart))
  if (old !== undefined && line !== undefined)
    await writeFile(
      file,
      readme.replace(old, () => line),
    )
}

/** Measures them one after the other; gives what could not be, whose last results stay. */
async function measureAll(chosen: readonly Experiment[], quick: boolean): Promise<readonly string[]> {
  const from = performance.now()
  const servers = await startServers()
  const failed: string[] = []
  try {
    const environment = await environmentOf(servers)
    for (const one of chosen) {
      if (performance.now() - from > limitMs) {
        failed.push(`${one.id}: no time was left`)
        continue
      }
      try {
        const result = await measure(one, { servers, quick }, environment, failed)
        if (result && !quick) await writeResult(result)
      } catch (error) {
        failed.push(`${one.id}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
        await servers.cluster.heal().catch((reason: unknown) => failed.push(`${one.id}, healing: ${String(reason)}`))
      }
    }
  } finally {
    if (!quick) await writePage()
    await servers.stop().catch((reason: unknown) => failed.push(`the servers did not stop: ${String(reason)}`))
  }
  return failed
}

async function main(): Promise<number> {
  const flag = { type: 'boolean', default: false } as const
  const { values } = parseArgs({ options: { only: { type: 'string' }, quick: flag, page: flag } })
  if (values.page) {
    await writePage()
    return 0
  }
  const chosen = experiments.filter(one => values.only === undefined || one.id.includes(values.only))
  if (chosen.length === 0) {
    say(
      `nothing has ${JSON.stringify(values.only)} in its name; there are ${experiments.map(one => one.id).join(', ')}`,
    )
    return 64
  }
  if (!existsSync(new URL('../dist/main.js', import.meta.url))) {
    say('there is no build to measure: npm run build')
    return 1
  }
  const failed = await measureAll(chosen, values.quick)
  for (const text of failed) say(`FAILED ${text}`)
  return failed.length === 0 ? 0 : 1
}

// What hangs ends with it.
process.exit(await main())
