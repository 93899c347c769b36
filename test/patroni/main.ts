/**
 * `npm run patroni [-- --only PATTERN --newest --tested --keep --list --records FOLDER]`, as root: a real Patroni cluster under the
 * exporter. It runs scenarios, some half an hour of them, and says what was promised and not kept. A run of all of them,
 * or one with `--keep`, writes test/patroni/results.json and docs/patroni.md. `--newest` takes Patroni from PyPI instead of Debian's, `--tested`
 * runs those that CI runs, a second time if they fail, and `--records` keeps a record of each. It begins itself again in namespaces of its own.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { fastTempBase, have, removeFolder, startProcess, tempFolder, unprivileged } from '../servers/processes.ts'
import { docFile, patroniDoc, resultOf, resultsFile, type Result } from './doc.ts'
import type { Times } from './files.ts'
import { newestPatroni } from './newest.ts'
import type { ScenarioRun } from './record.ts'
import { runScenario, type Scenario } from './scenario.ts'
import { scenarios } from './scenarios.ts'
import { brokenPromises } from './score.ts'
import { missing, startStage } from './stage.ts'

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    newest: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    tested: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    records: { type: 'string' },
  },
})

/** Set in the namespaces: where the stage has its files, and which Patroni it runs. */
const variables = { folder: 'MAILPATH_STAGE', patroni: 'MAILPATH_STAGE_PATRONI' } as const

/** Patroni 3 takes any; 4 raises a shorter `ttl` to 20 s. */
const timesOf = (newest: boolean): Times => ({ ttl: newest ? 20 : 12, loop_wait: 2, retry_timeout: 3 })

async function main(): Promise<number> {
  const pattern = new RegExp(values.only ?? '', 'i')
  const chosen = scenarios.filter(({ name, tested }) => pattern.test(name) && (!values.tested || tested === true))
  if (values.list) {
    for (const { name, does } of chosen) say(`${name}: ${does}`)
    return 0
  }
  if (chosen.length === 0) {
    say(`no scenario has ${JSON.stringify(values.only)} in its name`)
    return 64
  }
  const lacking = missing()
  if (lacking !== undefined) {
    if (process.env['CI'] === 'true') throw new Error(lacking)
    say(`skipped: ${lacking}`)
    return 0
  }
  const { [variables.folder]: folder, [variables.patroni]: patroni } = process.env
  if (folder === undefined || patroni === undefined) return inNamespaces()

  const results = await runAll(chosen, folder, patroni)
  if (values.keep || chosen.length === scenarios.length) keep(results)
  const failed = results.filter(result => problemsOf(result).length > 0).length
  say(`${results.length - failed} passed, ${failed} failed`)
  return failed > 0 ? 1 : 0
}

async function runAll(chosen: readonly Scenario[], folder: string, patroni: string): Promise<Result[]> {
  const stage = await startStage({ folder, patroni, times: timesOf(values.newest) })
  say(Object.entries(stage.versions).flat().join(' '))
  const results: Result[] = []
  for (const [n, scenario] of chosen.entries()) {
    const once = async (): Promise<Result> => {
      const run = await runScenario(stage, scenario)
      record(run, n + 1)
      const result = resultOf(run)
      say(line(run, result))
      if (run.broken !== undefined) await stage.rebuild()
      return result
    }
    const result = await once()
    // As with tests: a machine that is busy for a moment must not fail CI.
    results.push(values.tested && problemsOf(result).length > 0 ? await once() : result)
  }
  await stage.stop()
  return results
}

/** The same command, where there is no network, and no mounts and processes but ours: all of them end with it. */
async function inNamespaces(): Promise<number> {
  const folder = tempFolder('mailpath-stage-', unprivileged(), fastTempBase())
  chmodSync(folder, 0o755)
  const patroni = values.newest ? await newestPatroni(folder) : (have('patroni') ?? 'patroni')
  const self = fileURLToPath(import.meta.url)
  const command = [process.execPath, ...process.execArgv, self, ...process.argv.slice(2)]
  const namespaces = ['--net', '--mount', '--propagation', 'private', '--pid', '--fork', '--mount-proc', '--kill-child']
  // The shell waits for processes whose parent has ended, as init does.
  const inside = startProcess('stage', 'unshare', [...namespaces, 'sh', '-c', '"$0" "$@"; exit $?', ...command], {
    stdout: 1,
    stderr: 2,
    env: { ...process.env, [variables.folder]: folder, [variables.patroni]: patroni },
  })
  const code = await inside.exited
  await removeFolder(folder)
  return code ?? 1
}

function record(run: ScenarioRun, n: number): void {
  if (values.records === undefined) return
  mkdirSync(values.records, { recursive: true })
  const file = `${String(n).padStart(2, '0')} ${run.name.replaceAll(/[^\w ]+/g, '')}.json`
  writeFileSync(path.join(values.records, file), JSON.stringify(run, null, 1))
}

/** In the place of the last results of these scenarios with that version of Patroni; all others stay. */
function keep(results: readonly Result[]): void {
  const known = existsSync(resultsFile) ? (JSON.parse(readFileSync(resultsFile, 'utf8')) as Result[]) : []
  const keyOf = ({ name, versions }: Result): string => `${versions['patroni'] ?? ''} ${name}`
  const fresh = new Map(results.map(result => [keyOf(result), result]))
  const merged = known.map(result => fresh.get(keyOf(result)) ?? result)
  const all = [...merged, ...results.filter(result => !known.some(one => keyOf(one) === keyOf(result)))]
  writeFileSync(resultsFile, `${JSON.stringify(all, null, 1)}\n`)
  writeFileSync(docFile, patroniDoc(all))
}

const problemsOf = ({ broken, figures }: Result): string[] =>
  broken === undefined ? brokenPromises(figures) : [`broken: ${broken}`]

function line({ name, from, to, attempts, lost }: ScenarioRun, result: Result): string {
  const failed = attempts.filter(({ ok }) => !ok).length
  const seconds = ((to - from) / 1000).toFixed(0).padStart(3)
  const { rootRight, rootShown, toFail, fromFail } = result.figures
  return [
    `${seconds} s  ${name}: of ${attempts.length} rows ${failed} not committed, ${lost.length} lost; root right for ${rootRight} of ${rootShown} s; ${toFail} times to fail, ${fromFail} away from it`,
    ...problemsOf(result).map(problem => `         ${problem}`),
  ].join('\n')
}

process.exitCode = await main()
