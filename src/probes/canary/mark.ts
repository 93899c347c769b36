import { fieldIn, fieldsOf, type Field } from './fields.ts'

/** What `X-Mailpath-Canary: v1 <token> <instance> <target>` says. The last two are hashes. */
export interface Mark {
  readonly token: string
  readonly instance: string
  readonly target: string
}

/** 128 bits in base32, lower case. */
const token = '[a-z2-7]{26}'
const form = new RegExp(`^v1\\s+(${token})\\s+([\\w+/=-]{4,64})\\s+([\\w+/=-]{4,64})$`)

/** The mark of a mail; undefined if it has none, or one of another form. */
export const tokenIn = (headers: string): Mark | undefined => markIn(fieldsOf(headers))

export function markIn(fields: readonly Field[]): Mark | undefined {
  const [, token = '', instance = '', target = ''] = form.exec(fieldIn(fields, 'x-mailpath-canary') ?? '') ?? []
  return token === '' ? undefined : { token, instance, target }
}

/** The tokens of canaries in Message-IDs of a text: `<token@domain>`. */
export const tokensIn = (text: string): string[] =>
  [...text.matchAll(new RegExp(`<(${token})@`, 'g'))].map(([, found = '']) => found)

/** The text without anything that may be a token: it is a secret while its mail is out. */
export const withoutTokens = (text: string): string => text.replace(new RegExp(token, 'g'), '…')
