import { expect, it } from 'vitest'
import { titled } from '../../src/probes/needs.ts'

it.each([
  ['SES', 'backend SES', 'backend SES'],
  ['SMTP', 'smtp', 'smtp'],
  ['Write path', 'path to write', 'path to write'],
  ['SES', 'sessions', 'SES sessions'],
  ['Postgres node', 'node 1', 'Postgres node node 1'],
  ['Outbox', 'outbound mail', 'Outbox outbound mail'],
])('a target of the kind %s named %s is called %s', (title, name, said) => {
  expect(titled(title, name)).toBe(said)
})
