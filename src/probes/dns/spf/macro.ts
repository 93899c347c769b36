/** A text with macros (RFC 7208, 7): what has to be put in is not known yet. */
export type Macros = readonly (string | Macro)[]

interface Macro {
  readonly letter: MacroLetter
  /** An upper case letter: the value is escaped for a URL. */
  readonly isEscaped: boolean
  /** So many labels at the right side stay; undefined: all. */
  readonly keep: number | undefined
  readonly isReversed: boolean
  readonly delimiters: string
}

export type MacroLetter = 's' | 'l' | 'o' | 'd' | 'i' | 'p' | 'v' | 'h'

const token = /%\{([slodipvh])(\d{0,3})(r?)([-.+,/_=]*)\}|%([%_-])|([!-$&-~]+)/iy
const fixed: Readonly<Record<string, string>> = { '%': '%', _: ' ', '-': '%20' }

/** Reads a macro-string (7.1); undefined if it is none. `c`, `r` and `t` are for explanations only, which are not read. */
export function readMacros(text: string): Macros | undefined {
  const parts: (string | Macro)[] = []
  for (let at = 0; at < text.length; at = token.lastIndex) {
    token.lastIndex = at
    const [whole, letter, digits = '', reversed, delimiters = '', other, literal] = token.exec(text) ?? []
    if (whole === undefined || (digits !== '' && Number(digits) === 0)) return undefined
    if (letter === undefined) parts.push(literal ?? fixed[other ?? ''] ?? '')
    else
      parts.push({
        letter: letter.toLowerCase() as MacroLetter,
        isEscaped: letter < 'a',
        keep: digits === '' ? undefined : Number(digits),
        isReversed: reversed !== '',
        delimiters: delimiters === '' ? '.' : delimiters,
      })
  }
  return parts
}

/** Reads a domain-spec (7.1): macros that end as a domain does, or in a macro. */
export function readDomain(text: string): Macros | undefined {
  const endsInMacro = /%[%_-]$|\}$/.test(text)
  return text !== '' && (endsInMacro || endsInTopLabel(text)) ? readMacros(text) : undefined
}

function endsInTopLabel(text: string): boolean {
  const labels = text.replace(/\.$/, '').split('.')
  const last = labels.at(-1) ?? ''
  return labels.length > 1 && /^[a-z\d](?:[a-z\d-]*[a-z\d])?$/i.test(last) && /\D/.test(last)
}

/** The text, with the value of each macro in it. */
export async function expand(macros: Macros, valueOf: (letter: MacroLetter) => Promise<string>): Promise<string> {
  let text = ''
  for (const part of macros) text += typeof part === 'string' ? part : applied(part, await valueOf(part.letter))
  return text
}

function applied({ isEscaped, keep, isReversed, delimiters }: Macro, value: string): string {
  let labels: string[] = ['']
  for (const letter of value) {
    if (delimiters.includes(letter)) labels.push('')
    else labels.push((labels.pop() ?? '') + letter)
  }
  if (isReversed) labels = labels.reverse()
  const text = (keep === undefined ? labels : labels.slice(-keep)).join('.')
  return isEscaped ? escaped(text) : text
}

const escaped = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, letter => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)

/** The name to ask for: without a dot at the end, and without labels at the left side if it is too long (7.3). */
export function nameOf(expanded: string): string {
  const name = expanded.replace(/\.$/, '')
  const end = name.slice(-254)
  return (name.length > 253 ? end.slice(end.indexOf('.') + 1) : name).toLowerCase()
}
