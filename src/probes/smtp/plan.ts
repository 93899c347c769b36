import type { ConnectionOptions } from 'node:tls'
import { readPemFiles } from '../../clients/pem.ts'
import { describeError, Unresolved } from '../../core/errors.ts'
import type { Look } from '../../core/probe.ts'
import type { redactor } from '../../core/redact.ts'
import { shapes } from '../../core/shape.ts'
import { offersStarttls, type Dialogue } from './dialogue.ts'
import { defaultHello } from './hello.ts'
import type { SmtpTarget } from './target.ts'
import type { Method } from './mechanisms.ts'
import { tlsOptions, type TlsFacts } from './tls.ts'
import { readUrl, type Security, type UrlPlan, type Waits, type WellKnown } from './url.ts'

export interface Credentials {
  readonly user: string
  /** A password, or the token for XOAUTH2. */
  readonly secret: string
  readonly token: boolean
}
export type Fetched = Credentials | { readonly unresolved: string } | undefined

/** What a target, or its URL, asks for, as far as `judge` needs it. */
export interface Setup {
  readonly security: Security
  readonly verify: boolean
  /** Whether the application has a login. */
  readonly login: boolean
  /** Whether the application's EHLO name is configured. */
  readonly hello: boolean
  /** Parameters of a URL that nodemailer ignores, or that do not affect a session. */
  readonly ignored: readonly string[]
}

/**
 * Whether the application would give this server its password. Any other gets only EHLO and QUIT. If STARTTLS is
 * offered and refused, nodemailer gives up.
 */
export function isTrusted(
  tls: TlsFacts | undefined,
  { injected, extensions }: Pick<Dialogue, 'injected' | 'extensions'>,
  { security, verify }: Setup,
): boolean {
  if (injected) return false
  if (tls) return !verify || tls.problems.length === 0
  return security === 'none' || (security === 'opportunistic' && !offersStarttls(extensions.clear ?? []))
}

/** How the application would send its mail. The run does exactly this. */
export interface SmtpPlan extends Setup {
  readonly host: string
  readonly port: number
  /** The name that the certificate has to be for. */
  readonly name: string
  readonly helloName: string
  readonly method: Method
  readonly force: boolean
  readonly waits: Waits
  readonly tls: ConnectionOptions
  /** Fetched in parallel: the relay is checked even if Vault hangs. Never rejects. */
  readonly credentials: Promise<Fetched>
}

/** Throws Unresolved. Returns the problem of a URL that cannot be followed. */
export async function planFor(
  target: SmtpTarget,
  look: Look,
  secrets: ReturnType<typeof redactor>,
): Promise<SmtpPlan | { readonly notUnderstood: string }> {
  const url = target.url === undefined ? undefined : await readTarget(look, await look.secret('url', target.url))
  if (url && 'notUnderstood' in url) return url
  const place = url?.plan ?? (await placeOf(target, look))
  const name = url?.plan.servername ?? target.servername ?? place.host
  const given = url?.plan.password
  if (given !== undefined) look.conceal(given)
  const files = await readPemFiles(target, look, { whole: true })
  const method = url && url.plan.method !== 'auto' ? url.plan.method : target.auth
  const hello = url?.plan.hello ?? target.hello
  const login = method !== 'none' && (url?.plan.user ?? given ?? target.user) !== undefined
  return {
    host: place.host,
    port: place.port,
    name,
    security: url?.plan.security ?? target.security,
    verify: url?.plan.verify ?? target.verify,
    login,
    hello: hello !== undefined,
    helloName: hello ?? defaultHello(),
    ignored: url?.ignored ?? [],
    method,
    force: url?.plan.force ?? false,
    waits: url?.plan.waits ?? {},
    tls: tlsOptions(name, { ...url?.plan.tls, ...files }),
    credentials: login ? fetchCredentials(target, url?.plan, look, secrets) : Promise.resolve(undefined),
  }
}

async function readTarget(
  look: Look,
  text: string,
): Promise<{ readonly plan: UrlPlan; readonly ignored: readonly string[] } | { readonly notUnderstood: string }> {
  const reading = readUrl(text, /\bservice=/.test(text) ? await services() : undefined)
  if (reading.kind === 'not_understood') return { notUnderstood: reading.why }
  if (reading.ignored.length > 0) look.note(`url: of no account for one session: ${reading.ignored.join(', ')}`)
  return reading
}

/** Imported here, so that a start does not wait for nodemailer. */
async function services(): Promise<WellKnown> {
  const { default: wellKnown } = await import('nodemailer/lib/well-known')
  return service => {
    const known = wellKnown(service)
    return known === false ? false : { ...known }
  }
}

async function placeOf(target: SmtpTarget, look: Look): Promise<{ host: string; port: number }> {
  const { host, port } = target
  if (host === undefined || port === undefined) throw new Unresolved('host: it is not set')
  const name = await look.text('host', host, shapes.host)
  return { host: name, port: await look.text('port', port, shapes.port) }
}

/** Never rejects: without credentials all the rest can be checked. Those of the URL win over the keys next to it. */
async function fetchCredentials(
  target: SmtpTarget,
  url: UrlPlan | undefined,
  look: Look,
  secrets: ReturnType<typeof redactor>,
): Promise<Fetched> {
  const { user, password, token } = target
  try {
    const [name, secret] = await Promise.all([
      url?.user ?? (user === undefined ? '' : look.text('user', user, shapes.user)),
      token !== undefined
        ? look.secret('token', token)
        : (url?.password ?? (password === undefined ? '' : look.secret('password', password))),
    ])
    const where = url ? 'url: it has ' : ''
    if (name === '') return { unresolved: url ? `${where}a password and no user` : 'user: it is empty' }
    const word = token === undefined ? 'password' : 'token'
    if (secret === '')
      return {
        unresolved:
          url && password === undefined && token === undefined
            ? `${where}a user and no password`
            : `${word}: it is empty`,
      }
    // In the forms that are sent: servers quote what they do not understand.
    for (const form of [secret, `\0${name}\0${secret}`, `user=${name}\x01auth=Bearer ${secret}\x01\x01`]) {
      secrets.add(form)
      look.conceal(form)
    }
    return { user: name, secret, token: token !== undefined }
  } catch (error) {
    return { unresolved: describeError(error) }
  }
}
