import { withoutHidden } from './shown.ts'

/** A text that was made from another one. */
export interface View {
  readonly text: string
  /** The characters of the other text from which the one at this place was made: start, and end (exclusive). */
  readonly span: (at: number) => readonly [from: number, to: number]
}

/** The text itself. */
export const asItStands = (text: string): View => ({ text, span: at => [at, at + 1] })

/** A part of a match, and its meaning. */
interface Piece {
  readonly text: string
  /** Length in characters of the match. */
  readonly length: number
}
/** Undefined if the match means itself. */
type Read = (match: string) => readonly Piece[] | undefined

/** Replaces each match by what `read` makes of it. The places of the characters are computed only when asked for. */
function rewritten(view: View, pattern: RegExp, read: Read, text?: string): View {
  let places: ReturnType<typeof placesIn> | undefined
  const meaningOf = (match: string): string => {
    const pieces = read(match)
    return pieces ? pieces.map(piece => piece.text).join('') : match
  }
  return {
    text: text ?? view.text.replace(pattern, meaningOf),
    span(at) {
      places ??= placesIn(view.text, pattern, read)
      const [from] = view.span(places.from[at] ?? 0)
      const [, to] = view.span((places.to[at] ?? 1) - 1)
      return [from, to]
    },
  }
}

function placesIn(text: string, pattern: RegExp, read: Read) {
  const from: number[] = []
  const to: number[] = []
  let at = 0
  const take = (count: number, length: number): void => {
    for (let i = 0; i < count; i++) {
      from.push(at)
      to.push(at + length)
    }
    at += length
  }
  const keep = (until: number): void => {
    while (at < until) take(1, 1)
  }
  for (const match of text.matchAll(pattern)) {
    keep(match.index)
    for (const piece of read(match[0]) ?? []) take(piece.text.length, piece.length)
  }
  keep(text.length)
  return { from, to }
}

const hex = '[0-9A-Fa-f]'
const escapes = new RegExp(
  [
    `(?:%${hex}{2})+`,
    // Quoted-printable, and its soft line breaks.
    `(?:=${hex}{2})+|=[ \\t]*\\r?\\n`,
    `&(?:#\\d{1,7}|#[xX]${hex}{1,6}|[A-Za-z]{2,10});?`,
    `(?:\\\\[xX]${hex}{2})+|(?:\\\\[0-7]{3})+`,
    `\\\\(?:[uU]\\{${hex}{1,6}\\}|U00${hex}{6}|[uU]${hex}{4}|[^])`,
    `''|""`,
    // Invisible characters, which `visible` removes.
    '[\\p{Default_Ignorable_Code_Point}\\ufff9-\\ufffb]+',
  ].join('|'),
  'gu',
)

const mayHoldEscapes = /[%=&\\]|''|""|[^\0-\x7f]/

/**
 * Removes one layer of escapes: percent, quoted-printable, HTML, JSON, C and SQL, and invisible characters. Returns the
 * same view if there are none.
 */
export function unescaped(view: View): View {
  if (!mayHoldEscapes.test(view.text)) return view
  const read = rewritten(view, escapes, readEscape)
  return read.text === view.text ? view : read
}

const one = (text: string, match: string): Piece[] => [{ text, length: match.length }]

function readEscape(match: string): readonly Piece[] | undefined {
  const body = match.slice(1)
  switch (match.charAt(0)) {
    case '%':
      return charactersIn(Buffer.from(match.replaceAll('%', ''), 'hex'), 3)
    case '=':
      if (/^\s/.test(body)) return one('', match)
      return ofQuotedPrintable(match)
    case '&':
      return entity(body.replace(';', ''), match)
    case '\\':
      return ofBackslash(body, match)
    case "'":
    case '"':
      return one(body, match)
    default:
      return one('', match)
  }
}

const ofQuotedPrintable = (match: string): Piece[] => charactersIn(Buffer.from(match.replaceAll('=', ''), 'hex'), 3)

const named: Readonly<Record<string, string | undefined>> = {
  ...{ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ', commat: '@', sol: '/', bsol: '\\', num: '#' },
  ...{ excl: '!', dollar: '$', percnt: '%', plus: '+', equals: '=', quest: '?', colon: ':', semi: ';', comma: ',' },
  ...{ period: '.', ast: '*', lpar: '(', rpar: ')', lsqb: '[', lbrack: '[', rsqb: ']', rbrack: ']', lcub: '{' },
  ...{ lbrace: '{', rcub: '}', rbrace: '}', hat: '^', grave: '`', lowbar: '_', verbar: '|', vert: '|', tilde: '~' },
  ...{ hyphen: '-', dash: '-', szlig: 'ß', aelig: 'æ', oslash: 'ø', eth: 'ð', thorn: 'þ', euro: '€', sect: '§' },
  ...{ tab: '\t', newline: '\n' },
}

/** The letter of a letter with an accent: comparisons ignore accents. */
function entity(name: string, match: string): Piece[] | undefined {
  if (name.startsWith('#')) return one(ofCode(Number(name.replace(/^#(?=x)/i, '0').replace('#', ''))), match)
  const [, letter] = /^([a-z])(?:acute|grave|circ|tilde|uml|ring|cedil|caron)$/i.exec(name) ?? []
  const text = letter ?? named[name.toLowerCase()]
  return text === undefined ? undefined : one(text, match)
}

const letters: Readonly<Record<string, string | undefined>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  v: '\v',
}

function ofBackslash(body: string, match: string): Piece[] {
  if (/^[xX][0-9a-f]{2}/i.test(body)) return charactersIn(Buffer.from(match.replace(/\\x/gi, ''), 'hex'), 4)
  if (/^[0-7]{3}/.test(body)) return charactersIn(ofOctal(match), 4)
  const [, digits] = /^u\{?([0-9a-f]{4,8}|[0-9a-f]{1,6}(?=\}))\}?$/i.exec(body) ?? []
  return one(digits === undefined ? (letters[body.toLowerCase()] ?? body) : ofCode(Number.parseInt(digits, 16)), match)
}

const ofOctal = (match: string): Buffer =>
  Buffer.from(Array.from(match.matchAll(/\d{3}/g), ([digits]) => Number.parseInt(digits, 8)))
const ofCode = (code: number): string => (code <= 0x10_ff_ff ? String.fromCodePoint(code) : '')

/** Bytes as UTF-8, or as Latin-1 where they are not UTF-8. Each byte took `each` characters. */
function charactersIn(bytes: Buffer, each: number): Piece[] {
  const pieces: Piece[] = []
  for (let at = 0; at < bytes.length;) {
    const { text, size } = characterAt(bytes, at)
    pieces.push({ text, length: size * each })
    at += size
  }
  return pieces
}

function characterAt(bytes: Buffer, at: number): { readonly text: string; readonly size: number } {
  const first = bytes[at] ?? 0
  const size = first < 0xc2 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 1
  if (size > 1 && at + size <= bytes.length) {
    const text = bytes.toString('utf8', at, at + size)
    if (!text.includes('\ufffd')) return { text, size }
  }
  return { text: String.fromCharCode(first), size: 1 }
}

/** Ignored in comparisons: white space, controls, quotes, backslashes, the plus of forms, accents. */
const noise = /[\s\p{Control}'"`\\+\p{Mark}\ufffd]+/gu
const noiseOfAscii = /[\0- '"`\\+\x7f]+/g

/**
 * The form in which secrets are compared: capitals, without accents, white space, quotes and invisible characters. So
 * line breaks, case and normal form do not matter. The form of two joined texts is the two forms joined.
 */
export const folded = (text: string): string =>
  /^[\0-\x7f]*$/.test(text)
    ? text.replace(noiseOfAscii, '').toUpperCase()
    : withoutHidden(text.normalize('NFKD')).replace(noise, '').toUpperCase()

/** The same, as a view. */
export const foldedView = (view: View): View =>
  rewritten(view, /[^]/gu, match => one(folded(match), match), folded(view.text))

/** What is left of a folded text in another charset, or if only its bytes are known. */
export const foldedAscii = (text: string): string => folded(text).replace(/[^!-~]+/g, '')

/** The same for bytes. Only ASCII counts. */
export function foldedBytes(view: View): View {
  const rest = rewritten(view, /[^!-~]+|['"`\\+]+/g, match => one('', match))
  return { ...rest, text: rest.text.toUpperCase() }
}

const without = (view: View, pattern: RegExp): View | undefined => {
  const rest = rewritten(view, pattern, match => one('', match))
  return rest.text === view.text ? undefined : rest
}

/**
 * Removes the codes with which each line of a reply begins (RFC 5321 §4.2.1, RFC 2034); undefined if there are none.
 * The line breaks may have become spaces.
 */
export const withoutCodes = (view: View): View | undefined =>
  mayHoldCodes.test(view.text) ? without(view, codes) : undefined
const mayHoldCodes = /[2-5]\d\d[- +]/
const codes = /[\s+]+(?:< ?)?[2-5]\d\d[- +](?:[245]\.\d{1,3}\.\d{1,3}[ +])?/g

/** In a reply of several lines a code follows the soft line break. */
const softBreaks = /=\s+(?:(?:< ?)?[2-5]\d\d[- ](?:[245]\.\d{1,3}\.\d{1,3} )?)?/g

/** Reads it as quoted-printable and nothing else (RFC 2045 §6.7); undefined if it is not. */
export function quotedPrintable(view: View): View | undefined {
  if (!view.text.includes('=')) return undefined
  const joined = without(view, softBreaks) ?? view
  const read = rewritten(joined, /(?:=[0-9A-Fa-f]{2})+/g, ofQuotedPrintable)
  return read.text === view.text ? undefined : read
}

interface Base {
  readonly encoding: 'base64' | 'hex'
  readonly others: RegExp
  /** `digits` digits stand for `bytes` bytes. */
  readonly digits: number
  readonly bytes: number
}
const bases: readonly Base[] = [
  { encoding: 'base64', others: /[^A-Za-z0-9+/_-]+/g, digits: 4, bytes: 3 },
  { encoding: 'hex', others: /0x|[^0-9A-Fa-f]+/g, digits: 2, bytes: 1 },
]
/** Fewer digits hold no secret. */
const leastDigits = 6

/**
 * What may be in a text in base64 (of either alphabet) or in hex, wherever it begins and however it is broken: the
 * digits of the text, read from each place in a group. The characters are bytes.
 */
export function decoded(view: View): View[] {
  return bases.flatMap(({ encoding, others, digits, bytes }) => {
    const kept = view.text.replace(others, '')
    if (kept.length < leastDigits) return []
    let places: readonly number[] | undefined
    return Array.from({ length: digits }, (_, skipped): View => ({
      text: Buffer.from(kept.slice(skipped), encoding).toString('latin1'),
      span(at) {
        places ??= placesOfRest(view.text, others)
        const first = skipped + Math.floor((at * digits) / bytes)
        const last = Math.min(skipped + Math.ceil(((at + 1) * digits) / bytes), places.length) - 1
        let end = places[last] ?? 0
        while (view.text[end + 1] === '=') end++
        return [view.span(places[first] ?? 0)[0], view.span(end)[1]]
      },
    }))
  })
}

/** Whether there may be any: ordinary words have no letter next to a digit, and no capital inside a word. */
export const mayHoldDigits = ({ text }: View): boolean => /[a-z][A-Z0-9+]|\d[A-Za-z]|\d{12}/.test(text)

/**
 * How bytes look inside longer base64, in three ways, and in hex. Without the digits at the edges, which depend on the
 * neighbours too.
 */
export const encodedPlainly = (bytes: Buffer): string[] => [
  ...[0, 1, 2].map(before =>
    Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6)),
  ),
  bytes.toString('hex'),
  bytes.toString('hex').toUpperCase(),
]

/** The places of the characters that are in no match. */
function placesOfRest(text: string, pattern: RegExp): readonly number[] {
  const places: number[] = []
  let next = 0
  for (const { 0: gap, index } of text.matchAll(pattern)) {
    while (next < index) places.push(next++)
    next = index + gap.length
  }
  while (next < text.length) places.push(next++)
  return places
}

/** Characters that are bytes, read as UTF-8. */
export const asCharacters = (view: View): View =>
  rewritten(view, /[^]+/g, match => charactersIn(Buffer.from(match, 'latin1'), 1))
