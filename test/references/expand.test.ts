import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import vm from 'node:vm'
import { parse } from 'dotenv'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDotenv, readDotenv } from '../../src/references/dotenv.ts'
import { bounded } from '../fuzz/limits.ts'

const library = vm.createContext({ module: { exports: {} }, process: { env: {} } })
vm.runInContext(readFileSync(createRequire(import.meta.url).resolve('dotenv-expand'), 'utf8'), library)

/** What dotenv-expand makes of it; undefined where that has no end, as it often has none. */
function expandedBy(
  parsed: Record<string, string>,
  processEnv: Record<string, string>,
): Record<string, string> | undefined {
  library['given'] = JSON.stringify({ parsed, processEnv })
  const call = 'JSON.stringify(module.exports.expand(JSON.parse(given)).parsed)'
  try {
    return JSON.parse(String(vm.runInContext(call, library, { timeout: 100 }))) as Record<string, string>
  } catch {
    return undefined
  }
}

const why = (text: string, expand: boolean | undefined, name = 'A'): string => {
  const value = readDotenv(text, expand)[name]
  return typeof value === 'object' ? value.why : `can be taken`
}

describe('with expand: true', () => {
  const database = 'DB_USER=app\nDB_PASS=pw\nDB_HOST=127.0.0.1\n'
  it.each([
    [
      'in braces',
      `${database}A="postgresql://\${DB_USER}:\${DB_PASS}@\${DB_HOST}:5432/app"`,
      'postgresql://app:pw@127.0.0.1:5432/app',
    ],
    ['without braces', `${database}A=$DB_USER@$DB_HOST`, 'app@127.0.0.1'],
    ['in single quotes, which dotenv takes off before', `${database}A='$DB_HOST'`, '127.0.0.1'],
    ['over several', 'B=x\nC=${B}y\nA=${C}z', 'xyz'],
    ['with a default that is not needed', 'B=x\nA=${B:-y}', 'x'],
    ['with a default', 'A=${B:-y}', 'y'],
    ['with a default where it is empty', 'B=\nA=${B-y}', 'y'],
    ['with a default that is empty', 'A=x${B:-}', 'x'],
    ['with a default that has one', 'B=x\nA=${C:-${B}}', 'x'],
    ['with an alternative', 'B=x\nA=${B:+y}', 'y'],
    ['of an empty one', 'B=\nA=x${B}', 'x'],
    ['that is escaped', String.raw`A=pa\$B`, 'pa$B'],
    ['that is none', 'A=pa$ $5 $', 'pa$ $5 $'],
    ['of itself with a default', 'A=${A:-x}', 'x'],
    ['and is set twice: the last counts', 'B=x\nA=$B\nB=y', 'y'],
  ])('a variable %s', (_, text, value) => {
    expect(readDotenv(text, true)['A']).toBe(value)
    expect(expandedBy(parse(text), {})?.['A']).toBe(value)
  })

  it.each([
    ['is set nowhere', 'A=${DB_HOST}', 'holds ${DB_HOST}, which is not set in this file'],
    ['may be a part of a secret', 'A=pa$word', 'holds a variable, which is not set in this file'],
    [
      'has a default that may be a secret',
      'B=${C}\nC=x\nA=${B:-hunter2}',
      'holds ${B}, and that holds ${C}, which is set further below',
    ],
    [
      'is set further below',
      'A=$B\nB=x',
      'holds ${B}, which is set further below: not every loader finds it there; move it up',
    ],
    ['is itself', 'A=$A:/bin', 'holds ${A}, which is set further below'],
    ['holds one that is set nowhere', 'B=${C}\nA=x$B', 'holds ${C}, which is not set in this file'],
    ['is expanded in two ways', 'B=\\$C\nC=x\nA=p$B', 'is expanded in different ways'],
    ['leads in a circle', 'B=y${A}\nA=x${B}', 'holds ${B}'],
  ])('a variable that %s leaves the value unknown', (_, text, expected) => {
    expect(why(text, true)).toContain(expected)
    expect(why(text, true)).not.toMatch(/hunter2|word/)
  })

  it('does not look at the environment of the exporter', () => {
    process.env['MAILPATH_TEST_EXPAND'] = 'x'
    expect(why('A=${MAILPATH_TEST_EXPAND}', true)).toContain('not set in this file')
    delete process.env['MAILPATH_TEST_EXPAND']
  })

  it('leaves the others as they are', () => {
    expect(readDotenv('A=$B\nC=x', true)).toMatchObject({ C: 'x' })
  })
})

describe('where nothing is said of expand', () => {
  const advice =
    ": set `expand: true` if the application's loader expands it, `expand: false` if it takes it as written"
  it.each([
    ['A=${DB_HOST}', '${DB_HOST}'],
    ["A='x${DB_HOST:-hunter2}'", '${DB_HOST}'],
    ['B=x\nA=x$B', '${B}'],
    ['A=pa$word', 'a $ that would be expanded'],
    ['A=${pass}', 'a $ that would be expanded'],
    // Not by each release.
    ['A=pa$1', 'a $ that would be expanded'],
    [String.raw`A=pa\$word`, 'a $ with a backslash before it'],
  ])('%s cannot be taken', (text, what) => {
    expect(why(text, undefined)).toBe(`holds ${what}${advice}`)
    expect(readDotenv(text, false)['A']).toBe(parse(text)['A'])
  })

  it.each(['A=US$', 'A=a$ b', 'A=a$-b', 'A=a$$', 'A=$(date)', 'A=${}', 'A=plain'])('%s is taken as it stands', text => {
    expect(readDotenv(text, undefined)['A']).toBe(parse(text)['A'])
    expect(readDotenv(text, true)['A']).toBe(parse(text)['A'])
  })
})

it('a URL that dotenv cuts off in its password is not taken', () => {
  const url = 'A=postgres://app:Kq7@Zt9mWx#41@db:5432/shop'
  for (const expand of [true, false, undefined]) expect(why(url, expand)).toContain('a raw # in a URL without quotes')
  expect(readDotenv('A="postgres://app:Kq7%4041@db/shop" # as app@host', true)['A']).toBe(
    'postgres://app:Kq7%4041@db/shop',
  )
  expect(readDotenv('A=postgres://app:Kq7%4041@db/shop # ask ops@example.com', true)['A']).toContain('Kq7')
  expect(readDotenv('A=postgres://app:pw@db/shop#x', true)['A']).toBe('postgres://app:pw@db/shop')
})

describe('held to the libraries', () => {
  const names = ['A', 'B', 'C', 'D', 'E1', 'F_F']
  const literal = fc.constantFrom(
    'x',
    'pw',
    '-',
    ':',
    '$',
    '$$',
    '\\$',
    '{',
    '}',
    '${',
    '$&',
    "$'",
    ' ',
    '#',
    '"',
    '5',
    '',
  )
  const operator = fc.constantFrom(':-', '-', ':+', '+')
  /** Refers only to lines above: the library has no end where there is a circle. */
  const part = (above: readonly string[]) => {
    const name = fc.constantFrom('NOWHERE', ...above)
    return fc.oneof(
      literal,
      name.map(one => `$${one}`),
      name.map(one => `\${${one}}`),
      fc.tuple(name, operator, literal).map(([one, by, other]) => `\${${one}${by}${other}}`),
      fc.tuple(name, operator, name).map(([one, by, other]) => `\${${one}${by}\${${other}}}`),
    )
  }
  const line = (name: string, at: number) =>
    fc
      .tuple(fc.array(part(names.slice(0, at)), { maxLength: 4 }), fc.constantFrom('', '"', "'", '`'))
      .map(([parts, quote]) => `${name}=${quote}${parts.join('')}${quote}`)
  const file = fc.tuple(...names.map(line)).map(lines => lines.join('\n'))

  it('a value is read, and expanded, as they do, or not at all', { timeout: 60_000 }, () => {
    let [same, unknown] = [0, 0]
    fc.assert(
      fc.property(file, text => {
        const parsed = parse(text)
        expect({ ...parseDotenv(text) }).toEqual(parsed)
        const [alone, byConfig] = [expandedBy(parsed, {}), expandedBy(parsed, parsed)]
        fc.pre(alone !== undefined && byConfig !== undefined)
        for (const [name, value] of Object.entries(readDotenv(text, true))) {
          if (typeof value === 'object') unknown++
          else {
            same++
            expect([name, alone[name], byConfig[name]]).toEqual([name, value, value])
          }
        }
        for (const [name, value] of Object.entries(readDotenv(text, undefined)))
          if (typeof value === 'string') expect([name, alone[name], byConfig[name]]).toEqual([name, value, value])
      }),
      bounded(8),
    )
    expect(Math.min(same, unknown)).toBeGreaterThan(100)
  })
})

describe('comes to an end', () => {
  const lines = (count: number, of: (at: number) => string): string =>
    Array.from({ length: count }, (_, at) => of(at)).join('\n')
  it.each([
    ['a circle', 'A=x${B}\nB=y${A}'],
    ['lines that double', `A0=aaaaaaaaaa\n${lines(60, at => `A${at + 1}=$A${at}$A${at}`)}`],
    ['patterns of replacement', `B="${"$'".repeat(20_000)}"\nA=$B$B$B$B`],
    ['many variables in a value', `B=x\nA=${'$B'.repeat(500_000)}`],
    ['many values', `B=x\n${lines(80_000, at => `A${at}=$B`)}`],
    ['nested defaults', `A=${'${B:-'.repeat(100_000)}x${'}'.repeat(100_000)}`],
    ['braces that do not close', `A=${'${B'.repeat(300_000)}`],
    ['nothing but dollars', `A=${'$'.repeat(1_000_000)}`],
    ['a long name', `A=\${${'B'.repeat(1_000_000)}}`],
    ['a long default', `A=\${B${':-'.repeat(500_000)}}`],
  ])('%s', (_, text) => {
    for (const expand of [true, undefined, false])
      expect(Object.keys(readDotenv(text, expand)).length).toBeGreaterThan(0)
  })
})
