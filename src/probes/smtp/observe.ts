import type { Socket } from 'node:net'
import { address, openSocket } from '../../clients/socket.ts'
import { codeOf, type Failure } from '../../core/errors.ts'
import { failureOf, type Look } from '../../core/probe.ts'
import { redactor } from '../../core/redact.ts'
import { sourceOf } from '../../core/source.ts'
import { inPlaceOf } from '../../core/want.ts'
import type { SmtpTarget } from './target.ts'
import { attemptOf, firstPause, loginBackOff, type SmtpBackOff } from './back-off.ts'
import { allowsAuth, mechanismFor, type Mechanism } from './mechanisms.ts'
import { isTrusted, planFor, type Fetched, type Setup, type SmtpPlan } from './plan.ts'
import type { Session, SessionOptions } from './session.ts'
import { sesPasswordOf, type SesPassword } from './ses-password.ts'
import { shakeHands, type TlsFacts } from './tls.ts'
import type { Extensions, Reply } from './dialogue.ts'

export interface SmtpSeen {
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
  /** The mechanism of the login; undefined without a login. */
  readonly mechanism?: Mechanism | undefined
  /** Undefined if no login was tried. */
  readonly authenticated?: boolean | undefined
  /** The back-off from now on; the login was not tried if `authenticated` is undefined. */
  readonly backOff?: SmtpBackOff | undefined
  /** Why the dialogue broke off. */
  readonly failure?: Failure | undefined
}

type Login = Pick<SmtpSeen, 'authenticated' | 'backOff' | 'mechanism'>

/** One session, which goes as far as it can without giving a password to the wrong server. It ends with QUIT. */
export async function observe(target: SmtpTarget, look: Look): Promise<SmtpSeen> {
  const secrets = redactor()
  const clean = (text: string): string => secrets.text(text)
  const plan = await planFor(target, look, secrets)
  if ('notUnderstood' in plan) return notLooked(target, plan.notUnderstood)
  const { host, port } = plan
  const line = openLine(look)
  let login: Login = {}
  let failure: Failure | undefined
  try {
    const session = await line.open(plan, clean)
    await session.begin()
    if (isTrusted(session.tls, session.dialogue, plan)) {
      login = await logIn(session, await plan.credentials, plan, target)
      const mails = login.authenticated ?? mailsWithoutLogin(session, plan)
      if (target.envelope && mails) await session.envelope(target.envelope.from, target.envelope.to)
      else if (mails && plan.login && login.authenticated === undefined) await session.nullSender()
    }
  } catch (error) {
    failure = failureOf(plainError(error, clean), look, address(host, port))
  }
  const session = await line.close()
  const credentials = await plan.credentials
  const { security, verify, hello, ignored } = plan
  return {
    at: Date.now(),
    address: address(host, port),
    url: target.url === undefined ? undefined : { security, verify, login: plan.login, hello, ignored },
    hello: plan.helloName,
    replies: session?.dialogue.replies ?? [],
    begun: failure && beforeLogin.includes(failure.phase) ? line.begun() || undefined : undefined,
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

interface Line {
  open(plan: SmtpPlan, clean: SessionOptions['clean']): Promise<Session>
  /** The beginning of a reply that was not complete when the dialogue broke off. */
  begun(): string
  /** Ends the session, if there is one, and leaves no socket open. Never rejects. */
  close(): Promise<Session | undefined>
}

/** The connection of a run. At the deadline it is ended with a QUIT that waits for no answer. */
function openLine(look: Look): Line {
  const lifetime = new AbortController()
  let session: Session | undefined
  let begun = ''
  const onAbort = (): void => {
    begun = session?.begun ?? ''
    session?.leave()
    lifetime.abort(look.signal.reason)
  }
  look.signal.addEventListener('abort', onAbort)
  return {
    async open({ host, port, name, security, helloName: hello, tls, waits }, clean) {
      // Imported here, so that a start does not wait for nodemailer; and before a socket is open.
      const { startSession } = await import('./session.ts')
      const startedAt = Date.now()
      const plain = await openSocket(look, host, port, lifetime.signal)
      const secured = (): Promise<Socket> => shakeHands(plain, tls)
      const socket = security === 'tls' ? await look.phase('tls', secured) : plain
      session = startSession(look, socket, { security, hello, name, tls, waits, startedAt, clean })
      return session
    },
    begun: () => begun,
    async close() {
      begun ||= session?.begun ?? ''
      await session?.end()
      look.signal.removeEventListener('abort', onAbort)
      lifetime.abort()
      return session
    },
  }
}

/** Whether nodemailer would send mail without a login: if there is none, or AUTH is not offered. */
const mailsWithoutLogin = ({ dialogue }: Session, { login, force }: SmtpPlan): boolean =>
  !login || !(allowsAuth(dialogue.extensions) || force)

async function logIn(session: Session, fetched: Fetched, plan: SmtpPlan, target: SmtpTarget): Promise<Login> {
  if (!fetched || 'unresolved' in fetched) return {}
  const { replies, extensions } = session.dialogue
  const { user, secret, token } = fetched
  const mechanism = mechanismFor({ method: plan.method, token, force: plan.force }, extensions)
  if (!mechanism) return {}
  const attempt = attemptOf(plan, fetched)
  const earlier = await loginBackOff.current(attempt)
  if (earlier) return { backOff: earlier, mechanism }
  const authenticated = await session.login(mechanism, user, secret)
  if (authenticated) await loginBackOff.accepted(attempt)
  const reply = replies.at(-1)
  if (authenticated || reply?.code === undefined || reply.code < 500) return { authenticated, mechanism }
  const { backOff } = await loginBackOff.refused(attempt, { reply, firstMs: firstPause(target.interval) })
  return { authenticated, backOff, mechanism }
}

/** The error in plain words: OpenSSL hides its reason, and nodemailer the code of the system. */
function plainError(error: unknown, clean: (text: string) => string): unknown {
  if (!(error instanceof Error) || error instanceof AggregateError) return error
  const { reason, originalCode } = error as { readonly reason?: unknown; readonly originalCode?: unknown }
  const text = typeof reason === 'string' ? reason : error.message
  const code = typeof originalCode === 'string' ? originalCode : codeOf(error)
  return inPlaceOf(Object.assign(new Error(clean(text)), code === undefined ? {} : { code }), error)
}
