import { createHash, randomBytes } from 'node:crypto'
import { fingerprint } from '../../core/fingerprint.ts'

/** The header that marks a canary. Its value is `v1 <token> <instance> <target>`. */
export const markHeader = 'X-Mailpath-Canary'

export interface Mark {
  /** Of this mail only, and a secret while the mail is out: with it an arrival could be forged. */
  readonly token: string
  /** Of the exporter that sent it. */
  readonly instance: string
  /** Of the target, and the same in each exporter with that target. */
  readonly target: string
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'

/** RFC 4648, 6, in small letters and without padding. Nothing in it splits a word. */
function base32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, byte => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{1,5}/g) ?? []).map(five => alphabet[parseInt(five.padEnd(5, '0'), 2)]).join('')
}

/** 65 bits: the header fits into a line. */
const hashLength = 13
const hash = (text: string): string => base32(createHash('sha256').update(text).digest()).slice(0, hashLength)

/** Stands for this process. */
const instance = hash(base32(randomBytes(16)))

/** What stands for a target in its mails. `about`: what makes it another one, such as its name and recipient. */
export const targetMark = (about: readonly string[]): string => hash(fingerprint(about, markHeader))

/** The mark of a new mail: 128 random bits are its own. */
export const newMark = (target: string): Mark => ({ token: base32(randomBytes(16)), instance, target })

/** Whether this exporter sent it, since it started. */
export const isOurs = (mark: Mark): boolean => mark.instance === instance

/** The value of the header. */
export const markText = ({ token, instance, target }: Mark): string => `v1 ${token} ${instance} ${target}`

/** The mark in the value of the header, which may be folded; undefined if it is none. */
export function markFrom(value: string): Mark | undefined {
  const [, token, instance, target] =
    /^\s*v1\s+([a-z2-7]{26})\s+([a-z2-7]{13})\s+([a-z2-7]{13})\s*$/.exec(value.slice(0, 200)) ?? []
  return token === undefined || instance === undefined || target === undefined ? undefined : { token, instance, target }
}

/** The tokens of canaries in the Message-IDs of a text: `<token@domain>`. */
export const tokensIn = (text: string): string[] =>
  [...text.matchAll(/<([a-z2-7]{26})@/g)].map(([, found = '']) => found)

/** The text without anything that may be a token. */
export const withoutTokens = (text: string): string => text.replace(/[a-z2-7]{26}/g, '…')
