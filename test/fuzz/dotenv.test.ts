import { inspect } from 'node:util'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readAs, readings } from '../../src/clients/postgres-url/index.ts'
import { parseDotenv } from '../../src/references/dotenv.ts'
import { shapes } from '../../src/core/shape.ts'
import { bounded, patienceMs, working } from './limits.ts'

const name = fc.stringMatching(/^[A-Za-z_][\w.-]{0,12}$/)
const printable = (without: string) =>
  fc.string({ unit: 'grapheme' }).filter(text => ![...Array.from(without), '\n', '\r'].some(c => text.includes(c)))

/** A value, and a way to write it down. */
const written = fc.oneof(
  // As dotenv has it: a `#` begins a comment, also within a value.
  printable('#"\'`\\').map(text => ({ value: text.trim(), text: text.trim() })),
  printable('"\\').map(value => ({ value, text: `"${value}"` })),
  printable("'\\").map(value => ({ value, text: `'${value}'` })),
  printable('`\\').map(value => ({ value, text: `\`${value}\`` })),
  fc
    .array(printable('"\\'), { maxLength: 3 })
    .map(lines => ({ value: lines.join('\n'), text: `"${lines.join('\n')}"` })),
  fc
    .array(printable('"\\'), { maxLength: 3 })
    .map(lines => ({ value: lines.join('\n'), text: `"${lines.join('\\n')}"` })),
)
const line = fc.record({
  name,
  written,
  before: fc.constantFrom('', ' ', '\t', 'export ', '# a comment\n', '\n\n'),
  between: fc.constantFrom('=', ' = ', '=\t', ': '),
  after: fc.constantFrom('', ' ', ' # a comment', '\t#'),
})

it('reads back what was written, in every style', { timeout: patienceMs }, () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), fc.constantFrom('\n', '\r\n'), fc.boolean(), (lines, end, mark) => {
      const text = lines.map(l => `${l.before}${l.name}${l.between}${l.written.text}${l.after}\n`).join('')
      const expected = Object.fromEntries(lines.map(l => [l.name, l.written.value]))
      expect({ ...parseDotenv((mark ? '\uFEFF' : '') + text.replaceAll('\n', end)) }).toEqual(expected)
    }),
    bounded(4),
  )
})

it('reads any text, however long, with next to no work', { timeout: patienceMs }, () => {
  const part = fc.constantFrom(
    'A',
    'B=',
    'export ',
    '"',
    "'",
    '`',
    '\\"',
    '\\',
    '#',
    ' ',
    '\t',
    '\n',
    '\r',
    ':',
    'x',
    '\n\n',
    'C="\\"x',
  )
  const repeated = fc.tuple(fc.array(part, { maxLength: 12 }), fc.integer({ min: 1, max: 10_000 }))
  fc.assert(
    fc.property(fc.array(repeated, { maxLength: 4 }), pieces => {
      const text = pieces
        .map(([parts, times]) => parts.join('').repeat(times))
        .join('')
        .slice(0, 100_000)
      const spent = working()
      for (const value of Object.values(parseDotenv(text))) expect(typeof value).toBe('string')
      expect(spent()).toBeLessThan(1_000)
    }),
    bounded(4, 2_000),
  )
})

const canary = 'Canary7Zq'

it('never puts the password of a URL into an error', { timeout: patienceMs }, () => {
  const noise = fc.array(
    fc.oneof(
      fc.constantFrom(...Array.from(':/@?#%[]&= \n'), '%zz', '%ff', '::1', 'postgres', 'db'),
      fc.string({ maxLength: 4 }),
    ),
    {
      maxLength: 6,
    },
  )
  const url = fc
    .tuple(fc.constantFrom('postgres://', 'postgresql://', 'http://', '', 'postgres:'), noise, noise)
    .map(([scheme, before, after]) => `${scheme}${before.join('')}${canary}${after.join('')}`)
  fc.assert(
    fc.property(url, text => {
      for (const { reading } of readings({ url: text, settings: {} }))
        if (reading.kind === 'plan')
          expect(reading.plan.endpoints.every(({ port }) => Number.isInteger(port))).toBe(true)
        else expect(inspect(reading, { depth: 9, showHidden: true })).not.toContain(canary)
    }),
    bounded(3),
  )
})

it('reads back a URL as it was composed', { timeout: patienceMs }, () => {
  const part = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  const name = part.filter(text => shapes.user.read(text) !== undefined)
  const parts = fc.record({ user: name, password: part, database: name, port: fc.integer({ min: 1, max: 65_535 }) })
  fc.assert(
    fc.property(parts, ({ user, password, database, port }) => {
      const [u, p, d] = [user, password, database].map(encodeURIComponent)
      const read = readAs('libpq', { url: `postgres://${u ?? ''}:${p ?? ''}@db-01:${port}/${d ?? ''}`, settings: {} })
      if (read.kind === 'plan')
        expect(read.plan).toMatchObject({ endpoints: [{ host: 'db-01', port }], user, password, database })
      // Some of these are no names that could be shown.
      else expect(read.kind).toBe('not_understood')
    }),
    bounded(3),
  )
})
