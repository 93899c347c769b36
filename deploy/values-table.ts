/** The table of values in the README of the chart. */
import { isMap, isScalar, parseDocument } from 'yaml'
import { inCell } from '../docs/generate/docs.ts'
import type { JsonSchema } from '../docs/generate/config-schema.ts'
import { markdownTable } from '../src/report/table.ts'

/** A row for each value of `values.yaml`, with the comment above it. What the schema leaves open is one row. */
export function valuesTable(text: string, schema: JsonSchema): string {
  return markdownTable(['Value', 'Default', 'Meaning'], rowsOf(parseDocument(text).contents, schema, ''))
}

function rowsOf(map: unknown, { properties = {} }: JsonSchema, at: string): string[][] {
  if (!isMap(map)) return []
  return map.items.flatMap(({ key, value }, i) => {
    if (!isScalar(key)) return []
    const name = `${at}${String(key.value)}`
    // The parser gives the comment above the first key to the map, if the map has a key of its own.
    const meaning = meaningIn((i === 0 && map.commentBefore) || key.commentBefore || '')
    const below = properties[String(key.value)]
    if (name !== 'config' && below && Object.keys(below.properties ?? {}).length > 0)
      return [...(meaning === '' ? [] : [[`\`${name}\``, '', meaning]]), ...rowsOf(value, below, `${name}.`)]
    if (meaning === '') throw new Error(`values.yaml has no comment above ${name}`)
    return [[`\`${name}\``, defaultOf(value), meaning]]
  })
}

/** Short enough for a cell. */
const longest = 48

function defaultOf(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length > longest ? '[values.yaml](values.yaml)' : `\`${text.replaceAll('"', "'")}\``
}

/** The last paragraph of a comment, without an example in YAML, which stands further to the right. */
const meaningIn = (comment: string): string =>
  inCell(
    (comment.split(/\n\s*\n/).at(-1) ?? '')
      .split('\n')
      .filter(line => /^ \S/.test(line))
      .map(line => line.trim())
      .join(' '),
  )
