import { existsSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { probes } from '../../src/probes/index.ts'

/** A probe with tests in a folder of their own has its contract there. */
const testOf = (kind: string): URL => {
  const alone = new URL(`${kind}.test.ts`, import.meta.url)
  return existsSync(alone) ? alone : new URL(`${kind}/contract.test.ts`, import.meta.url)
}

it.each(probes.map(({ kind }) => kind))('the test of %s has it survive what every probe must', kind => {
  expect(readFileSync(testOf(kind), 'utf8')).toContain('probeContract(')
})
