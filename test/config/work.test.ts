import { expect, it } from 'vitest'
import { maxLexemes, parseYaml } from '../../src/yaml/parse.ts'
import { parseDotenv, readDotenv } from '../../src/references/dotenv.ts'

/** CPU of this process in ms: what others do on the machine meanwhile is not in it. The lesser of two, for the collector. */
function costOf(work: () => unknown): number {
  const costs = [0, 0].map(() => {
    const before = process.cpuUsage()
    work()
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000
  })
  return Math.min(...costs)
}

const lines = (length: number, line: (i: number) => string): string => {
  const all: string[] = []
  for (let i = 0, size = 0; size < length; i++) {
    all.push(line(i))
    size += line(i).length
  }
  return all.join('')
}

/** Four times as much may take eight times as long: the square would be sixteen times. */
function expectLinear(shape: (length: number) => string, parse: (text: string) => unknown): void {
  const [small, large] = [shape(10_000), shape(40_000)]
  parse(small)
  expect(costOf(() => parse(large))).toBeLessThan(8 * costOf(() => parse(small)) + 40)
}

it.each<[string, (length: number) => string]>([
  ['keys of one map', n => lines(n, i => `k${i}: 1\n`)],
  ['keys in braces', n => `{${lines(n, i => `${i.toString(36)},`)}}`],
  ['one key again and again', n => lines(n, () => 'a: 1\n')],
  ['anchors, each with an alias', n => lines(n, i => `- &a${i} x\n- *a${i}\n`)],
  ['aliases as keys', n => `b: &a x\n${lines(n, () => '*a : 1\n')}`],
  ['braces around keys', n => `${'{'.repeat(40)}${lines(n, () => 'a,')}${'}'.repeat(40)}`],
  ['escapes that are none', n => `a: "${lines(n, () => '\\q')}"`],
  ['comments', n => `a:\n  b: 1\n${lines(n, () => '  # x\n')}`],
])('YAML of %s takes time in proportion to its size', (_, shape) => {
  expectLinear(shape, parseYaml)
})

it('YAML knows where each of many keys is without going through the others', () => {
  expectLinear(
    n => lines(n, i => `k${i}: 1\n`),
    text => {
      const source = parseYaml(text)
      for (let i = 0; i < text.length / 12; i++) source.keyPosition([`k${i}`])
    },
  )
})

it.each([
  ['[', ',', ']'],
  ['', '- a\n', ''],
])('YAML of more than a person writes is refused, and where: %j', (head, part, tail) => {
  const { data, problems } = parseYaml(`${head}${part.repeat(1_048_000 / part.length)}${tail}`)
  expect(data).toBeUndefined()
  expect(problems).toEqual([
    {
      position: expect.stringMatching(/^\d+:\d+$/) as string,
      text: `not valid YAML: more than ${maxLexemes} words and signs; write less into one file`,
    },
  ])
})

it.each<[string, (length: number) => string]>([
  ['quotes that are not closed', n => lines(n, i => `A${i}='x"y\`\n`)],
  ['names without a value', n => 'a'.repeat(n)],
  ['variables', n => lines(n, i => `A${i}=\${B}\${C}\n`)],
  ['white space', n => `A=${' '.repeat(n)}x`],
])('a .env of %s takes time in proportion to its size', (_, shape) => {
  expectLinear(shape, text => [parseDotenv(text), readDotenv(text, undefined)])
})

it.each(['constructor', 'toString', 'hasOwnProperty'])('a variable may be called %s', name => {
  expect(readDotenv(`${name}=a\nB=\${${name}}\nC=\${valueOf:-none}`, true)).toEqual({ [name]: 'a', B: 'a', C: 'none' })
})

it('a variable called __proto__ is one like others', () => {
  expect(Object.entries(readDotenv('__proto__=a\nB=$__proto__', true))).toEqual([
    ['__proto__', 'a'],
    ['B', 'a'],
  ])
})
