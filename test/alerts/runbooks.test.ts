import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parser } from '@prometheus-io/lezer-promql'
import { check as isFormatted, resolveConfig } from 'prettier'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { starvedOf } from '../../src/assess/starved.ts'
import { parseCommand } from '../../src/cli/parse.ts'
import { runbookUrl, runbooksUrl } from '../../src/core/runbook.ts'
import { probes } from '../../src/probes/index.ts'
import { statusJson } from '../../src/report/api.ts'
import { catalogue } from '../../src/exposition/catalogue.ts'
import { reasonCatalogue } from '../../src/exposition/reasons.ts'
import { splitBrain } from '../status/extremes.ts'
import { healthy, incident } from '../status/pages.ts'
import { nsdInstall } from '../servers/nsd.ts'
import { startCluster, type Cluster, type PostgresNode } from '../servers/postgres.ts'
import { have, needs, removeFolder, runProcess, tempFolder } from '../servers/processes.ts'
import { deadLinks, markdownBelow, pagesIn, readPage } from './markdown.ts'
import { rulesFile } from './rules.ts'

interface Rule {
  readonly alert?: string
  readonly record?: string
  readonly annotations?: Readonly<Record<string, string>>
}
const { groups } = parse(readFileSync(rulesFile, 'utf8')) as { readonly groups: readonly { readonly rules: Rule[] }[] }
const rules = groups.flatMap(group => group.rules)
const alerts = rules.filter(rule => rule.alert !== undefined)

const index = readPage('docs/runbooks/README.md')
const alertPages = pagesIn('docs/runbooks/alerts')
const reasonPages = pagesIn('docs/runbooks/reasons')
const pages = [...alertPages, ...reasonPages]
const namesOf = (list: readonly { readonly name: string }[]): string[] => list.map(page => page.name).sort()
const each = pages.map(page => [page.file, page] as const)
const withIndex = [...each, [index.file, index] as const]

const reasons = reasonCatalogue.flatMap(group => Object.keys(group.reasons))

describe('pages and what they are for', () => {
  it('every alert leads to its own page, and every page has its alert', () => {
    for (const { alert, annotations } of alerts)
      expect(annotations?.['runbook_url']).toBe(`${runbooksUrl}/alerts/${alert ?? ''}.md`)
    expect(namesOf(alertPages)).toEqual([...new Set(alerts.map(rule => rule.alert))].sort())
  })

  it('every reason has its page, and every page has its reason', () => {
    expect(namesOf(reasonPages)).toEqual([...reasons].sort())
    for (const { file, name } of reasonPages) expect(runbookUrl(name)).toBe(file.replace('docs/runbooks', runbooksUrl))
  })

  it('the index leads to every page', () => {
    const listed = [...index.text.matchAll(/\]\(((?:alerts|reasons)\/\w+\.md)\)/g)].map(([, to = '']) => to)
    expect(pages.map(({ file }) => file.replace('docs/runbooks/', '')).filter(file => !listed.includes(file))).toEqual(
      [],
    )
  })

  it.each(['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...markdownBelow('docs')])('%s has no dead link', file =>
    expect(deadLinks(file)).toEqual([]),
  )
})

describe('every page', () => {
  it.each(each)('%s says what is going on, and then has the same four sections', (_, { name, text, sections }) => {
    const [title, , first = ''] = text.split('\n')
    expect(title).toBe(`# ${name}`)
    expect(first).toMatch(/^\S.{30,}/)
    expect(sections).toEqual(['Meaning', 'Impact', 'Diagnosis', 'Mitigation'])
  })

  it.each(each)('%s has commands for the diagnosis', (_, { blocks }) => {
    const languages = blocks.filter(({ section }) => section === 'Diagnosis').map(({ language }) => language)
    expect(languages.filter(language => ['sh', 'sql', 'promql'].includes(language))).not.toEqual([])
  })

  it.each(withIndex)('%s is formatted', { tags: 'slow' }, async (_, { file, text }) => {
    const config = await resolveConfig(rulesFile)
    expect(await isFormatted(text, { ...config, filepath: file })).toBe(true)
  })

  it.each(withIndex)('%s can be read at night', (_, { file, text }) => {
    expect(text.split('\n').filter(line => line.length > 120)).toEqual([])
    if (file !== index.file) expect(text.split('\n').length).toBeLessThan(75)
  })
})

const blocksIn = (language: string) =>
  [index, ...pages].flatMap(({ file, blocks }) =>
    blocks.filter(block => block.language === language).map(({ code }, i) => [`${file} (${i + 1})`, code] as const),
  )

/** Many pages have the same command: the first place of each. */
const once = <T extends readonly [string, ...string[]]>(all: readonly T[]): T[] => [
  ...new Map([...all].reverse().map(one => [JSON.stringify(one.slice(1)), one])).values(),
]

describe('promql', () => {
  const exported = catalogue.flatMap(group => group.metrics.map(metric => metric.name))
  const known = new Set([...exported, ...rules.flatMap(rule => rule.record ?? []), 'up', 'ALERTS'])

  it.each(blocksIn('promql'))('%s parses, and names only metrics that there are', (_, code) => {
    const unknown: string[] = []
    parser.parse(code).iterate({
      enter({ name, type, from, to }) {
        expect(type.isError, `at ${from} of ${code}`).toBe(false)
        const text = code.slice(from, to)
        if (name === 'Identifier' && !known.has(text) && !/^(nodejs|process)_/.test(text)) unknown.push(text)
      },
    })
    expect(unknown).toEqual([])
  })
})

/** The words of a command, up to where the next one begins. */
function words(command: string): string[] {
  const own = command.replace(/(?:[;|>]|&&).*$/s, '')
  return [...own.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)].map(([word]) => word.replace(/["']/g, ''))
}

/** For bash: parses each of its arguments after a name, and runs none. Prints the names of those that are no script. */
const parseAll = `while [ $# -gt 0 ]; do
  (eval "set -n
$2") 2>/dev/null || echo "$1"
  shift 2
done`

describe('sh', () => {
  // One process for all: there are hundreds.
  it('every block is a script', async () => {
    const parsed = (blocks: readonly (readonly [string, string])[]): Promise<string> =>
      runProcess('bash', ['-c', parseAll, 'bash', ...blocks.flat()])
    const examples = [
      ['good', 'exit 1\n'],
      ['bad', 'if true; then exit 0\n'],
      ['open', 'echo "\n'],
    ] as const
    expect(await parsed(examples)).toBe('bad\nopen\n')
    expect(await parsed(blocksIn('sh'))).toBe('')
  })

  it.each(withIndex)('%s uses no variable that was not set before', (_, { blocks }) => {
    const scripts = blocks.filter(({ language }) => language === 'sh').map(({ code }) => code)
    // What stands in single quotes is for another program.
    const text = scripts.join('').replace(/"(?:\\.|[^"\\])*"|'[^']*'/g, part => (part.startsWith("'") ? "''" : part))
    const known = new Set(['HOME', 'PWD'])
    const uses = /(?:^|[\s;(])([A-Za-z_]\w*)=|\b(?:for|read -rs) (\w+)|\$\{?([A-Za-z_]\w*)/g
    for (const [, assigned, read, used] of text.matchAll(uses)) {
      if (used === undefined) known.add(assigned ?? read ?? '')
      else expect([...known]).toContain(used)
    }
  })

  const commands = [index, ...pages].flatMap(({ file, text }) =>
    [...text.matchAll(/(?:^|[`;|(] ?)(?:mailpath-exporter|node dist\/main\.js)((?: [^`\n]*)?)/gm)].map(
      ([, args = '']) => [`${file}: mailpath-exporter${args}`, words(args)] as const,
    ),
  )
  it.each(commands)('%s has only flags that there are', (_, args) => {
    const { only } = parseCommand(args)
    const kinds = ['PROBE', ...probes.map(probe => probe.kind)]
    for (const name of only) expect(kinds).toContain(name.split('/')[0])
  })
})

const jq = have('jq')
describe('what is asked of /api/v1/status', () => {
  const programs = blocksIn('sh').flatMap(([where, code]) =>
    [...code.matchAll(/\/api\/v1\/status"? \|\s*(?:\\\n\s*)?jq ((?:-\w+ |--arg \w+ (?:"[^"]*"|\S+) )*)'([^']*)'/g)].map(
      ([, options = '', program = '']) => [where, options, program] as const,
    ),
  )
  const noDescriptor = starvedOf([], [{ resource: 'file_descriptors', text: 'is short of file descriptors' }])
  const answers = [healthy(), incident(), splitBrain(), { ...healthy(), starved: noDescriptor }].map(status =>
    JSON.stringify(statusJson(status)),
  )
  const fields = new Set(answers.flatMap(answer => [...answer.matchAll(/"(\w+)":/g)].map(([, key]) => key)))

  it('is asked at all', () => expect(programs.length).toBeGreaterThan(20))

  it.each(programs)('%s: jq %s names only fields that there are', (_, options, program) => {
    const named = [...program.matchAll(/(?<![\w"])\.([a-z_]+)/g)].map(([, field]) => field)
    expect(named.filter(field => !fields.has(field))).toEqual([])
  })

  it.skipIf(!needs('jq', jq, 'apt-get install jq')).each(once(programs))(
    '%s: jq %s runs',
    async (_, options, program) => {
      await runProcess(jq ?? 'jq', [...words(options), program], { input: answers.join('\n') })
    },
  )
})

const checkzone = have('nsd-checkzone')
describe.skipIf(!needs('nsd-checkzone', checkzone, nsdInstall))('records to publish', () => {
  const own = '. 3600 IN SOA ns.example. root.example. 1 3600 600 86400 60\n. 3600 IN NS ns.example.\n'

  it.each(blocksIn('zone'))('%s are taken by NSD', async (_, code) => {
    const folder = tempFolder('mailpath-zone-')
    try {
      const file = path.join(folder, 'root.zone')
      writeFileSync(file, own + code)
      await runProcess(checkzone ?? 'nsd-checkzone', ['.', file])
    } finally {
      await removeFolder(folder)
    }
  })
})

describe('sql', () => {
  let cluster: Cluster
  let server: PostgresNode
  beforeAll(async () => {
    cluster = await startCluster({ standbys: 0 })
    server = await cluster.primary()
    await server.query('create table mailpath_heartbeat (target text primary key, beat timestamptz)')
    await server.query(
      'create table outbound_emails (id int, created_at timestamptz, sent_at timestamptz, attempts int)',
    )
  })
  afterAll(() => cluster.stop())

  /** Planned or parsed, and never run. */
  const harmless = (statement: string): string =>
    /^(?:select|with)\b/i.test(statement)
      ? `explain ${statement}`
      : `do $check$ begin if false then ${statement}; end if; end $check$`

  it.each(blocksIn('sql'))('%s is understood by Postgres', async (_, code) => {
    expect(code).toMatch(/;\n$/)
    for (const statement of code.replace(/--.*$/gm, '').split(/;\s*$/m).slice(0, -1))
      await server.query(harmless(statement.trim()))
  })
})
