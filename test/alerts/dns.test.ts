/** Which reasons of DNS make a ticket: those that are more than advice, and no others. */
import { expect, it } from 'vitest'
import { reasons } from '../../src/probes/dns/reasons.ts'
import { readRules } from './rules-file.ts'
import { askedBy } from './selectors.ts'

const rules = readRules().flatMap(group => (group.name === 'mailpath-dns' ? group.rules : []))
const named = new Set(
  rules.flatMap(rule =>
    askedBy(rule.expr).selectors.flatMap(({ matchers }) =>
      matchers.flatMap(({ label, values }) => (label === 'reason' ? values : [])),
    ),
  ),
)

it('names each reason that is more than advice: MailDnsFailing has those that always fail', () => {
  const found = Object.entries(reasons).filter(([, { severity, verdict }]) => severity !== 'low' && verdict !== 'fail')
  expect([...named].sort()).toEqual(found.map(([code]) => code).sort())
})

it('pages for nothing: the verdict of mail does', () => {
  expect(rules.length).toBeGreaterThan(5)
  expect(new Set(rules.map(rule => rule.labels?.['severity']))).toEqual(new Set(['warning']))
})
