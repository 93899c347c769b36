/** A header field: its name in lower case, and its value in one line. */
export interface Field {
  readonly name: string
  readonly value: string
}

/** What is read of the headers of a mail. */
const maxHeaderChars = 65_536

/** The header fields of a mail, from the top down to the first empty line. What is no field is left out. */
export function fieldsOf(text: string): Field[] {
  const fields: { name: string; lines: string[] }[] = []
  let current: string[] | undefined
  for (const line of text.slice(0, maxHeaderChars).split(/\r\n|\n|\r/)) {
    if (line === '') break
    if (/^[ \t]/.test(line)) {
      current?.push(line)
      continue
    }
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(colon, 0)).trimEnd().toLowerCase()
    current = /^[!-~]+$/.test(name) ? [line.slice(colon + 1)] : undefined
    if (current) fields.push({ name, lines: current })
  }
  return fields.map(({ name, lines }) => ({
    name,
    value: lines
      .map(line => line.trim())
      .join(' ')
      .trim(),
  }))
}

/** The value of the first field of this name (in lower case). */
export const fieldIn = (fields: readonly Field[], name: string): string | undefined =>
  fields.find(field => field.name === name)?.value

/** A piece of a structured value (RFC 5322 §3.2): a word, a quoted string without its quotes, a comment, or one of `;` and `=`. */
export interface Piece {
  readonly kind: 'word' | 'comment' | 'mark'
  readonly text: string
}

/** The pieces of a structured value. A comment that is not closed lasts until the end. */
export function piecesOf(value: string): Piece[] {
  const pieces: Piece[] = []
  for (let at = 0; at < value.length;) {
    const char = value.charAt(at)
    if (char === ';' || char === '=') {
      pieces.push({ kind: 'mark', text: char })
      at += 1
    } else if (char === '(') {
      const end = endOfComment(value, at)
      pieces.push({ kind: 'comment', text: value.slice(at + 1, end - 1) })
      at = end
    } else if (char === '"') {
      const end = endOfQuoted(value, at)
      pieces.push({ kind: 'word', text: value.slice(at + 1, end - 1).replace(/\\(.)/g, '$1') })
      at = end
    } else if (/\s/.test(char)) {
      at += 1
    } else {
      const end = endOfWord(value, at)
      pieces.push({ kind: 'word', text: value.slice(at, end) })
      at = end
    }
  }
  return pieces
}

function endOfComment(value: string, from: number): number {
  let depth = 0
  for (let at = from; at < value.length; at++) {
    const char = value.charAt(at)
    if (char === '\\') at++
    else if (char === '(') depth++
    else if (char === ')' && --depth === 0) return at + 1
  }
  return value.length + 1
}

function endOfQuoted(value: string, from: number): number {
  for (let at = from + 1; at < value.length; at++) {
    const char = value.charAt(at)
    if (char === '\\') at++
    else if (char === '"') return at + 1
  }
  return value.length + 1
}

function endOfWord(value: string, from: number): number {
  let at = from
  while (at < value.length && !/[\s;=("]/.test(value.charAt(at))) at++
  return at
}
