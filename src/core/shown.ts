/** Marks where a text was cut off. */
export const ellipsis = '…'

declare const ready: unique symbol
/**
 * Text that may be written to where a person reads it. Only `shown` makes it, and the functions that escape for an
 * output of their own (HTML, Markdown, labels, JSON). The functions that write take nothing else.
 */
export type Shown = string & { readonly [ready]: true }

/** Longer than any path or note there is. */
const longest = 4_096
/** One letter can have this many accents. More of them would cover the lines above and below. */
const mostMarks = 5

/** Text that needs no work: the usual letters of Europe, in one line. */
const usual = /^[ -~\u00a0-\u00ac\u00ae-\u02ff\u2026]*$/
/**
 * Characters that show nothing, or turn the text around: bidi controls, zero width, joiners, tags, fillers,
 * non-characters.
 */
const hidden = /[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb\p{Noncharacter_Code_Point}]+/gu
/** Half of a character. UTF-8 cannot hold it. */
const half = /\p{Surrogate}/gu
const pile = new RegExp(`(\\p{Mark}{${mostMarks}})\\p{Mark}+`, 'gu')
const breaks = /[\p{Control}\u2028\u2029]+/gu
const breaksButLines = /[\0-\t\v-\x1f\x7f-\x9f\u2028\u2029]+/g

/**
 * Text from outside as one line in which nothing hides, moves a cursor, or changes how the rest is read. Letters of all
 * languages stay. It is cut after `max` characters, and not escaped for any output yet.
 */
export const visible = (text: string, max = longest): string =>
  cut(usual.test(text) ? text : withoutHidden(text).replace(breaks, ' '), max)

/** The same, but line breaks stay. */
export const visibleLines = (text: string, max = Infinity): string =>
  cut(usual.test(text) ? text : withoutHidden(text).replace(/\r\n/g, '\n').replace(breaksButLines, ' '), max)

/** Without invisible characters. Half of a character becomes the replacement character. */
export const withoutHidden = (text: string): string =>
  text.replace(hidden, '').replace(half, '\ufffd').replace(pile, '$1')

/**
 * Whether nothing hides in a text. A variation selector or a joiner is allowed after a letter and between two: emoji,
 * Persian, and the languages of India need them.
 */
export const isReadable = (text: string): boolean => {
  const drawn = text.replace(/[\ufe0e\ufe0f]|(?<=[^\s])[\u200c\u200d](?=\S)/g, '')
  return withoutHidden(drawn) === drawn
}

/** At most this many characters. The last is an ellipsis if some were cut; no character is split. */
export const cut = (text: string, max: number): string =>
  text.length <= max ? text : text.slice(0, max - 1).replace(/[\ud800-\udbff]$/, '') + ellipsis

/** Text for a terminal, or any other plain text. Each value becomes one line; the text between them does not change. */
export const shown = (parts: TemplateStringsArray, ...values: readonly (string | number)[]): Shown =>
  vouched(String.raw({ raw: parts }, ...values.map(value => visible(String(value)))))

/** The same for a text of several lines. */
export const shownLines = (text: string): Shown => vouched(visibleLines(text))

/** A value as JSON with every text made visible, so that it is valid UTF-8. `indent` is for people. */
export const json = (value: unknown, indent = 0): Shown =>
  vouched(
    JSON.stringify(value, (_key, item: unknown) => (typeof item === 'string' ? visibleLines(item) : item), indent),
  )

/** Several texts, one line each, with a newline at the end. */
export const inLines = (lines: readonly Shown[]): Shown => vouched(lines.map(line => `${line}\n`).join(''))

/** Declares a text ready. The linter lets only the functions of the outputs call it. */
export const vouched = (text: string): Shown => text as Shown
