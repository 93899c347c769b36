import { address } from '../../clients/socket.ts'
import type { Failure } from '../../core/errors.ts'
import { failureOf, type Look } from '../../core/probe.ts'
import { redactor } from '../../core/redact.ts'
import { sourceOf } from '../../core/source.ts'
import { rememberGreeting } from './greeted.ts'
import type { SmtpTarget } from './target.ts'
import { openRelay, connectionFor, plainError, type Login } from './opening.ts'
import { planFor, type Setup } from './plan.ts'
import { sesPasswordOf, type SesPassword } from './ses-password.ts'
import type { TlsFacts } from './tls.ts'
import type { Extensions, Reply } from './dialogue.ts'

export interface SmtpSeen extends Login {
  /** Milliseconds since the epoch: certificates and the back-off are compared with it. */
  readonly at: number
  readonly address: string
  /** Why the URL could not be followed; then nothing was seen. */
  readonly notUnderstood?: string | undefined
  /** What the URL asks for, instead of the target's keys. */
  readonly url?: Setup | undefined
  /** Our name in EHLO. */
  readonly hello?: string | undefined
  /** In the order they came, without those to RSET and QUIT. */
  readonly replies: readonly Reply[]
  /** The beginning of a reply that was not complete when the dialogue broke off. */
  readonly begun?: string | undefined
  readonly extensions: Extensions
  readonly injected: boolean
  readonly tls?: TlsFacts | undefined
  /** The user of the login, if it is configured and known. */
  readonly user?: string | undefined
  /** Why user or password could not be fetched. */
  readonly unresolved?: string | undefined
  /** The password for a relay of SES; undefined for another relay, or without one. */
  readonly sesPassword?: SesPassword | undefined
  /** Why the dialogue broke off. */
  readonly failure?: Failure | undefined
}

/** One session, which goes as far as it can without giving a password to the wrong server. It ends with QUIT. */
export async function observe(target: SmtpTarget, look: Look): Promise<SmtpSeen> {
  const secrets = redactor()
  const clean = (text: string): string => secrets.text(text)
  const plan = await planFor(target, look, secrets)
  if ('notUnderstood' in plan) return notLooked(target, plan.notUnderstood)
  const { host, port } = plan
  const connection = connectionFor(look)
  let login: Login = {}
  let failure: Failure | undefined
  try {
    const opened = await openRelay(connection, plan, target, clean)
    login = opened.login
    const { session, mails } = opened
    if (target.envelope && mails) await session.envelope(target.envelope.from, target.envelope.to)
    else if (mails && plan.login && login.authenticated === undefined) await session.nullSender()
  } catch (error) {
    failure = failureOf(plainError(error, clean), look, address(host, port))
  }
  const session = await connection.close()
  rememberGreeting(target, session?.dialogue.replies ?? [])
  const credentials = await plan.credentials
  const { security, verify, hello, ignored } = plan
  return {
    at: Date.now(),
    address: address(host, port),
    url: target.url === undefined ? undefined : { security, verify, login: plan.login, hello, ignored },
    hello: plan.helloName,
    replies: session?.dialogue.replies ?? [],
    begun: failure && beforeLogin.includes(failure.phase) ? connection.begun() || undefined : undefined,
    extensions: session?.dialogue.extensions ?? { clear: undefined, now: undefined },
    injected: session?.dialogue.injected ?? false,
    tls: session?.tls,
    user: credentials && 'user' in credentials ? credentials.user : undefined,
    unresolved: credentials && 'unresolved' in credentials ? credentials.unresolved : undefined,
    sesPassword: credentials && 'secret' in credentials ? sesPasswordOf(host, credentials) : undefined,
    ...login,
    failure,
  }
}

/** In later phases the server may have the password, and half a password would not be redacted. */
const beforeLogin = ['greeting', 'ehlo', 'starttls']

const notLooked = ({ url = '' }: SmtpTarget, notUnderstood: string): SmtpSeen => ({
  at: Date.now(),
  address: `url (${sourceOf(url)})`,
  notUnderstood,
  replies: [],
  extensions: { clear: undefined, now: undefined },
  injected: false,
})
