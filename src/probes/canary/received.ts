import { isIP } from 'node:net'
import { piecesOf, type Piece } from './fields.ts'
import { mailDate } from './mail-date.ts'

/** One hop of a mail, as its `Received` header tells (RFC 5321 §4.4). */
export interface Hop {
  /** The host that took the mail; undefined if the header names none. */
  readonly by: string | undefined
  /** The mail came over a network: not within one host, and not by LMTP. */
  readonly network: boolean
  /** It came over a network by SMTP, without TLS. */
  readonly clear: boolean
  /** Milliseconds since the epoch, by the clock of that host. */
  readonly at: number | undefined
}

const clauses = ['from', 'by', 'via', 'with', 'id', 'for'] as const
type Clause = (typeof clauses)[number]

export function hopOf(value: string): Hop {
  const pieces = piecesOf(value)
  const semicolon = pieces.findLastIndex(isSemicolon)
  const parts = clausesOf(semicolon < 0 ? pieces : pieces.slice(0, semicolon))
  const { from, by, with: protocol } = parts
  const [name] = by?.words ?? []
  const words = protocol?.words ?? []
  const network = from !== undefined && !isWithinHost(from, name) && !words.some(isLocalProtocol)
  const isSmtp = words.some(word => smtp.test(word))
  return {
    by: name !== undefined && /^[\w.:[\]-]{1,255}$/.test(name) ? name : undefined,
    network,
    clear: network && isSmtp && !isEncrypted(words, pieces),
    at: semicolon < 0 ? undefined : mailDate(wordsOf(pieces.slice(semicolon + 1)).join(' ')),
  }
}

const isSemicolon = ({ kind, text }: Piece): boolean => kind === 'mark' && text === ';'
const wordsOf = (pieces: readonly Piece[]): string[] =>
  pieces.filter(({ kind }) => kind === 'word').map(({ text }) => text)

interface Content {
  readonly words: string[]
  readonly comments: string[]
}

/** What stands behind each word of the grammar. A host may have such a word for a name. */
function clausesOf(pieces: readonly Piece[]): Partial<Record<Clause, Content>> {
  const found: Partial<Record<Clause, Content>> = {}
  let current: Content | undefined
  for (const { kind, text } of pieces) {
    const word = text.toLowerCase()
    const clause = clauses.find(one => one === word)
    if (kind === 'word' && clause && found[clause] === undefined && (!current || current.words.length > 0))
      current = found[clause] = { words: [], comments: [] }
    else if (kind === 'word') current?.words.push(text)
    else if (kind === 'comment') current?.comments.push(text)
  }
  return found
}

/** https://www.iana.org/assignments/mail-parameters (RFC 3848). */
const smtp = /^(?:utf8)?e?smtps?a?$/i
const overTls = /^(?:utf8)?e?smtpsa?$/i
const isLocalProtocol = (word: string): boolean => /^(?:(?:utf8)?lmtp[sa]*|local)$/i.test(word)

/** Postfix and Microsoft name TLS in a comment, Exim behind the protocol. */
const isEncrypted = (words: readonly string[], pieces: readonly Piece[]): boolean =>
  words.some(word => overTls.test(word) || /^tls/i.test(word)) ||
  pieces.some(({ kind, text }) => kind === 'comment' && namesTls.test(text))
const namesTls = /\busing (?:TLS|SSL)|\bversion=(?:TLS|SSL)|\bTLSv?1[._][0-3]\b|\bcipher[ =]|\bencrypted\b|^TLS$/i

/** The server writes the address of its client in a comment. What is before it is only what the client says. */
function isWithinHost({ words, comments }: Content, by: string | undefined): boolean {
  const seen = addressesIn(comments)
  const addresses = seen.length > 0 ? seen : addressesIn(words)
  if (addresses.length > 0 && addresses.every(isLoopback)) return true
  const [name = ''] = words
  return isSameHost(name, by ?? '') || (addresses.length === 0 && isSameHost(name, 'localhost'))
}

const isSameHost = (a: string, b: string): boolean => a !== '' && a.toLowerCase() === b.toLowerCase()

const addressesIn = (texts: readonly string[]): string[] =>
  texts
    .flatMap(text => text.split(/[\s[\]()<>,;=]+/))
    .map(text => text.replace(/^IPv6:/i, ''))
    .filter(text => isIP(text) !== 0)

const isLoopback = (address: string): boolean => /^(?:::ffff:)?127\.|^::1$/i.test(address)
