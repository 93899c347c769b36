import { fieldIn, fieldsOf, type Field } from './fields.ts'

/** A part of a mail that has no parts of its own, with its encoding undone. */
export interface Leaf {
  /** Such as `text/plain`, in lower case. */
  readonly type: string
  readonly body: string
}

const maxDepth = 6
const maxLeaves = 50

/** The type of a mail or of a part, in lower case. */
export const typeOf = (fields: readonly Field[]): string =>
  (/^[\w.+/-]+/.exec(fieldIn(fields, 'content-type') ?? 'text/plain')?.[0] ?? '').toLowerCase()

/** The body of a mail or of a part: what follows the first empty line. */
export function bodyOf(text: string): string {
  const found = /(?:^|\r\n|\n)(?:\r\n|\n)/.exec(text)
  return found ? text.slice(found.index + found[0].length) : ''
}

/** The parts of a mail, also of one that is cut off. A mail in it is a part like any other: its own parts are not looked for. */
export function leavesOf(text: string): Leaf[] {
  const found: Leaf[] = []
  collect(text, 0, found)
  return found
}

function collect(text: string, depth: number, found: Leaf[]): void {
  const fields = fieldsOf(text)
  const type = typeOf(fields)
  const boundary = type.startsWith('multipart/') ? boundaryIn(fieldIn(fields, 'content-type') ?? '') : undefined
  const body = bodyOf(text)
  if (boundary === undefined || depth === maxDepth) {
    found.push({ type, body: decoded(body, (fieldIn(fields, 'content-transfer-encoding') ?? '').toLowerCase()) })
    return
  }
  for (const part of partsOf(body, boundary)) {
    if (found.length >= maxLeaves) return
    collect(part, depth + 1, found)
  }
}

const boundaryIn = (contentType: string): string | undefined => {
  const [, quoted, plain] =
    /;\s{0,99}boundary\s{0,9}=\s{0,9}(?:"([^"]{1,200})"|([^\s;"]{1,200}))/i.exec(contentType) ?? []
  return quoted ?? plain
}

/** What stands between the lines of the boundary (RFC 2046 §5.1.1). */
function partsOf(body: string, boundary: string): string[] {
  const parts: string[] = []
  let current: string[] | undefined
  for (const line of body.split(/\r\n|\n/)) {
    const end = line.trimEnd()
    const isEnd = end === `--${boundary}--`
    if (isEnd || end === `--${boundary}`) {
      if (current) parts.push(current.join('\n'))
      current = isEnd ? undefined : []
      if (parts.length >= maxLeaves) return parts
    } else current?.push(line)
  }
  return current ? [...parts, current.join('\n')] : parts
}

function decoded(body: string, encoding: string): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString()
  if (encoding !== 'quoted-printable') return body
  const bytes = body
    .replace(/=[ \t]{0,99}\r?\n/g, '')
    .replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString()
}
