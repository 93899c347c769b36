import { isIPv6 } from 'node:net'

/**
 * What a value has to look like before it is shown or used. A value that was fetched could be anything: the password of a
 * URL, a private key, a whole document. So what does not fit is never shown.
 */
export interface Shape<T = string> {
  /** Completes the sentence "expected …". */
  readonly expected: string
  /** The value as it is used; undefined where it does not fit. */
  readonly read: (text: string) => T | undefined
}

const matching = (expected: string, pattern: RegExp): Shape => ({
  expected,
  read: text => (pattern.test(text) ? text : undefined),
})

/** White space around a name is cut: a line break at the end of a Secret is a usual mistake, and no name has one. */
const trimmed = <T>({ expected, read }: Shape<T>): Shape<T> => ({ expected, read: text => read(text.trim()) })

const hostName: Shape = {
  expected: 'a host name or an IP address, without port or scheme',
  read: text => (isIPv6(text) || /^(?!-)[\p{L}\p{N}_.-]{1,253}$/u.test(text) ? text : undefined),
}

/** Text that is something else altogether: a URL, a key, a document. A secret may stand in each of them. */
const isSomethingElse = (text: string): boolean => /:\/\/|-----BEGIN|^\s*[{[<]/.test(text)

/** One line of text that is not something else altogether. */
const line = (expected: string, maxLength = 256): Shape => ({
  expected,
  read: text =>
    text !== '' && text.length <= maxLength && !/[\p{Cc}\u2028\u2029]/u.test(text) && !isSomethingElse(text)
      ? text
      : undefined,
})

/** The shapes of all values that can be shown. A secret has none: it is never shown, and may be any text. */
export const shapes = {
  host: trimmed(hostName),
  port: trimmed<number>({
    expected: 'a port number from 1 to 65535',
    read: text => (/^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535 ? Number(text) : undefined),
  }),
  user: line('the name of a user, in one line'),
  database: line('the name of a database, in one line'),
  region: line('a region such as eu-west-1', 64),
  word: trimmed(matching('one word', /^[\w.-]{1,64}$/)),
  path: line('the path of a file', 4096),
  certificates: matching('certificates in PEM', /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/),
} as const satisfies Record<string, Shape<unknown>>
