import { domainToASCII } from 'node:url'
import {
  asCharacters,
  asItStands,
  decoded,
  encodedPlainly,
  folded,
  foldedAscii,
  foldedBytes,
  foldedView,
  mayHoldDigits,
  unescaped,
  withoutCodes,
  quotedPrintable,
  type View,
} from './encodings.ts'
import { ellipsis } from './shown.ts'

/** What replaces a secret. */
export const blot = '<secret>'
/** Shorter strings are not redacted: half of the text would go with them. */
const shortestSecret = 4
/** Other spellings are looked for only if the secret is longer than ordinary words and numbers, or is none. */
const telling = { mixed: 6, digits: 10, words: 16 }
/** Layers of escapes: a URL in JSON on a page. */
const maxLayers = 4
/** Layers of base64. */
const maxDepth = 2
/** From this many occurrences in one text on, a secret is redacted without a look at each overlap. */
const maxOverlaps = 100

/** The forms to look for: in a text, in a folded text, and the same among bytes. */
type Kind = 'text' | 'folded' | 'bytes' | 'folded bytes'
type Range = readonly [from: number, to: number]

/**
 * Redacts known secrets in a text, in any form in which a server or a library repeats them: escaped for a URL, HTML,
 * JSON, SQL or a mail, also several times; in base64 or hex; broken over lines, in another case or normal form; cut
 * off. Takes time in proportion to the text and to the number of secrets. This is the second line of defence: no code
 * puts a secret into a text, but an error message might.
 */
export function redactor(): {
  readonly add: (secret: string) => void
  readonly text: (text: string) => string
} {
  const forms: Readonly<Record<Kind, Set<string>>> = {
    text: new Set(),
    folded: new Set(),
    bytes: new Set(),
    'folded bytes': new Set(),
  }
  /** A text often comes twice in a row: as a note, and as what was seen. */
  let last: { readonly text: string; readonly cleaned: string } | undefined
  return {
    add(secret) {
      last = undefined
      for (const form of [secret, secret.trim(), inLine(secret), secret.replaceAll(' ', '+')])
        if (form.length >= shortestSecret) {
          const bytes = Buffer.from(form, 'utf8')
          for (const one of [form, ...encodedPlainly(bytes)]) if (one.length >= shortestSecret) forms.text.add(one)
          forms.bytes.add(bytes.toString('latin1'))
        }
      for (const form of spellings(secret)) {
        if (isTelling(form)) forms.folded.add(form)
        const ascii = foldedAscii(form)
        if (isTelling(ascii)) forms['folded bytes'].add(ascii)
      }
    },
    text(text) {
      if (forms.text.size === 0) return text
      if (last?.text !== text) last = { text, cleaned: text.split(blot).map(cleanParts).join(blot) }
      return last.cleaned
    },
  }

  function cleanParts(text: string): string {
    const [last = '', ...cutOff] = text.split(ellipsis).reverse()
    return [...cutOff.map(part => clean(part, true)).reverse(), clean(last, false)].join(ellipsis)
  }

  /** `isCut`: the text may end within a secret. */
  function clean(text: string, isCut: boolean): string {
    if (text.length < shortestSecret) return text
    const ranges: Range[] = []
    for (const [kind, view] of looks(asItStands(text))) {
      for (const range of rangesIn(view, kind, forms[kind])) ranges.push(range)
      const rest = isCut ? longestBeginning(view.text, forms[kind]) : 0
      if (rest > 0) ranges.push([view.span(view.text.length - rest)[0], text.length])
    }
    return blotted(text, ranges)
  }
}

/** Where line breaks were taken out of a message. */
const inLine = (secret: string): string => secret.replace(/[\0-\x1f\x7f-\x9f\u2028\u2029]+/g, ' ').trim()

/** A secret as it is in folded texts, also read in another charset, or taken for the name of a host. */
function spellings(secret: string): string[] {
  const plain = [secret, innermost(secret)]
  if (/^[\0-\x7f]*$/.test(secret)) return plain.map(folded)
  const misread = Buffer.from(secret, 'utf8').toString('latin1')
  const lost = secret.replace(/[^\0-\x7f]+/g, '')
  return [...plain, misread, lost, domainToASCII(secret)].map(folded)
}

/** Without what looks like an escape. */
function innermost(secret: string): string {
  let view = asItStands(secret)
  for (let layer = 1; layer < maxLayers; layer++) view = unescaped(view)
  return view.text
}

const isTelling = (form: string): boolean =>
  form.length >=
  (/^[\p{Letter}_.-]*$/u.test(form) ? telling.words : /^\d*$/.test(form) ? telling.digits : telling.mixed)

/** All that a text may stand for. */
function* looks(text: View, depth = 0): Generator<readonly [Kind, View]> {
  yield* layers(text, depth)
  const joined = quotedPrintable(text)
  if (joined) yield* layers(joined, depth)
}

function* layers(text: View, depth: number): Generator<readonly [Kind, View]> {
  let view = text
  for (let layer = 0; layer < maxLayers; layer++) {
    yield ['text', view]
    for (const joined of [view, withoutCodes(view), quotedPrintable(view)]) {
      if (!joined) continue
      yield ['folded', foldedView(joined)]
      if (depth === maxDepth || !mayHoldDigits(joined)) continue
      for (const bytes of decoded(joined)) {
        yield ['bytes', bytes]
        for (const one of [bytes, withoutCodes(bytes)]) if (one) yield ['folded bytes', foldedBytes(one)]
        if (mayBeText.test(bytes.text)) yield* looks(asCharacters(bytes), depth + 1)
      }
    }
    const next = unescaped(view)
    if (next === view) return
    view = next
  }
}
/** Text that is not base64 has no such row when it is read as base64. */
const mayBeText = /[ -~]{10}/

function rangesIn({ text, span }: View, kind: Kind, forms: ReadonlySet<string>): Range[] {
  const ranges: Range[] = []
  for (const form of forms) {
    let at = text.indexOf(form)
    for (let found = 1; at !== -1; found++) {
      ranges.push([span(at)[0], span(at + form.length - 1)[1]])
      at = text.indexOf(form, at + (found < maxOverlaps ? 1 : form.length))
    }
  }
  return ranges
}

/** How many characters at the end of the text begin some form, if they are more than chance. */
function longestBeginning(text: string, forms: ReadonlySet<string>): number {
  const longest = Math.max(0, ...[...forms].map(form => beginningAtEnd(text, form)))
  return longest >= shortestSecret ? longest : 0
}

/** How many characters at the end of the text begin the form, without all of it (Knuth, Morris, Pratt). */
function beginningAtEnd(text: string, form: string): number {
  const end = text.slice(-(form.length - 1))
  if (!end.includes(form.slice(0, shortestSecret))) return 0
  const both = `${form}\0${end}`
  const borders = [0]
  for (let i = 1, length = 0; i < both.length; i++) {
    while (length > 0 && both[i] !== both[length]) length = borders[length - 1] ?? 0
    if (both[i] === both[length]) length++
    borders.push(length)
  }
  return Math.min(borders.at(-1) ?? 0, form.length - 1)
}

/** The text with each range replaced by one word. Ranges that overlap are one. */
function blotted(text: string, ranges: readonly Range[]): string {
  if (ranges.length === 0) return text
  const parts: string[] = []
  let at = 0
  for (const [from, to] of [...ranges].sort(([a], [b]) => a - b)) {
    if (from >= at) parts.push(text.slice(at, from), blot)
    at = Math.max(at, to)
  }
  return [...parts, text.slice(at)].join('')
}
