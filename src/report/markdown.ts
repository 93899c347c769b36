import { visible, vouched, type Shown } from '../core/shown.ts'
import { markdownTable } from './table.ts'

/** Text that is Markdown already. Only `inMarkdown` makes it. */
export interface Markdown {
  readonly source: string
}
type Value = string | number | Markdown

/** GitHub's Markdown with every value in it shown, and escaped for any place in a line, also inside of a table. */
export const inMarkdown = (parts: TemplateStringsArray, ...values: readonly Value[]): Markdown => ({
  source: String.raw(
    { raw: parts },
    ...values.map(value => (typeof value === 'object' ? value.source : escapeMarkdown(String(value)))),
  ),
})

/** Blocks with an empty line between, as a text. */
export const markdownBlocks = (blocks: readonly Markdown[]): Shown =>
  vouched(`${blocks.map(({ source }) => source).join('\n\n')}\n`)

/** A cell of several lines. */
export const markdownLines = (lines: readonly string[]): Markdown => ({
  source: lines.map(escapeMarkdown).join('<br>'),
})

/** A table. */
export const tableOf = (head: readonly string[], rows: readonly (readonly Value[])[]): Markdown => ({
  source: markdownTable(
    head,
    rows.map(row => row.map(cell => inMarkdown`${cell}`.source)),
  ),
})

/**
 * What would become a link, a mention, the number of an issue or an emoji, also without any mark of Markdown: a URL, an
 * address, `@name`, `#12`, `:name:`. A backslash does not help there, since it is gone before they are looked for; code does.
 */
const linked = /[^\s|]*(?:@|:\/\/|www\.|#\d|\bGH-\d|:[a-z+-][\w+-]*:)[^\s|]*/gi

/** Text as Markdown that shows it as it stands. */
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
      // Would end a heading.
      .replace(/(?<=\s)#+$/, '\\$&')
  )
}

const escaped = (text: string): string =>
  text
    .replace(/[\\`*[\]|~$]|(?<!\w)_|_(?!\w)/g, '\\$&')
    .replaceAll('<', '&lt;')
    .replace(/&(?=#?\w+;)(?!lt;)/g, '&amp;')

/** Between more backticks than stand in it in a row (https://spec.commonmark.org/0.31.2/#code-spans). */
function code(text: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([row]) => row.length))
  const fence = '`'.repeat(longest + 1)
  const space = /^`|`$/.test(text) ? ' ' : ''
  return `${fence}${space}${text}${space}${fence}`
}
