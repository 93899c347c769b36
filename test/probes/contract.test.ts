import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { probes } from '../../src/probes/index.ts'

it.each(probes.map(({ kind }) => kind))('the test of %s has it survive what every probe must', kind => {
  expect(readFileSync(new URL(`${kind}.test.ts`, import.meta.url), 'utf8')).toContain('probeContract(')
})
