/** The table "Where things are" of docs/design.md, held to what the files import. */
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const text = readFileSync(path.join(root, 'docs/design.md'), 'utf8')
const namesIn = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)

/** By folder, or file of src: what its row knows of, with itself. */
const rows = new Map(
  [...text.matchAll(/^\| (`src\/.*?) \| .* \| (.*?) ?\|$/gm)].flatMap(([, where, knows = '']) => {
    const own = namesIn(where).map(name => name.replace('src/', ''))
    const known = knows === 'all of the above' ? undefined : new Set([...own, ...namesIn(knows)])
    return own.map(name => [name, known] as const)
  }),
)
const files = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter(file =>
  file.endsWith('.ts'),
)
/** The folder, or the file, directly in src. */
const placeOf = (file: string): string => file.split(path.sep)[0] ?? ''

it('has a row for each folder and each file of src, and for nothing else', () => {
  expect([...rows.keys()].sort()).toEqual([...new Set(files.map(placeOf))].sort())
})

it('is what the files import', () => {
  const others = files.flatMap(file => {
    const known = rows.get(placeOf(file))
    const code = readFileSync(path.join(root, 'src', file), 'utf8')
    const imported = [...code.matchAll(/(?:from |import\()'(\.[^']+\.ts)'/g)].map(([, to = '']) =>
      path.join(path.dirname(file), to),
    )
    return imported.filter(to => known && !known.has(placeOf(to))).map(to => `${file} imports ${to}`)
  })
  expect(others).toEqual([])
})
