import { afterAll, describe, expect, it, vi } from 'vitest'
import { reasonCatalogue } from '../../src/exposition/reasons.ts'
import { areas } from './areas.ts'
import { docFile, faultsDoc } from './doc.ts'
import { benchOf, faultMs, type Runnable } from './runner.ts'
import { areasAtOnce, longestFirst } from './turns.ts'

/** `npm test` proves the first fault of each area that can be run here. With `FAULTS=all`, as in .ci/run, it proves them all. */
const chosen = process.env['FAULTS'] === 'all' ? areas : areas.map(area => ({ ...area, faults: firstOf(area) }))

function firstOf({ faults }: Runnable): Runnable['faults'] {
  const able = faults.findIndex(({ skip }) => skip === undefined)
  return faults.slice(Math.max(0, able)).slice(0, 1)
}

// Areas at the same time, the faults of an area one after the other.
vi.setConfig({ maxConcurrency: areasAtOnce })
for (const area of longestFirst(chosen))
  describe.concurrent(area.name, () => {
    const bench = benchOf(area)
    afterAll(() => bench.stop())

    for (const { name, skip } of area.faults)
      if (skip === undefined) it(name, { concurrent: false, timeout: faultMs }, () => bench.prove(name))
      else it.skip(`${name} (${skip})`)
  })

it('no two faults have the same name', () => {
  const names = areas.flatMap(area => area.faults.map(fault => fault.name))
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([])
})

it('names only reasons that there are', () => {
  const known = new Set(reasonCatalogue.flatMap(({ reasons }) => Object.keys(reasons)))
  const named = areas
    .flatMap(area => area.faults)
    .flatMap(({ seen }) =>
      [seen.root ?? [], seen.reasons ?? [], seen.not ?? [], Object.keys(seen.because ?? {})].flat(),
    )
  expect(named.filter(one => !known.has(one.slice(one.lastIndexOf(' ') + 1)))).toEqual([])
})

it('docs/faults.md follows from the matrix', () => expect(faultsDoc(areas)).toMatchFileSnapshot(docFile.pathname))
