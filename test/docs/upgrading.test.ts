/** Whoever upgrades reads docs/upgrading.md: each breaking change of the changelog asks something of somebody there. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')

/** A breaking change, or a row of the page, with the title of its section. */
interface Entry {
  readonly section: string
  readonly text: string
}

function changesIn(changelog: string): Entry[] {
  const [breaking = ''] = /^### Breaking changes$.*?(?=^### )/ms.exec(changelog) ?? []
  return [...breaking.matchAll(/^(\S.*):\n((?:(?:- |  ).*\n)+)/gm)].flatMap(([, section = '', list = '']) =>
    list.split(/^- /m).flatMap(text => (text === '' ? [] : { section, text: text.replace(/\s+/g, ' ') })),
  )
}

const rowsIn = (page: string): Entry[] =>
  page.split(/^## /m).flatMap(part => {
    const [section = ''] = part.split('\n')
    const [, ...rows] = [...part.matchAll(/^\| .* \|$/gm)]
    return rows.map(([text]) => ({ section, text }))
  })

const namesIn = (text: string): string[] => [...text.matchAll(/`+([^`]+)`+/g)].flatMap(([, code = '']) => partsOf(code))
const partsOf = (code: string): string[] => code.match(/[\w/.-]*\w{2}[\w/.-]*/g) ?? []
const wordsIn = (text: string): string[] => text.toLowerCase().match(/[a-z]{5,}|\d[\d,]*\d/g) ?? []

/** How much a change and a row have in common that few other changes of the section have: a name in code counts twice. */
function inCommon(change: Entry, row: Entry, changes: readonly Entry[]): number {
  const near = changes.filter(({ section }) => section === change.section)
  const count = (of: (text: string) => string[]): number => {
    const there = new Set(of(row.text))
    return [...new Set(of(change.text))].filter(
      one => there.has(one) && near.filter(({ text }) => of(text).includes(one)).length <= 2,
    ).length
  }
  return row.section === change.section ? 2 * count(namesIn) + count(wordsIn) : 0
}

const withoutRow = (changes: readonly Entry[], rows: readonly Entry[]): string[] =>
  changes.filter(change => !rows.some(row => inCommon(change, row, changes) >= 2)).map(({ text }) => text)

const changes = changesIn(read('CHANGELOG.md'))
const rows = rowsIn(read('docs/upgrading.md'))

describe('a breaking change', () => {
  it('has a row in the section of the same name, which names what it names', () => {
    expect(changes.length).toBeGreaterThan(70)
    expect(withoutRow(changes, rows)).toEqual([])
  })

  it('is missed without one', () => {
    const text = '`--web.made-up` is refused.'
    const added = { section: 'How it is started, and how it ends', text }
    expect(withoutRow([...changes, added], rows)).toEqual([text])
  })

  it('is what each row is about', () => {
    const nearest = (change: Entry): Entry | undefined =>
      rows.toSorted((a, b) => inCommon(change, b, changes) - inCommon(change, a, changes))[0]
    const used = new Set(changes.map(nearest))
    expect(rows.filter(row => !used.has(row)).map(({ text }) => text)).toEqual([])
  })
})
