import type { Socket } from 'node:net'
import { openSocket } from '../../clients/socket.ts'
import { codeOf } from '../../core/errors.ts'
import type { Look } from '../../core/probe.ts'
import { inPlaceOf } from '../../core/want.ts'
import { attemptOf, firstPause, loginBackOff, type SmtpBackOff } from './back-off.ts'
import { allowsAuth, mechanismFor, type Mechanism } from './mechanisms.ts'
import { isTrusted, type Fetched, type SmtpPlan } from './plan.ts'
import type { Session, SessionOptions } from './session.ts'
import type { SmtpTarget } from './target.ts'
import { shakeHands } from './tls.ts'

export interface Login {
  /** The mechanism of the login; undefined without a login. */
  readonly mechanism?: Mechanism | undefined
  /** Undefined if no login was tried. */
  readonly authenticated?: boolean | undefined
  /** The back-off from now on; the login was not tried if `authenticated` is undefined. */
  readonly backOff?: SmtpBackOff | undefined
}

interface Opened {
  readonly session: Session
  readonly login: Login
  /** Whether the application would send mail now. Never without `trusted`. */
  readonly mails: boolean
  /** Whether the application would talk to this server at all. */
  readonly trusted: boolean
}

/** The connection of a run. */
export interface Connection {
  open(plan: SmtpPlan, clean: SessionOptions['clean']): Promise<Session>
  /** The beginning of a reply that was not complete when the dialogue broke off. */
  begun(): string
  /** Ends the session, if there is one, and leaves no socket open. Never rejects. */
  close(): Promise<Session | undefined>
}

const ended = new Error('the run has ended')

/** A connection that ends with the run: at the deadline with a QUIT that waits for no answer. */
export function connectionFor(look: Look): Connection {
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
      // With a reason, or it makes an exception with a stack.
      lifetime.abort(ended)
      return session
    },
  }
}

/**
 * Greeting, EHLO, TLS and login, as the application does them. A server that it would not trust gets no password. Rejects
 * if the dialogue breaks off.
 */
export async function openRelay(
  connection: Connection,
  plan: SmtpPlan,
  target: SmtpTarget,
  clean: SessionOptions['clean'],
): Promise<Opened> {
  const session = await connection.open(plan, clean)
  await session.begin()
  if (!isTrusted(session.tls, session.dialogue, plan)) return { session, login: {}, mails: false, trusted: false }
  const login = await logIn(session, await plan.credentials, plan, target)
  return { session, login, mails: login.authenticated ?? mailsWithoutLogin(session, plan), trusted: true }
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
export function plainError(error: unknown, clean: (text: string) => string): unknown {
  if (!(error instanceof Error) || error instanceof AggregateError) return error
  const { reason, originalCode } = error as { readonly reason?: unknown; readonly originalCode?: unknown }
  const text = typeof reason === 'string' ? reason : error.message
  const code = typeof originalCode === 'string' ? originalCode : codeOf(error)
  return inPlaceOf(Object.assign(new Error(clean(text)), code === undefined ? {} : { code }), error)
}
