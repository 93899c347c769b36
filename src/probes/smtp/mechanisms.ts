import type { Extensions } from './dialogue.ts'

/** How the application logs in: nodemailer's `authMethod`, `auto` where it has none, `none` where it has no `auth`. */
export const methods = ['auto', 'plain', 'login', 'cram-md5', 'xoauth2', 'none'] as const
export type Method = (typeof methods)[number]

/** The mechanisms that a user and a password are enough for, in the order in which nodemailer 10 prefers them. */
export const passwordMechanisms = ['PLAIN', 'LOGIN', 'CRAM-MD5'] as const
export type Mechanism = (typeof passwordMechanisms)[number] | 'XOAUTH2'

const named = { plain: 'PLAIN', login: 'LOGIN', 'cram-md5': 'CRAM-MD5', xoauth2: 'XOAUTH2' } as const

/** The SASL mechanisms on offer; `AUTH=` is what old servers write (RFC 4954 §3). */
export const mechanismsOf = ({ now = [] }: Extensions): readonly string[] =>
  now.flatMap(line =>
    /^AUTH[ =]/.test(line)
      ? line
          .slice(5)
          .split(/[ =]+/)
          .filter(word => word !== '')
      : [],
  )

/**
 * Whether nodemailer would log in at all: where AUTH is offered, and after a HELO, which offers nothing. Else it hands
 * the mail over without a login.
 */
export const allowsAuth = ({ helo = false, now = [] }: Extensions): boolean =>
  helo || now.some(line => /^AUTH\b/.test(line))

interface Wanted {
  readonly method: Method
  /** There is a token instead of a password. */
  readonly token: boolean
  /** nodemailer's `forceAuth`: log in, whether AUTH is offered or not. */
  readonly force: boolean
}

/**
 * The mechanism that nodemailer 10 uses (`login` in lib/smtp-connection). A method that is set, or a token, is used whatever
 * is offered. Undefined where it logs in with none, and where only mechanisms are offered that no password is for: it
 * would send PLAIN there, which such a relay does not take.
 */
export function mechanismFor({ method, token, force }: Wanted, extensions: Extensions): Mechanism | undefined {
  if (method === 'none' || !extensions.now || !(allowsAuth(extensions) || force)) return undefined
  if (token) return 'XOAUTH2'
  if (method !== 'auto') return named[method]
  const offered = mechanismsOf(extensions)
  return offered.length === 0 ? 'PLAIN' : passwordMechanisms.find(known => offered.includes(known))
}
