/** docs/design.md ("The way of one check", "Where things are") and the floors of eslint.config.js, compared with src. */
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { floors } from '../eslint.config.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const design = readFileSync(path.join(root, 'docs/design.md'), 'utf8')
const src = path.join(root, 'src')
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))
/** What a file imports of src, types too. */
const importsOf = new Map(
  files.map(file => {
    const code = readFileSync(path.join(src, file), 'utf8')
    const found = [...code.matchAll(/(?:from |import\(|import )'(\.[^']+\.ts)'/g)]
    return [file, found.map(([, to = '']) => path.join(path.dirname(file), to))] as const
  }),
)

it('has a row in the table for each folder of src, from the bottom up', () => {
  expect([...design.matchAll(/^\| `src\/([^/`]+)` \|/gm)].map(([, name]) => name)).toEqual(floors)
  const folders = files.filter(file => file.includes(path.sep)).map(file => file.split(path.sep)[0])
  expect([...new Set(folders)].sort()).toEqual(floors.toSorted())
})

it('shows the way of one check in at most 25 files, each of which leads to the next ones', () => {
  const picture = /## The way of one check\n[^]*?```\n([^]*?)```/.exec(design)?.[1] ?? ''
  const way = [...picture.matchAll(/^ +src\/(\S+\.ts) /gm)].map(([, file = '']) => file)
  expect(way.filter(file => !files.includes(file))).toEqual([])
  expect([way[0], way.at(-1), new Set(way).size]).toEqual(['main.ts', 'web/respond.ts', way.length])
  expect(way.length).toBeLessThanOrEqual(25)
  const reached = new Set(['main.ts'])
  for (const file of reached) for (const to of importsOf.get(file) ?? []) if (way.includes(to)) reached.add(to)
  expect(way.filter(file => !reached.has(file))).toEqual([])
})

it('has no file that imports itself by way of others', () => {
  const done = new Set<string>()
  const circles: string[] = []
  const walk = (file: string, above: readonly string[]): void => {
    const at = above.indexOf(file)
    if (at >= 0) circles.push([...above.slice(at), file].join(' → '))
    if (at >= 0 || done.has(file)) return
    for (const to of importsOf.get(file) ?? []) walk(to, [...above, file])
    done.add(file)
  }
  for (const file of files) walk(file, [])
  expect(circles).toEqual([])
})
