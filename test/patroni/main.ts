/**
 * `npm run patroni [-- --only PATTERN --newest --list --records FOLDER]`, as root: a real Patroni cluster under the exporter.
 * It runs scenarios, some half an hour of them, and keeps a record of each. `--newest` takes Patroni from PyPI instead of
 * Debian's. It begins itself again in a network namespace of its own.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { have, tempFolder } from '../servers/processes.ts'
import type { Times } from './files.ts'
import { isAlone } from './network.ts'
import type { ScenarioRun } from './record.ts'
import { runScenario } from './scenario.ts'
import { scenarios } from './scenarios.ts'
import { missing, startStage } from './stage.ts'

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}
const seconds = (ms: number): string => `${(ms / 1000).toFixed(0).padStart(3)} s`

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    newest: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    tested: { type: 'boolean', default: false },
    records: { type: 'string' },
  },
})

/** Debian's Patroni takes any. */
const quick: Times = { ttl: 12, loop_wait: 2, retry_timeout: 3 }

async function main(): Promise<number> {
  const pattern = values.only?.toLowerCase()
  const chosen = scenarios.filter(
    ({ name, tested }) =>
      (pattern === undefined || name.toLowerCase().includes(pattern)) && (!values.tested || tested === true),
  )
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
    say(`skipped: ${lacking}`)
    return 77
  }
  if (!isAlone()) return inNamespace()

  const folder = values.records ?? tempFolder('mailpath-records-')
  mkdirSync(folder, { recursive: true })
  const stage = await startStage({ patroni: have('patroni') ?? 'patroni', times: quick })
  say(Object.entries(stage.versions).flat().join(' '))
  const runs: ScenarioRun[] = []
  for (const [n, scenario] of chosen.entries()) {
    const run = await runScenario(stage, scenario)
    runs.push(run)
    writeFileSync(
      path.join(folder, `${String(n + 1).padStart(2, '0')} ${scenario.name}.json`),
      JSON.stringify(run, null, 1),
    )
    say(line(run))
    if (run.broken !== undefined && n + 1 < chosen.length) await stage.rebuild()
  }
  await stage.stop()
  return runs.some(run => run.broken !== undefined) ? 1 : 0
}

/** The same command, where there is no network but ours, and no mounts but ours. */
function inNamespace(): number {
  const self = fileURLToPath(import.meta.url)
  const command = [process.execPath, ...process.execArgv, self, ...process.argv.slice(2)]
  return (
    spawnSync('unshare', ['--net', '--mount', '--propagation', 'private', ...command], { stdio: 'inherit' }).status ?? 1
  )
}

function line({ name, from, to, attempts, lost, said, broken }: ScenarioRun): string {
  const failed = attempts.filter(({ ok }) => !ok).length
  const roots = [
    ...new Set(
      said.flatMap(one => Object.values(one.mail).flatMap(({ root }) => (root ? [`${root.id} ${root.code}`] : []))),
    ),
  ]
  return [
    `${seconds(to - from)}  ${name}: ${attempts.length} attempts, ${failed} failed, ${lost.length} lost`,
    ...(broken === undefined ? [] : [`  broken: ${broken}`]),
    ...roots.map(root => `       ${root}`),
  ].join('\n')
}

process.exitCode = await main()
