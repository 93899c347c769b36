import { visible, vouched, type Shown } from '../core/shown.ts'
import { markdownTable } from './table.ts'

/** Markdown. Only `inMarkdown` makes it. */
export interface Markdown {
  readonly source: string
}
type Value = string | number | Markdown

/** Makes GitHub's Markdown. Each value is made visible, and escaped for any place in a line or a table. */
export const inMarkdown = (parts: TemplateStringsArray, ...values: readonly Value[]): Markdown => ({
  source: String.raw(
    { raw: parts },
    ...values.map(value => (typeof value === 'object' ? value.source : escapeMarkdown(String(value)))),
  ),
})

/** Blocks as a text, with an empty line between them. */
export const markdownBlocks = (blocks: readonly Markdown[]): Shown =>
  vouched(`${blocks.map(({ source }) => source).join('\n\n')}\n`)

/** A cell of several lines. */
export const markdownLines = (lines: readonly string[]): Markdown => ({
  source: lines.map(escapeMarkdown).join('<br>'),
})

/** A link to one of our own pages. */
export const markdownLink = (text: string, url: string): Markdown => ({ source: `[${escapeMarkdown(text)}](${url})` })

/** A line to copy, as code: but for one with a pipe, which would end its cell. */
export const markdownCode = (text: string): Markdown => ({
  source: text.includes('|') ? escapeMarkdown(text) : code(visible(text)),
})

/** Parts of a cell, below each other. */
export const markdownParts = (parts: readonly Markdown[]): Markdown => ({
  source: parts.map(({ source }) => source).join('<br>'),
})

/** A table. */
export const tableOf = (head: readonly string[], rows: readonly (readonly Value[])[]): Markdown => ({
  source: markdownTable(
    head,
    rows.map(row => row.map(cell => inMarkdown`${cell}`.source)),
  ),
})

/**
 * What GitHub turns into a link, a mention, an issue or an emoji: a URL, an address, `@name`, `#12`, `:name:`. A backslash
 * does not prevent that, since GitHub takes it out first. Code does.
 */
const linked = /[^\s|]*(?:@|:\/\/|www\.|#\d|\bGH-\d|:[a-z+-][\w+-]*:)[^\s|]*/gi

/** Markdown that shows the text unchanged. */
export function escapeMarkdown(text: string): string {
  const line = visible(text).replace(/\s+/g, ' ').trim()
  const parts: string[] = []
  let at = 0
  for (const { 0: word, index } of line.matchAll(linked)) {
    parts.push(escaped(line.slice(at, index)), code(word))
    at = index + word.length
  }
  return (
    [...parts, escaped(line.slice(at))]
      .join('')
      .replace(/^(?=[-+>=#])/, '\\')
      .replace(/^(\d{1,9})(?=[.)](?:\s|$))/, '$1\\')
      // It would end a heading.
      .replace(/(?<=\s)#+$/, '\\$&')
  )
}

const escaped = (text: string): string =>
  text
    .replace(/[\\`*[\]|~$]|(?<!\w)_|_(?!\w)/g, '\\$&')
    .replaceAll('<', '&lt;')
    .replace(/&(?=#?\w+;)(?!lt;)/g, '&amp;')

/** In more backticks than the longest row of them inside (https://spec.commonmark.org/0.31.2/#code-spans). */
function code(text: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([row]) => row.length))
  const fence = '`'.repeat(longest + 1)
  const space = /^`|`$/.test(text) ? ' ' : ''
  return `${fence}${space}${text}${space}${fence}`
}
