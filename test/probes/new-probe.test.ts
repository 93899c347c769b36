/** What a new probe takes, by CONTRIBUTING.md: one is really added, in a copy of the sources. */
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { needs } from '../../src/probes/needs.ts'
import { probes } from '../../src/probes/index.ts'
import { freePort, removeFolder, startProcess, tempFolder } from '../servers/processes.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Sees what its target says, so that it asks no server. */
const invented = `
import { defineProbe, finding, reasonsOf, type ReasonSpec, type Target } from '../../core/probe.ts'
import { flag, section, targetFields } from '../../fields/index.ts'

interface DnsTarget extends Target {
  readonly resolves: boolean
}

const reasons = {
  invented_failed: { verdict: 'fail', severity: 'high', meaning: 'A name is not found.', remedy: 'Add it to the zone.' },
} as const satisfies Record<string, ReasonSpec>
const reason = reasonsOf(reasons)

export const invented = defineProbe({
  kind: 'invented',
  summary: 'A name.',
  target: section({ ...targetFields, resolves: flag('Whether the name is found.') }),
  metrics: {},
  reasons,
  observe: (target: DnsTarget) => Promise.resolve({ found: target.resolves }),
  judge: ({ found }, { name }) => finding(\`\${name} found\`, found ? [] : [reason('invented_failed', \`\${name} not found\`)], []),
})
`

let folder: string
beforeAll(() => {
  folder = tempFolder('mailpath-new-probe-')
  for (const name of ['src', 'tsconfig.json', 'package.json'])
    cpSync(path.join(root, name), path.join(folder, name), { recursive: true })
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'))
  mkdirSync(path.join(folder, 'src/probes/invented'))
  writeFileSync(path.join(folder, 'src/probes/invented/index.ts'), invented)
  edit('src/probes/index.ts', 'export const probes = [', '$&invented, ')
  edit('src/probes/index.ts', 'import', "import { invented } from './invented/index.ts'\n$&")
})
afterAll(() => removeFolder(folder))

function edit(file: string, from: string, to: string): void {
  const place = path.join(folder, file)
  const before = readFileSync(place, 'utf8')
  const after = before.replace(from, to)
  expect(after, file).not.toBe(before)
  writeFileSync(place, after)
}

// It compiles all of the sources.
it('does not compile without a row in the table of needs', { timeout: 180_000 }, () => {
  const file = path.join(folder, 'src/probes/index.ts')
  const read = ts.readConfigFile(path.join(folder, 'tsconfig.json'), name => ts.sys.readFile(name))
  const { options } = ts.parseJsonConfigFileContent(read.config, { ...ts.sys, readDirectory: () => [] }, folder)
  const program = ts.createProgram([file], options)
  const errors = program.getSemanticDiagnostics(program.getSourceFile(file))
  expect(errors.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([
    expect.stringContaining("Property 'invented' is missing"),
  ])
})

it('with its row makes mail fail where a mail path needs it, and is the root by its rank', async () => {
  edit(
    'src/probes/needs.ts',
    'export const needs = {',
    "$&\n  invented: { need: 'needed', rank: 65, title: 'Invented' },",
  )
  writeFileSync(path.join(folder, '.env'), 'SMTP_PORT=587\n')
  writeFileSync(
    path.join(folder, 'mailpath.yml'),
    `invented: [{ name: relay, resolves: false }, { name: zone, resolves: true }]
settings: [{ name: app, from: { dotenv: .env }, expect: { SMTP_HOST: { present: true } } }]
smtp: [{ name: relay, host: 127.0.0.1, port: ${await freePort()}, security: none }]
mail:
  - { name: later rank fails too, write_path: [], settings: [] }
  - { name: lower rank fails too, write_path: [] }
  - { name: other names, write_path: [], settings: [], invented: [zone] }
`,
  )
  const args = ['--import', 'tsx', 'src/main.ts', 'check', '--config.file=mailpath.yml', '--format=json']
  const running = startProcess('mailpath-exporter', process.execPath, args, { cwd: folder })
  onTestFinished(() => running.stop())
  expect(await running.exited, running.log()).toBe(2)
  const { mail_paths } = JSON.parse(running.log()) as { mail_paths: { sentence: string }[] }
  expect(mail_paths.map(({ sentence }) => sentence)).toEqual([
    'later rank fails too: BLOCKED by invented/relay',
    'lower rank fails too: BLOCKED by settings/app',
    'other names: BLOCKED by smtp/relay',
  ])
})

it('is among the words of the design', () => {
  const [words = ''] = /^\| probe \|.*$/m.exec(readFileSync(path.join(root, 'docs/design.md'), 'utf8')) ?? []
  for (const { kind } of probes) expect(words).toContain(`\`${kind}\``)
})

it('has a row for each kind, for a cluster, and for nothing else', () => {
  expect(Object.keys(needs).toSorted()).toEqual([...probes.map(({ kind }) => kind), 'cluster'].toSorted())
})
