import { createHash, randomBytes } from 'node:crypto'

/** The header by which a canary is known. */
export const markHeader = 'X-Mailpath-Canary'

/** What is in that header: `v1 TOKEN INSTANCE TARGET`. */
export interface Mark {
  /** Of one mail. Whoever knows it can forge its arrival, so it is a secret while the mail is out. */
  readonly token: string
  /** Hash of the process that sent it. */
  readonly instance: string
  /** Hash of the target it was sent for. */
  readonly target: string
}

const digits = 'abcdefghijklmnopqrstuvwxyz234567'

/** RFC 4648, in lower case and without padding. */
function base32(bytes: Buffer): string {
  const bits = [...bytes].map(byte => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{1,5}/g) ?? []).map(five => digits[parseInt(five.padEnd(5, '0'), 2)]).join('')
}

/** 128 random bits: letters and digits only, since full-text indexes and filters split words elsewhere. */
export const newToken = (): string => base32(randomBytes(16))

/** The same in all processes, so that a later one knows the mails of an earlier one. */
export const hashOf = (...values: readonly string[]): string =>
  base32(createHash('sha256').update(JSON.stringify(values)).digest().subarray(0, 16))

/** Hash of this process. */
export const ownInstance = hashOf(randomBytes(16).toString('hex'))

export const markText = ({ token, instance, target }: Mark): string => `v1 ${token} ${instance} ${target}`

const pattern = new RegExp(`^${markHeader}:\\s+v1\\s+([a-z2-7]{26})\\s+([a-z2-7]{26})\\s+([a-z2-7]{26})\\s*$`, 'im')

/** The mark in the headers of a mail, folded or not; undefined if it has none. */
export function markIn(headers: string): Mark | undefined {
  const [, token, instance, target] = pattern.exec(headers) ?? []
  return token === undefined || instance === undefined || target === undefined ? undefined : { token, instance, target }
}
