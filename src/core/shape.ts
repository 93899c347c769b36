import { isIP, isIPv6 } from 'node:net'
import { domainToASCII } from 'node:url'
import { Unresolved } from './errors.ts'
import { isReadable } from './shown.ts'
import { isBeforeHost, looksLike, somethingElse } from './looks-like.ts'

/**
 * What a value has to look like before it is shown or used. A fetched value could be anything: the password of a URL, a
 * private key, a whole document. So what does not fit is never shown.
 */
export interface Shape<T = string> {
  /** Completes the sentence "expected …". */
  readonly expected: string
  /** The value in the form in which it is used; undefined if it does not fit. */
  readonly read: (text: string) => T | undefined
}

/** A shape with a pattern, for the schema of the configuration. */
const matching = (expected: string, pattern: RegExp): Shape & { readonly pattern: RegExp } => ({
  expected,
  read: text => (pattern.test(text) ? text : undefined),
  pattern,
})

/** White space around it is cut, as its users do. */
const trimmed = <T>({ expected, read }: Shape<T>): Shape<T> => ({ expected, read: text => read(text.trim()) })

const nameOfHost = /^(?![-.])(?=.{1,253}\.?$)[\p{L}\p{N}_-]{1,63}(?:\.[\p{L}\p{N}_-]{1,63})*\.?$/u

/**
 * White space around it is neither cut nor refused here. An application does not cut it, and cannot connect then; the
 * connection says so.
 */
const host: Shape = {
  expected: 'a host name or an IP address, without port or scheme',
  read: text => (isIPv6(text.trim()) || nameOfHost.test(text.trim()) ? text : undefined),
}

const port = trimmed<number>({
  expected: 'a port number from 1 to 65535',
  read: text => (/^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535 ? Number(text) : undefined),
})

/** Some may be empty: the driver then takes its default. */
const listOf = (each: Shape<unknown>, expected: string): Shape => ({
  expected,
  read(text) {
    const items = text.split(',')
    const fits = items.every(item => item === '' || each.read(item) !== undefined)
    return fits && items.some(item => item !== '') ? items.join(',') : undefined
  },
})

const folderOfSocket = /^[@/][^\s\p{Cc}:]{0,240}$/u
const hostOrFolder: Shape = { ...host, read: text => (folderOfSocket.test(text) ? text : host.read(text)) }

/** One line of plain text, without a password before a host. */
const line = (expected: string, maxLength = 256): Shape => ({
  expected,
  read: text => (isLine(text, maxLength) && !isBeforeHost(text) ? text : undefined),
})

const isLine = (text: string, maxLength: number): boolean =>
  text.trim() !== '' &&
  text.length <= maxLength &&
  !/[\p{Cc}\u2028\u2029\uFFFD]/u.test(text) &&
  isReadable(text) &&
  somethingElse(text) === undefined

/** The shapes of all values that can be shown. A secret has none: it is never shown, and may be any text. */
export const shapes = {
  host,
  /** The name a certificate has to be for. */
  servername: matching('a host name', /^[\p{L}\p{N}_-]{1,63}(?:\.[\p{L}\p{N}_-]{1,63})*\.?$/u),
  /** RFC 5321, 4.1.3: a name, or an address in brackets. */
  hello: matching('a host name', /^[\w.:[\]-]{1,255}$/),
  port,
  /** In the form of PGHOST and PGPORT. */
  hosts: listOf(hostOrFolder, 'host names or IP addresses with commas between, or the folder of a Unix socket'),
  ports: listOf(port, 'port numbers from 1 to 65535, with commas between'),
  user: line('the name of a user, in one line'),
  database: line('the name of a database, in one line'),
  table: matching(
    'the name of a table, such as mailpath_heartbeat or app.mailpath_heartbeat',
    /^[A-Za-z_][A-Za-z0-9_$]{0,62}(\.[A-Za-z_][A-Za-z0-9_$]{0,62})?$/,
  ),
  line: line('one line of text', 1024),
  region: line('a region such as eu-west-1', 64),
  accessKey: line('the id of an access key', 128),
  /** RFC 5322: a bare address, or one in angle brackets behind a name. Read as the bare address. */
  mailAddress: {
    expected: 'a mail address',
    read: text =>
      /^(?:[^<>]*<)?\s*([^\s@<>"(),:;[\]\\]{1,64}@(?:[\p{L}\p{N}_-]{1,63}\.)+[\p{L}\p{N}-]{1,63})\s*>?$/u.exec(
        text.trim(),
      )?.[1],
  },
  /** The domain of mail: as it is, or that of an address. In lower case and in ASCII. */
  mailDomain: {
    expected: 'a domain, or a mail address',
    read: text => {
      const domain =
        /^(?:[^<>]*<)?\s*(?:[^\s@<>"(),:;[\]\\]{1,64}@)?((?:[\p{L}\p{N}_-]{1,63}\.)+[\p{L}\p{N}-]{1,63})\.?\s*>?$/u.exec(
          text.trim(),
        )?.[1]
      const ascii = domain === undefined ? '' : domainToASCII(domain).toLowerCase()
      return ascii.length > 0 && ascii.length <= 253 ? ascii : undefined
    },
  },
  /** As c-ares takes it. */
  nameServer: {
    expected: 'the address of a name server, such as 9.9.9.9, 127.0.0.1:5353 or [2620:fe::fe]:53',
    read: text => {
      const [, bracketed, bare = bracketed, port = '53'] =
        /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? []
      const fits = isIP(bare ?? '') !== 0 && Number(port) >= 1 && Number(port) <= 65_535
      return fits || isIPv6(text) ? text : undefined
    },
  },
  word: trimmed(matching('one word', /^[\w.-]{1,64}$/)),
  path: {
    expected: 'the path of a file',
    // `//user:password@host` is a URL without its scheme.
    read: text => (isLine(text, 4096) && !text.split('/').some(isBeforeHost) ? text : undefined),
  },
  /** The name of an environment variable, a setting, a key of a Secret, a path of a Vault, and the like. */
  name: line('a name, in one line', 1024),
  version: matching('a version', /^[\w.+~-]{1,64}$/),
} as const satisfies Record<string, Shape<unknown>>

/** Why a value does not fit: what was expected, and what it looks like instead, without any part of the value. */
export function misfit(text: string, { expected }: Pick<Shape, 'expected'>): string {
  const instead = looksLike(text)
  return `expected ${expected}${instead === undefined ? '' : `; ${instead}`}`
}

/** The value in the form in which it is used. Throws Unresolved, which names `what`, if it does not fit. */
export function shaped<T>(what: string, text: string, shape: Shape<T>): T {
  const fit = shape.read(text)
  if (fit === undefined) throw new Unresolved(`${what}: ${misfit(text, shape)}`)
  return fit
}
