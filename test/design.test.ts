/** docs/design.md, "Where things are", and the floors of eslint.config.js, held to the files of src. */
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { floors } from '../eslint.config.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const design = readFileSync(path.join(root, 'docs/design.md'), 'utf8')
const src = path.join(root, 'src')
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))
it('has a row in the table for each folder of src, from the bottom up', () => {
  expect([...design.matchAll(/^\| `src\/([^/`]+)` \|/gm)].map(([, name]) => name)).toEqual(floors)
  const folders = files.filter(file => file.includes(path.sep)).map(file => file.split(path.sep)[0])
  expect([...new Set(folders)].sort()).toEqual(floors.toSorted())
})
