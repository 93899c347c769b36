import { shown, visible, vouched, type Shown } from '../core/shown.ts'

/** A cell of a table: paragraphs, and their colour. */
interface Cell {
  readonly paragraphs: readonly string[]
  readonly paint?: Paint
}
/** Codes around a text that set its colour on a terminal. */
export type Paint = (text: Shown) => Shown

export const cell = (text: string | readonly string[], paint?: Paint): Cell => ({
  paragraphs: typeof text === 'string' ? [text] : text,
  ...(paint && { paint }),
})

/** The greatest width of a column but the last. The last one has the rest of the line. */
const widestColumn = 32
const narrowestRest = 20
const gap = '  '

/** The rows as aligned lines for a terminal. Long text is wrapped between words, and never cut off. */
export function tableLines(rows: readonly (readonly Cell[])[], width: number, indent = gap): Shown[] {
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

function rowLines(row: readonly Cell[], widths: readonly number[], indent: string): Shown[] {
  const wrapped = row.map(({ paragraphs, paint }, column) => ({
    paint: paint ?? (text => text),
    lines: paragraphs.flatMap(paragraph => wrap(paragraph, widths[column] ?? 0)),
  }))
  const height = Math.max(...wrapped.map(one => one.lines.length))
  return Array.from({ length: height }, (_, line) =>
    wrapped
      .map(({ lines, paint }, column) => {
        const text = lines[line] ?? shown``
        const padding = column === row.length - 1 ? '' : ' '.repeat(Math.max(0, (widths[column] ?? 0) - lengthOf(text)))
        return `${text === '' ? '' : paint(text)}${padding}`
      })
      .join(gap),
  ).map(text => vouched(`${indent}${text}`.trimEnd()))
}

/**
 * Text in lines of at most this width, broken between words. A longer word is not broken, so that it can be copied.
 */
export function wrap(text: string, width: number): Shown[] {
  const words = visible(text)
    .split(/\s+/)
    .filter(word => word !== '')
  const lines: Shown[] = []
  for (const word of words) {
    const last = lines.at(-1)
    if (last !== undefined && lengthOf(last) + 1 + lengthOf(word) <= width)
      lines[lines.length - 1] = shown`${last} ${word}`
    else lines.push(shown`${word}`)
  }
  return lines.length > 0 ? lines : [shown``]
}

/** Width in columns of a terminal. East Asian letters and emoji take two, accents none (Unicode Standard Annex 11). */
const lengthOf = (text: string): number =>
  Array.from(visible(text), char => (/\p{Mark}/u.test(char) ? 0 : wide.test(char) ? 2 : 1)).reduce<number>(
    (sum, one) => sum + one,
    0,
  )
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u

/** A table in GitHub's Markdown of our own cells. For text from outside, use `tableOf`. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
