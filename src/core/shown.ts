/** What stands where a text was cut off. */
export const ellipsis = '…'

declare const ready: unique symbol
/**
 * Text that may be written to where a person reads it. Only `shown`, and the few functions that escape for an output of
 * their own (HTML, Markdown, labels, JSON), make it; what writes takes nothing else.
 */
export type Shown = string & { readonly [ready]: true }

/** Longer than any path or note there is. */
const longest = 4_096
/** So many accents on one letter are real; a pile of them covers the lines above and below. */
const mostMarks = 5

/** Text in which nothing is to be done: the usual letters of Europe, in one line. */
const usual = /^[ -~\u00a0-\u00ac\u00ae-\u02ff\u2026]*$/
/** Characters that show nothing, or turn the text around: bidi controls, zero width, joiners, tags, fillers, non-characters. */
const hidden = /[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb\p{Noncharacter_Code_Point}]+/gu
/** Half of a character; it cannot be written as UTF-8. */
const half = /\p{Surrogate}/gu
const pile = new RegExp(`(\\p{Mark}{${mostMarks}})\\p{Mark}+`, 'gu')
const breaks = /[\p{Control}\u2028\u2029]+/gu
const breaksButLines = /[\0-\t\v-\x1f\x7f-\x9f\u2028\u2029]+/g

/**
 * Text from outside as one line in which nothing hides, moves a cursor, or changes how the rest is read. Letters of all
 * languages stay. It is cut after `max` characters. It is escaped for no output yet.
 */
export const visible = (text: string, max = longest): string =>
  cut(usual.test(text) ? text : withoutHidden(text).replace(breaks, ' '), max)

/** The same, but lines stay lines. */
export const visibleLines = (text: string, max = Infinity): string =>
  cut(usual.test(text) ? text : withoutHidden(text).replace(/\r\n/g, '\n').replace(breaksButLines, ' '), max)

/** Without what nobody sees; with half of a character as the sign for what cannot be read. */
export const withoutHidden = (text: string): string =>
  text.replace(hidden, '').replace(half, '\ufffd').replace(pile, '$1')

/**
 * Whether nothing is hidden in a text. What only says how the letter before it is drawn may be in it, and between two of
 * them: emoji, Persian, and the languages of India need it.
 */
export const isReadable = (text: string): boolean => {
  const drawn = text.replace(/[\ufe0e\ufe0f]|(?<=[^\s])[\u200c\u200d](?=\S)/g, '')
  return withoutHidden(drawn) === drawn
}

/** At most so many characters, the last an ellipsis where some are left out; not in the middle of one. */
export const cut = (text: string, max: number): string =>
  text.length <= max ? text : text.slice(0, max - 1).replace(/[\ud800-\udbff]$/, '') + ellipsis

/** Text for a terminal, or any other plain text: each value is one line, and what is between them stays as it is. */
export const shown = (parts: TemplateStringsArray, ...values: readonly (string | number)[]): Shown =>
  vouched(String.raw({ raw: parts }, ...values.map(value => visible(String(value)))))

/** The same for a text of several lines. */
export const shownLines = (text: string): Shown => vouched(visibleLines(text))

/** A value as JSON in which every text is shown, and so is valid UTF-8. `indent` is for people. */
export const json = (value: unknown, indent = 0): Shown =>
  vouched(
    JSON.stringify(value, (_key, item: unknown) => (typeof item === 'string' ? visibleLines(item) : item), indent),
  )

/** Several texts, a line each, with its end. */
export const inLines = (lines: readonly Shown[]): Shown => vouched(lines.map(line => `${line}\n`).join(''))

/** For a function that makes text ready by itself; the linter lets only those of the outputs call it. */
export const vouched = (text: string): Shown => text as Shown
