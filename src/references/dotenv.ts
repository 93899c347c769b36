import type { Settings } from '../core/reference.ts'
import { expanded } from './expand.ts'

/** A name, then a value in quotes, which may span lines, or one that ends at a `#` or the end of the line. */
const assignment =
  /^[ \t]*(?:export[ \t]+)?([\w.-]+)(?:[ \t]*=|:[ \t])[ \t]*("(?:\\"|[^"])*"|'(?:\\'|[^'])*'|`(?:\\`|[^`])*`|[^#\n]*)[ \t]*(#.*)?$/gm

/**
 * The variables of a `.env` file, as dotenv 16 reads them, since applications use it: the last of a repeated name
 * counts, and nothing is expanded. Not `parseEnv` of node:util (20.20): it takes a byte order mark, a leading tab or a
 * second space after `export` into the name, and a line without `=` swallows the next.
 */
export function parseDotenv(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(assignments(text).map(({ name, value }) => [name, unquoted(value)]))
}

/** The variables as the application's loader goes on to read them, without uncertain ones; see `expanded`. */
export function readDotenv(text: string, expand: boolean | undefined): Settings {
  const settings = expanded(parseDotenv(text), expand)
  const cut = assignments(text).flatMap(({ name, value, comment }) =>
    isCutUrl(value, comment) ? [[name, { why: cutUrl }] as const] : [],
  )
  return cut.length === 0 ? settings : { ...settings, ...Object.fromEntries(cut) }
}

const assignments = (text: string) =>
  [...linesOf(text).matchAll(assignment)].map(([, name = '', value = '', comment = '']) => ({ name, value, comment }))

const linesOf = (text: string): string => text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n')

/** The line of each variable, from 1 on: of a repeated name the last, which counts. */
export function dotenvLines(text: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>()
  const whole = linesOf(text)
  let [at, line] = [0, 1]
  for (const found of whole.matchAll(assignment)) {
    const [, name = ''] = found
    for (; at < found.index; at++) if (whole[at] === '\n') line++
    lines.set(name, line)
  }
  return lines
}

/** The rest of the password would be taken for the host, and shown. */
const isCutUrl = (value: string, comment: string): boolean =>
  comment.includes('@') && value.includes('://') && value === value.trimEnd() && !/^["'`]/.test(value)

const cutUrl =
  'has a raw # in a URL without quotes, where dotenv ends the value: encode a # of the password as %23, or put the URL in quotes'

function unquoted(value: string): string {
  const [, quote, inner] = /^(["'`])(.*)\1$/s.exec(value.trim()) ?? []
  if (inner === undefined) return value.trim()
  return quote === '"' ? inner.replaceAll('\\n', '\n').replaceAll('\\r', '\r') : inner
}
