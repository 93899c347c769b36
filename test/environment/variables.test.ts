import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { badOption, splitOptions } from '../../src/environment/node-options.ts'
import { refusal, type Environment } from '../../src/environment/refusal.ts'
import { variableOf, variables } from '../../src/environment/variables.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const { packages } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, { dev?: boolean }>
}

interface Read {
  readonly by: string
  /** Undefined where it is only known at run time. */
  readonly name: string | undefined
}

/** `process.env.X`, `process.env['X']`, `{ X } = process.env`, and `process.env` in any other use. */
function readsOf(text: string): (string | undefined)[] {
  const taken = [...text.matchAll(/\{([^{}]{0,300})\}\s*=\s*process\.env\b(?![.[])/g)].flatMap(([, names = '']) =>
    [...names.matchAll(/(?:^|,)\s*(\w+)/g)].map(([, name]) => name),
  )
  const direct = [...text.matchAll(/process\.env\b(?:\?)?(?:\.([A-Za-z_]\w*)|\[\s*(['"`])([^'"`]+)\2\s*\]|)/g)].map(
    ([, dotted, , quoted]) => dotted ?? quoted,
  )
  return [...taken, ...direct]
}

/** Of the packages that are installed beside the exporter or built into it; not their own tests. */
const reads: readonly Read[] = Object.entries(packages)
  .filter(([at, { dev }]) => at !== '' && !dev)
  .flatMap(([at]) => filesOf(at).map(file => ({ at, file })))
  .flatMap(({ at, file }) =>
    readsOf(readFileSync(path.join(root, at, file), 'utf8')).map(name => ({ by: `${at.slice(13)}/${file}`, name })),
  )

function filesOf(at: string): string[] {
  const folders = new Set(['node_modules', 'test', 'tests', 'benchmark', 'benchmarks', 'bench', 'examples'])
  try {
    const files = readdirSync(path.join(root, at), { recursive: true, withFileTypes: true })
    return files
      .filter(one => one.isFile() && /\.[cm]?js$/.test(one.name))
      .map(one => path.relative(path.join(root, at), path.join(one.parentPath, one.name)))
      .filter(file => !file.split(path.sep).some(part => folders.has(part)))
  } catch {
    // Of another platform.
    return []
  }
}

/** Files, or folders, that read a variable whose name stands nowhere, and which names those can be. */
const readLater: Readonly<Record<string, readonly string[]>> = {
  // A connection parameter in capitals after PG, and names that are given as text.
  'pg/lib/connection-parameters.js': ['PGHOST', 'PGOPTIONS', 'PGAPPNAME', 'PGSSLNEGOTIATION'],
  'pgpass/lib/helper.js': ['PGPASSWORD', 'PGPASSFILE', 'PGPASS_NO_DEESCAPE', 'HOME', 'APPDATA'],
  'axios/': ['http_proxy', 'NO_PROXY'],
  'proxy-from-env/': ['http_proxy', 'HTTP_PROXY', 'npm_config_http_proxy', 'all_proxy', 'no_proxy'],
  // All that begin with it.
  'debug/src/node.js': ['DEBUG', 'DEBUG_COLORS'],
  // Hands it on to a worker; none is started. imapflow has a copy of its own, whose logger is off.
  'imapflow/node_modules/pino/lib/transport': ['NODE_OPTIONS'],
  'pino/lib/transport': ['NODE_OPTIONS'],
}

describe('every variable that a production dependency reads', () => {
  it('stands in the table', () => {
    expect(reads.length).toBeGreaterThan(30)
    const unknown = reads.filter(({ name }) => name !== undefined && variableOf(name) === undefined)
    expect(unknown, 'give it a row in src/environment/variables.ts, and a value in hostile-variables.ts').toEqual([])
  })

  it('does so too where its name comes from elsewhere', () => {
    const files = new Set(reads.filter(({ name }) => name === undefined).map(({ by }) => by))
    const isKnown = (file: string): boolean => Object.keys(readLater).some(place => file.startsWith(place))
    expect([...files].filter(file => !isKnown(file))).toEqual([])
    for (const name of Object.values(readLater).flat())
      expect([name, variableOf(name) !== undefined]).toEqual([name, true])
  })
})

describe('the table', () => {
  it('says of each variable one thing, in sentences', () => {
    const names = variables.flatMap(one => one.names)
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
    for (const {
      names: [first],
      meaning,
      instead,
      effect,
    } of variables) {
      expect(meaning, first).toMatch(/^\S.{10,}\.$/)
      expect([first, instead !== undefined]).toEqual([first, effect === 'refused'])
    }
  })

  it.each([
    ['PGOPTIONS', 'removed'],
    ['npm_config_https_proxy', 'removed'],
    ['MALLOC_ARENA_MAX', 'used'],
    ['MALLOC_TOP_PAD_', 'harmless'],
    ['DB_PASSWORD', undefined],
  ])('%s is %s', (name, effect) => {
    expect(variableOf(name)?.effect).toBe(effect)
  })
})

describe('options of Node', () => {
  it.each([
    ['', []],
    ['  --a   --b=1 ', ['--a', '--b=1']],
    ['--require "a b" -r c', ['--require', 'a b', '-r', 'c']],
    ['--title="a \\"b\\" \\\\"', ['--title=a "b" \\']],
    ['""', []],
  ])('%j are split as Node does it', (text, words) => {
    expect(splitOptions(text)).toEqual(words)
  })

  it.each([
    ['--max-old-space-size=96', undefined],
    ['--max_old_space_size=96', undefined],
    ['--no-warnings --stack-trace-limit=50', undefined],
    ['--disable-warning DEP0001', undefined],
    ['--inspect', '--inspect'],
    ['--inspect-port=0', '--inspect-port'],
    ['--no-warnings -r ./x.js', '-r'],
    ['--experimental-loader=x', '--experimental-loader'],
    ['--tls_keylog=/x', '--tls_keylog'],
    ['--no-experimental-fetch', '--no-experimental-fetch'],
    ['--heapsnapshot-signal=SIGUSR2', '--heapsnapshot-signal'],
  ])('%s', (text, refused) => {
    expect(badOption(splitOptions(text))?.option).toBe(refused)
  })
})

describe('a refusal', () => {
  const of = (environment: Environment, nodeArguments: string[] = [], fromSource = false) =>
    refusal({ environment, nodeArguments, fromSource })

  it('is one line without a value, which may be a secret', () => {
    for (const name of variables.filter(({ effect }) => effect === 'refused').flatMap(({ names }) => names)) {
      const text = of({ [name]: 'a-value' }) ?? ''
      expect(text).toMatch(new RegExp(`^${name} is set\\..*Start it without ${name}\\.`))
      expect(text).not.toMatch(/a-value|\n/)
    }
    expect(of({ NODE_OPTIONS: '--require=a-value' })).not.toMatch(/a-value|\n/)
  })

  it('is for what is set, and not for what is empty', () => {
    expect(of({ NODE_DEBUG: '', NODE_OPTIONS: '', PATH: '/bin', PGOPTIONS: 'x' })).toBeUndefined()
    expect(of({ NODE_USE_SYSTEM_CA: '0' })).toBeUndefined()
  })

  it('lets a developer run the source with a loader or a debugger', () => {
    expect(of({}, ['--import', 'tsx', '--inspect'], true)).toBeUndefined()
    expect(of({}, ['--inspect'])).toContain('node was started with --inspect: others could read the memory')
    expect(of({ NODE_OPTIONS: '--inspect' }, [], true)).toContain('NODE_OPTIONS has --inspect')
  })
})
