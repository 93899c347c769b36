import { expect, it } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'

const loaded = (yaml: string): string => {
  try {
    parseConfig(yaml, 'mailpath.yml')
    return 'ok'
  } catch (error) {
    return error instanceof Error ? error.message : 'another error'
  }
}

it.each([
  ['half of a character', 'smtp: [{ name: "a\\ud800", host: relay }]', 'smtp[0].name: a name must not hold invisible'],
  ['an override', 'smtp: [{ name: "a\\u202eb", host: relay }]', 'smtp[0].name: a name must not hold invisible'],
  ['no width', 'smtp: [{ name: "a\\u200bb", host: relay }]', 'smtp[0].name: a name must not hold invisible'],
  ['no width in a host', 'smtp: [{ name: a, host: "re\\u200blay" }]', 'it holds an invisible character'],
  ['half of a user', 'smtp: [{ name: a, host: h, user: "a\\ud800", password: { env: X } }]', 'it holds an invisible'],
  [
    'half of a path in a Vault',
    'vault: [{ name: a, url: "https://h", token: { env: X }, secrets: [{ path: "secret/\\ud800" }] }]',
    'secrets[0].path: has an invisible character in it',
  ],
])('an invisible character is refused, with its line: %s', (_, yaml, error) => {
  expect(loaded(yaml)).toMatch(/^mailpath\.yml:1:\d+: /)
  expect(loaded(yaml)).toContain(error)
})

it('what people write is a name, and two that look alike are one', () => {
  expect(loaded('smtp: [{ name: "⚠️ 日本語 می‌خواهم 👨‍👩‍👧", host: relay }]')).toBe('ok')
  expect(loaded('smtp: [{ name: "⚠️ a", host: relay }, { name: "⚠ a", host: relay }]')).toContain(
    'is the name of smtp[0] already',
  )
})
