import fc from 'fast-check'
import { expect, it } from 'vitest'
import { redactor } from '../../src/core/redact.ts'

function blot(text: string, ...secrets: readonly string[]): string {
  const { add, text: clean } = redactor()
  for (const secret of secrets) add(secret)
  return clean(text)
}
const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64')

it('blots a secret out of a text, everywhere', () => {
  expect(blot('hunter2: no hunter2', 'hunter2')).toBe('<secret>: no <secret>')
  expect(blot('nothing of it', 'hunter2')).toBe('nothing of it')
})

it.each([
  ['percent-encoded, as in a URL', 'postgres://a:p%40ss%2Fword@db', 'p@ss/word', 'postgres://a:<secret>@db'],
  ['in base64', `AUTH LOGIN ${base64('p@ss/word')}`, 'p@ss/word', 'AUTH LOGIN <secret>'],
  ['without the newline of its file', 'refused p@ss/word', 'p@ss/word\n', 'refused <secret>'],
  ['in JSON', String.raw`refused "p\"a\\ss"`, String.raw`p"a\ss`, 'refused "<secret>"'],
  [
    'in a message without its line breaks',
    'refused -----BEGIN KEY----- abc',
    '-----BEGIN KEY-----\r\nabc\n',
    'refused <secret>',
  ],
  ['with characters of regular expressions', 'refused (a+)+$', '(a+)+$', 'refused <secret>'],
  ['with what replace() takes for a pattern', 'refused $&$1$$', '$&$1$$', 'refused <secret>'],
])('finds it %s', (_, text, secret, clean) => {
  expect(blot(text, secret)).toBe(clean)
})

it('finds it within longer base64, wherever it begins there', () => {
  fc.assert(
    fc.property(
      fc.string({ maxLength: 8 }),
      fc.string({ minLength: 6, maxLength: 24 }),
      fc.string({ maxLength: 8 }),
      (before, secret, after) => {
        expect(blot(base64(`${before}${secret}${after}`), secret)).toContain('<secret>')
      },
    ),
  )
  expect(blot(base64('\0postmaster@keybuzz.io\0hunter2-hunter2'), 'hunter2-hunter2')).toMatch(/^.{30,31}<secret>=?$/)
})

it('takes the longer of two secrets, where one is in the other', () => {
  expect(blot('hunter2-and-more hunter2', 'hunter2', 'hunter2-and-more')).toBe('<secret> <secret>')
})

it('leaves a text alone that has only something short of a secret', () => {
  expect(blot('port 587 of relay 1', '587', '', ' ')).toBe('port 587 of relay 1')
})

it('finds the first half of a secret at the end of a text that was shortened', () => {
  expect(blot('refused hunter2-hun…', 'hunter2-hunter2')).toBe('refused <secret>…')
  expect(blot('hunter2-h… and hunter2-hun… (phase login)', 'hunter2-hunter2')).toBe(
    '<secret>… and <secret>… (phase login)',
  )
  expect(blot('… is no hunter2-hun', 'hunter2-hunter2')).toBe('… is no hunter2-hun')
  expect(blot('refused hu…', 'hunter2-hunter2')).toBe('refused hu…')
})

it('does not fail over half a surrogate pair', () => {
  expect(blot('refused \ud800word', '\ud800word')).toBe('refused <secret>')
})

it('knows nothing of the secrets of another', () => {
  blot('', 'hunter2')
  expect(blot('hunter2')).toBe('hunter2')
})
