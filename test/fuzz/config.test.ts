import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { parseConfig } from '../../src/config/load.ts'
import { ConfigError } from '../../src/core/errors.ts'
import { bounded, patienceMs, working } from './limits.ts'

const example = readFileSync(new URL('../config/example.yml', import.meta.url), 'utf8')
const canary = 'Canary7Zq'

/** The message of the ConfigError, or undefined where the text is a good configuration. Whatever else is thrown passes through. */
function problems(text: string): string | undefined {
  const spent = working()
  try {
    parseConfig(text, 'mailpath.yml')
    return undefined
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.message
  } finally {
    expect(spent()).toBeLessThan(2_000)
  }
}

/** Lines of `file:line:col: …`, which is what an editor can follow. */
const isPrecise = (message: string): boolean =>
  message.split('\n').every(line => /^mailpath\.yml:\d+:\d+: \S|^mailpath\.yml: and \d+ more problems$/.test(line))

const punctuation = [
  ...Array.from(':-{}[]"\'&*!|>#%@`,?=~$\t\n\r'),
  ': ',
  '- ',
  '\n  ',
  '\n---\n',
  '{{',
  '<<',
  '\u0000',
  '\uFEFF',
  '💥',
]
const words = [
  'postgres',
  'vault',
  'smtp',
  'name',
  'url',
  'password',
  'env',
  'interval',
  '15s',
  'null',
  '~',
  '1e999',
  '!!js',
  '&a',
  '*a',
  canary,
]
const yamlish = fc
  .array(fc.oneof(fc.constantFrom(...punctuation), fc.constantFrom(...words), fc.string({ maxLength: 5 })), {
    maxLength: 120,
  })
  .map(parts => parts.join(''))

/** What happens to a file that is edited by hand: text put in, cut out, moved. */
const edits = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.nat(12),
    put: fc.oneof(fc.constant(''), fc.constantFrom(...punctuation), fc.constantFrom(...words)),
  }),
  { maxLength: 4 },
)

function edited(text: string, changes: readonly { at: number; cut: number; put: string }[]): string {
  return changes.reduce((now, { at, cut, put }) => {
    const from = Math.floor(at * now.length)
    return now.slice(0, from) + put + now.slice(from + cut)
  }, text)
}

type Path = readonly (string | number)[]
const isNode = (value: unknown): value is Record<string | number, unknown> =>
  typeof value === 'object' && value !== null

/** Names are repeated, so that a person finds them, and are labels of metrics; they are no secrets. So are the keys of `expect` and `sources`. */
const isName = (path: Path): boolean =>
  ['name', 'target', 'cluster', 'expect', 'sources'].includes(String(path.at(-1))) ||
  (path[0] === 'mail' && path.at(-1) !== 'provider') ||
  (['canary', 'dns'].includes(String(path[0])) && path.at(-1) === 'smtp')

const pathsIn = (value: unknown, path: Path = []): Path[] =>
  (isNode(value) ? Object.entries(value) : []).flatMap(([key, below]) => [
    [...path, key],
    ...pathsIn(below, [...path, key]),
  ])
const places = pathsIn(parse(example)).filter(path => !isName(path))

/** The example with another value at some of its places: what is written there may be a secret. */
function withValues(changes: readonly { place: Path; value: unknown }[]): string {
  const data: unknown = parse(example)
  for (const { place, value } of changes) {
    const parent = place.slice(0, -1).reduce<unknown>((node, key) => (isNode(node) ? node[key] : undefined), data)
    if (isNode(parent)) parent[place.at(-1) ?? ''] = structuredClone(value)
  }
  return stringify(data, { aliasDuplicateObjects: false })
}

const literal = fc.oneof(
  fc.constantFrom<unknown>(
    canary,
    `postgres://user:${canary}@db:5432/app`,
    `https://user:${canary}@vault:8200`,
    `postgres://db/app?password=${canary}`,
    [canary],
    { env: [canary] },
    { [canary]: null },
    { present: canary },
    { file: canary, env: canary },
    `${canary}\n${canary}`,
  ),
  fc.constantFrom<unknown>(null, true, -1, 1e308, '', [], {}, 'x'.repeat(5_000), { a: { b: { c: [] } } }, [[[]]]),
)

it('says what is wrong with any text, in words and with a position', { timeout: patienceMs }, () => {
  fc.assert(
    fc.property(
      fc.oneof(yamlish, fc.string({ maxLength: 200 }), fc.string({ unit: 'binary', maxLength: 80 })),
      text => {
        const message = problems(text)
        // An arbitrary text is no configuration.
        expect(message).toBeDefined()
        expect(isPrecise(message ?? '')).toBe(true)
      },
    ),
    bounded(3),
  )
})

it('survives every edit of a good file', { timeout: patienceMs }, () => {
  fc.assert(
    fc.property(edits, changes => {
      const message = problems(edited(example, changes))
      expect(message === undefined || isPrecise(message)).toBe(true)
    }),
    bounded(4),
  )
})

it('never repeats a value of the file, which may be a secret in the wrong place', { timeout: patienceMs }, () => {
  const change = fc.record({ place: fc.constantFrom(...places), value: literal })
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), changes => {
      expect(problems(withValues(changes)) ?? '').not.toContain(canary)
    }),
    bounded(4),
  )
})
