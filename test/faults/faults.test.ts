import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { reasonCatalogue } from '../../src/exposition/reasons.ts'
import { areas } from './areas.ts'
import { docFile, faultsDoc } from './doc.ts'
import { faultMs, type Bench } from './runner.ts'
import { areasAtOnce, turns } from './turns.ts'

const turn = turns(areasAtOnce)
/** For the areas that wait for their turn. */
const allMs = 600_000

// Areas at the same time, the faults of an area one after the other.
for (const area of areas)
  describe.concurrent(area.name, () => {
    let bench: Bench | undefined
    let end: (() => void) | undefined
    beforeAll(async () => {
      if (area.faults.every(fault => fault.skip !== undefined)) return
      end = await turn()
      bench = await area.open()
    }, allMs)
    afterAll(async () => {
      await bench?.stop()
      end?.()
    })

    for (const { name, skip } of area.faults)
      if (skip === undefined) it(name, { concurrent: false, timeout: faultMs }, () => bench?.prove(name))
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
    .flatMap(({ seen }) => [seen.root ?? [], seen.reasons ?? [], seen.not ?? []].flat())
  expect(named.filter(one => !known.has(one.slice(one.lastIndexOf(' ') + 1)))).toEqual([])
})

it('docs/faults.md follows from the matrix', () => expect(faultsDoc(areas)).toMatchFileSnapshot(docFile.pathname))
