/** A remedy is a sentence of its own, behind an arrow or in an alert. */
import { expect, it } from 'vitest'
import { reasonCatalogue } from '../../src/exposition/reasons.ts'
import { beginsWell } from '../assess/remedy.ts'

it.each([
  ['Wait.', true],
  ['`timeout` is short.', true],
  ['db-1:5432 is not the address of a node.', true],
  ['its driver decides where this leads.', false],
  ['a pooler in between decides.', false],
])('%s begins as a remedy: %s', (text, is) => expect(beginsWell(text)).toBe(is))

it('each remedy of the catalogue begins with a capital letter or with code', () => {
  const all = reasonCatalogue.flatMap(({ reasons }) => Object.entries(reasons))
  expect(all.length).toBeGreaterThan(100)
  expect(all.filter(([, { remedy }]) => !beginsWell(remedy))).toEqual([])
})
