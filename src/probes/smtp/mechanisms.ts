import type { Extensions } from './dialogue.ts'

/** How the application logs in: nodemailer's `authMethod`; `auto` if it is not set, `none` without `auth`. */
export const methods = ['auto', 'plain', 'login', 'cram-md5', 'xoauth2', 'none'] as const
export type Method = (typeof methods)[number]

/** Mechanisms that need only a user and a password, in the order that nodemailer 10 prefers. */
export const passwordMechanisms = ['PLAIN', 'LOGIN', 'CRAM-MD5'] as const
export type Mechanism = (typeof passwordMechanisms)[number] | 'XOAUTH2'

const named = { plain: 'PLAIN', login: 'LOGIN', 'cram-md5': 'CRAM-MD5', xoauth2: 'XOAUTH2' } as const

/** The SASL mechanisms on offer; old servers write `AUTH=` (RFC 4954 §3). */
export const mechanismsOf = ({ now = [] }: Extensions): readonly string[] =>
  now.flatMap(line =>
    /^AUTH[ =]/.test(line)
      ? line
          .slice(5)
          .split(/[ =]+/)
          .filter(word => word !== '')
      : [],
  )

/** Whether nodemailer would log in: if AUTH is offered, or after a HELO, which offers nothing. */
export const allowsAuth = ({ helo = false, now = [] }: Extensions): boolean =>
  helo || now.some(line => /^AUTH\b/.test(line))

interface Wanted {
  readonly method: Method
  /** A token replaces the password. */
  readonly token: boolean
  /** nodemailer's `forceAuth`: log in even if AUTH is not offered. */
  readonly force: boolean
}

/**
 * The mechanism that nodemailer 10 uses (`login` in lib/smtp-connection). A configured method, or a token, is used
 * whatever is offered. Undefined if there is no login, or if all mechanisms on offer need more than a password: it
 * would send PLAIN there, which such a relay refuses.
 */
export function mechanismFor({ method, token, force }: Wanted, extensions: Extensions): Mechanism | undefined {
  if (method === 'none' || !extensions.now || !(allowsAuth(extensions) || force)) return undefined
  if (token) return 'XOAUTH2'
  if (method !== 'auto') return named[method]
  const offered = mechanismsOf(extensions)
  return offered.length === 0 ? 'PLAIN' : passwordMechanisms.find(known => offered.includes(known))
}
