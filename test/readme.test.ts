import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../src/config/load.ts'
import { probes } from '../src/probes/index.ts'
import { usualLimits } from '../src/web/limits.ts'

const read = (file: string): string => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
const readme = read('README.md')
const block = (language: string, containing: string): string => {
  const found = [...readme.matchAll(/^```(\w*)\n(.*?)^```$/gms)].find(
    ([, name, text]) => name === language && text?.includes(containing),
  )
  return found?.[2] ?? ''
}

describe('the README', () => {
  it('is short', () => {
    expect(readme.split('\n').length).toBeLessThan(150)
  })

  it('shows the incident as check really prints it', () => {
    const shown = block('', 'BLOCKED by')
    expect(shown).toContain('SQLSTATE 25006')
    expect(read('test/golden/audit.txt').startsWith(shown.trimEnd())).toBe(true)
  })

  it('has a configuration that is good', () => {
    const config = parseConfig(block('yaml', 'postgres:'), 'mailpath.yml')
    expect(config.checks.map(check => check.probe)).toEqual(['postgres', 'write_path', 'smtp', 'mail'])
  })

  it('has a row for every probe, in its own words', () => {
    for (const { kind, summary } of probes) expect(readme).toContain(`| \`${kind}\` | ${summary} |`)
  })

  it('names only scripts and files that are there', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    for (const [, script = ''] of readme.matchAll(/npm run (\w+)/g)) expect(Object.keys(scripts)).toContain(script)
    for (const [, file = ''] of readme.matchAll(/\]\(([^):]+)\)/g)) expect(read(file).length, file).toBeGreaterThan(0)
  })
})

const root = new URL('../', import.meta.url)
/** postgres-urls.md names files of other programs. */
const documents = readdirSync(new URL('docs', root)).filter(name => name.endsWith('.md') && name !== 'postgres-urls.md')

it.each(['README.md', 'CONTRIBUTING.md', '.ci/run', ...documents.map(name => `docs/${name}`)])(
  '%s names only paths that are there',
  file => {
    const folders = 'src|test|bench|build|docs|alerts|grafana|deploy|packaging'
    const named = read(file).matchAll(new RegExp(`[\`\\s]((?:${folders})/[\\w./-]*\\w)(?=[\`\\s,)])`, 'g'))
    const gone = [...named].flatMap(([, path = '']) => (existsSync(new URL(path, root)) ? [] : [path]))
    expect(gone).toEqual([])
  },
)

describe('SECURITY.md', () => {
  const text = read('SECURITY.md')

  it('names only tests and files that are there', () => {
    const named = [...text.matchAll(/`((?:test|src)\/[^`]+)`/g), ...text.matchAll(/\]\(([^):]+)\)/g)]
    expect(named.length).toBeGreaterThan(15)
    for (const [, file = ''] of named) expect(read(file).length, file).toBeGreaterThan(0)
  })

  it('has a test beside every promise of a table', () => {
    const tables = [...text.matchAll(/^\|(.*)\|\n\|[-|]+\|\n((?:\|.*\|\n)+)/gm)]
    const promises = tables
      .filter(([, head = '']) => head.endsWith(' test '))
      .flatMap(([, , rows = '']) => rows.trimEnd().split('\n'))
    expect(promises.length).toBeGreaterThan(30)
    for (const row of promises) expect(row).toMatch(/\| `test\/[^|]+` \|$/)
  })

  it('has the limits of the web server as they are', () => {
    const { maxHeaderSize, headersTimeout, answerMs, idleMs, maxConnections, maxPerAddress, maxHeld } = usualLimits
    for (const limit of [
      `headers: ${maxHeaderSize / 1024} KiB and ${headersTimeout / 1000} s`,
      `an answer is taken within ${answerMs / 60_000} min; an idle connection ends within ${idleMs / 1000} s`,
      `${maxConnections.toLocaleString('en')} connections in all, ${maxPerAddress.toLocaleString('en')} of one address`,
      `| ${maxHeld / 1_048_576} MiB |`,
    ])
      expect(text).toContain(limit)
  })
})
