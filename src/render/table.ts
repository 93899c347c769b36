/** A cell of a table: paragraphs, and how they are painted. */
export interface Cell {
  readonly paragraphs: readonly string[]
  readonly paint?: Paint
}
export type Paint = (text: string) => string

export const cell = (text: string | readonly string[], paint?: Paint): Cell => ({
  paragraphs: typeof text === 'string' ? [text] : text,
  ...(paint && { paint }),
})

/** All columns but the last are as wide as what they hold, up to this; the last has the rest of the line. */
const widestColumn = 32
const narrowestRest = 20
const gap = '  '

/** The rows as aligned lines of a terminal. Long text is wrapped between words; nothing is cut off. */
export function tableLines(rows: readonly (readonly Cell[])[], width: number, indent = gap): string[] {
  const columns = Math.max(0, ...rows.map(row => row.length)) - 1
  const share = Math.floor((width - indent.length - narrowestRest) / columns) - gap.length
  const widths = Array.from({ length: columns }, (_, column) => {
    const texts = rows.flatMap(row => row[column]?.paragraphs ?? [])
    const longestWord = Math.max(0, ...texts.flatMap(text => text.split(' ')).map(lengthOf))
    return Math.max(longestWord, Math.min(widestColumn, share, Math.max(0, ...texts.map(lengthOf))))
  })
  const used = indent.length + widths.reduce((sum, one) => sum + one + gap.length, 0)
  return rows.flatMap(row => rowLines(row, [...widths, Math.max(narrowestRest, width - used)], indent))
}

function rowLines(row: readonly Cell[], widths: readonly number[], indent: string): string[] {
  const wrapped = row.map(({ paragraphs, paint }, column) => ({
    paint: paint ?? (text => text),
    lines: paragraphs.flatMap(paragraph => wrap(paragraph, widths[column] ?? 0)),
  }))
  const height = Math.max(...wrapped.map(one => one.lines.length))
  return Array.from({ length: height }, (_, line) =>
    wrapped
      .map(({ lines, paint }, column) => {
        const text = lines[line] ?? ''
        const padding = column === row.length - 1 ? '' : ' '.repeat(Math.max(0, (widths[column] ?? 0) - lengthOf(text)))
        return `${text === '' ? '' : paint(text)}${padding}`
      })
      .join(gap),
  ).map(text => `${indent}${text}`.trimEnd())
}

/**
 * Text in lines of at most this width, broken between words; a longer word has a line of its own, unbroken, so that it
 * can be copied. What a server sent may be in it: control characters, which could steer the terminal, become spaces.
 */
export function wrap(text: string, width: number): string[] {
  const words = text.split(/[\s\u0000-\u001f\u007f-\u009f]+/).filter(word => word !== '')
  const lines: string[] = []
  for (const word of words) {
    const last = lines.at(-1)
    if (last !== undefined && lengthOf(last) + 1 + lengthOf(word) <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines.length > 0 ? lines : ['']
}

const lengthOf = (text: string): number => Array.from(text).length

/** A table in GitHub's Markdown. The cells are Markdown already: see `escapeMarkdown`. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** Text as Markdown that shows it as it stands, also inside of a table. */
export const escapeMarkdown = (text: string): string =>
  text
    .replace(/[\s\u0000-\u001f\u007f-\u009f]+/g, ' ')
    .replace(/[\\`*[\]|~]|(?<!\w)_|_(?!\w)/g, '\\$&')
    .replaceAll('<', '&lt;')
