import fc from 'fast-check'
import { expect, it } from 'vitest'
import { redactor } from '../../src/core/redact.ts'
import { escapings, wordings } from './spellings.ts'

const plainCharacters = 'abcdefghKMXYZ0123456789@/+:%&=<>"\'\\ -_.$#!?'
/** Long enough, and with enough in them, that they are no ordinary words. */
const secretOf = (characters: string): fc.Arbitrary<string> =>
  fc
    .string({ unit: fc.constantFrom(...Array.from(characters)), minLength: 8, maxLength: 24 })
    .filter(text => text.trim() === text && /[a-z].*\d|\d.*[a-z]/i.test(text))
    .filter(text => text.replace(/[^\w@/:%$#!?-]/g, '').length >= 7)
const anySecret = secretOf(`${plainCharacters}ü€ß漢é`)
const seed = 20_260_112

function blot(text: string, ...secrets: readonly string[]): string {
  const { add, text: clean } = redactor()
  for (const secret of secrets) add(secret)
  return clean(text)
}

/** Blots it out between other words, which stay. */
function expectGone(secret: string, told: string): void {
  const [before, after] = ['denied to user me, password ', ' (phase login)']
  const clean = blot(before + told + after, secret)
  expect(clean).toContain('<secret>')
  expect(clean.startsWith('denied to user me'), clean).toBe(true)
  expect(clean.endsWith('(phase login)'), clean).toBe(true)
  if (secret !== told.trim()) return
  expect(clean).toBe(`${before}<secret>${after}`)
}

it.each(Object.keys(wordings))('a secret is found %s', wording => {
  const property = fc.property(anySecret, secret => expectGone(secret, wordings[wording]?.(secret) ?? ''))
  fc.assert(property, { seed, numRuns: 20 })
})

it.each(Object.keys(escapings))('a secret is found escaped, and in another case or line and escaped: %s', name => {
  const escape = escapings[name] ?? (text => text)
  const alone = fc.property(anySecret, secret => expectGone(secret, escape(secret)))
  fc.assert(alone, { seed, numRuns: 20 })
  const letters = secretOf('abcdefghKMXYZ0123456789@:-_.#!?')
  const both = fc.property(letters, fc.constantFrom(...Object.values(wordings)), (secret, wording) =>
    expectGone(secret, escape(wording(secret))),
  )
  fc.assert(both, { seed, numRuns: 20 })
})

it('a secret is found in escapes of escapes', () => {
  const pair = fc.constantFrom(...Object.keys(escapings).filter(name => name !== 'quoted-printable'))
  const property = fc.property(secretOf('abcdefghKMXYZ0123456789@/:-_.$#!?ü'), pair, pair, (secret, first, second) => {
    expectGone(secret, escapings[second]?.(escapings[first]?.(secret) ?? '') ?? '')
  })
  fc.assert(property, { seed, numRuns: 150 })
})

it.each([
  ['read in another charset', 'pässword-1', Buffer.from('pässword-1', 'utf8').toString('latin1')],
  ['with letters that were lost', 'pässword-1', 'p\ufffdssword-1'],
  ['taken for the name of a host', 'pässword-1', 'xn--pssword-1-v2a'],
  ['in the Latin-1 of a URL', 'pässword-1', 'p%E4ssword-1'],
  [
    'cut off within base64',
    'hunter2-Kq7@Zt9m',
    `${Buffer.from('\0me\0hunter2-Kq7@Zt9m').toString('base64').slice(0, 18)}…`,
  ],
  ['cut off in capitals', 'hunter2-Kq7@Zt9m', 'HUNTER2-KQ7…'],
])('a secret is found %s', (_, secret, told) => {
  expect(blot(`refused ${told}`, secret)).toMatch(/^refused .{0,6}<secret>…?$/)
})

it('ordinary words of ours stay, whatever somebody has for a password', () => {
  const ours = [
    'Is this port really Postgres? Check host and port.',
    'env POSTGRES_PASSWORD: Relay said 535 5.7.8 Authentication failed',
    'postgres/db-1: 10.0.0.122:5432: lands on a Standby (SQLSTATE 25006)',
  ].join('\n')
  for (const secret of ['postgres', 'password', 'relay', 'authentication', 'standby', 'app_db', '5432', '25006'])
    expect(blot(ours, secret), secret).toBe(ours.replaceAll(secret, '<secret>'))
})

it('does not take its own mark for a secret', () => {
  expect(blot(blot('a secret: hunter2', 'hunter2', 'secret'), 'secret')).toBe('a <secret>: <secret>')
})

it('takes time in proportion to the text', () => {
  const secrets = Array.from({ length: 50 }, (_, n) => `Secret-${n}-Zt9mWx${n * 7919}`)
  const units = [
    'the server refused the login of user app ',
    'QUcxbEFNT3BaY084NG9DdU1ESERuK0tBcmlU',
    '%41%5a&amp;\\u0041',
    'abcd…',
    'a',
  ]
  const clean = redactor()
  for (const secret of [...secrets, 'a'.repeat(40)]) clean.add(secret)
  const took = (text: string): number => {
    const times = [1, 2, 3].map(() => {
      const from = process.cpuUsage()
      clean.text(text)
      const { user, system } = process.cpuUsage(from)
      return user + system
    })
    return Math.min(...times)
  }
  for (const unit of units) {
    const [small, large] = [8_192, 65_536].map(size => took(unit.repeat(Math.ceil(size / unit.length)).slice(0, size)))
    // Eight times as long; the square would be 64 times.
    expect((large ?? 0) / Math.max(small ?? 0, 1_000), unit).toBeLessThan(32)
  }
})
