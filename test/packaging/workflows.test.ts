import { execFile } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { parseDocument } from 'yaml'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = path.join(root, '.github/workflows')
const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>
}

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
}
interface Job {
  readonly permissions?: Readonly<Record<string, string>>
  readonly needs?: string | readonly string[]
  readonly uses?: string
  readonly steps?: readonly Step[]
  readonly 'timeout-minutes'?: number
}
interface Workflow {
  readonly on: Readonly<Record<string, unknown>>
  readonly permissions?: Readonly<Record<string, string>>
  readonly jobs: Readonly<Record<string, Job>>
}

describe.each(readdirSync(folder))('the workflow %s', name => {
  const document = parseDocument(readFileSync(path.join(folder, name), 'utf8'))
  const workflow = document.toJS() as Workflow
  const jobs = Object.values(workflow.jobs)
  const steps = jobs.flatMap(job => job.steps ?? [])

  it('is YAML, without a warning', () => {
    expect([...document.errors, ...document.warnings]).toEqual([])
    expect(jobs.length).toBeGreaterThan(0)
  })

  it('names scripts, files and jobs that are there', () => {
    const commands = steps.map(({ run = '' }) => run).join('\n')
    for (const [, script = ''] of commands.matchAll(/npm run (\w+)/g)) expect(Object.keys(scripts)).toContain(script)
    const files = [...commands.matchAll(/(?:^|[ '"])((?:\.\/|\.ci\/)[\w./-]+)/gm)].map(([, file = '']) => file)
    const local = [...jobs, ...steps].flatMap(({ uses = '' }) => (uses.startsWith('./') ? [uses] : []))
    const given = steps.flatMap(step =>
      [step.with?.['file'], step.with?.['context']].filter(one => typeof one === 'string'),
    )
    for (const file of [...files, ...local, ...given])
      expect([file, existsSync(path.join(root, file))]).toEqual([file, true])
    for (const { needs = [] } of jobs)
      for (const job of [needs].flat()) expect(Object.keys(workflow.jobs)).toContain(job)
  })

  it('pins its actions, gives no more rights than it says, and puts no words of others into a shell', () => {
    for (const { uses } of steps) if (uses) expect(uses).toMatch(/^[\w-]+\/[\w-]+@(v\d+|[0-9a-f]{40})$/)
    expect(Object.values(workflow.permissions ?? { missing: 'write' })).not.toContain('write')
    for (const { run } of steps) expect(run ?? '').not.toContain('${{')
    expect(Object.keys(workflow.on)).not.toContain('pull_request_target')
    for (const job of jobs) expect(job.uses ?? job['timeout-minutes']).toBeDefined()
  })
})

it('the SBOM has all that is shipped, and nothing else', { timeout: 60_000 }, async () => {
  const { stdout } = await promisify(execFile)('.ci/sbom', { cwd: root, maxBuffer: 32 * 1_048_576 })
  const { components } = JSON.parse(stdout) as { components: { 'bom-ref': string }[] }
  const { packages } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string; dev?: boolean }>
  }
  const shipped = Object.entries(packages).flatMap(([at, { version, dev }]) =>
    at === '' || dev ? [] : [`${at.replace(/^.*node_modules\//, '')}@${version}`],
  )
  expect(components.map(component => component['bom-ref']).sort()).toEqual(shipped.sort())
})
