import type { Socket } from 'node:net'
import { address, openSocket } from '../../clients/socket.ts'
import { codeOf, describeError, type Failure } from '../../core/errors.ts'
import { failureOf, type Look } from '../../core/probe.ts'
import { redactor } from '../../core/redact.ts'
import { shapes } from '../../core/shape.ts'
import type { SmtpTarget } from './index.ts'
import type { Session, SessionOptions } from './session.ts'
import { guardLogin, type Suspension } from './suspension.ts'
import { shakeHands, tlsOptions, type TlsFacts } from './tls.ts'
import type { Extensions, Reply } from './transcript.ts'

export interface SmtpSeen {
  /** When, in milliseconds since the epoch: what certificates and suspensions are measured against. */
  readonly at: number
  readonly address: string
  /** In the order they came, without those to RSET and QUIT. */
  readonly replies: readonly Reply[]
  readonly extensions: Extensions
  readonly injected: boolean
  readonly tls: TlsFacts | undefined
  /** Whom to log in as, where that is configured and known. */
  readonly user: string | undefined
  /** Why user or password could not be fetched. */
  readonly unresolved: string | undefined
  /** Undefined where no login was tried. */
  readonly authenticated: boolean | undefined
  /** The back-off that holds from now on; the login was not tried where `authenticated` is undefined. */
  readonly suspended: Suspension | undefined
  /** Why the dialogue broke off. */
  readonly failure: Failure | undefined
}

interface Credentials {
  readonly user: string
  readonly password: string
}
type Fetched = Credentials | { readonly unresolved: string } | undefined
type Login = Pick<SmtpSeen, 'authenticated' | 'suspended'>

const notTried: Login = { authenticated: undefined, suspended: undefined }

/** The mechanisms that a user and a password are enough for. */
export const passwordMechanisms = ['PLAIN', 'LOGIN', 'CRAM-MD5'] as const

/** The SASL mechanisms on offer; `AUTH=` is what old servers write (RFC 4954 §3). */
export const mechanismsOf = ({ now = [] }: Extensions): readonly string[] =>
  now.flatMap(line => (/^AUTH[ =]/.test(line) ? line.slice(5).split(/[ =]+/) : []))

/** One session: as far as it goes without telling a password to somebody it is not meant for. It ends with QUIT. */
export async function observe(target: SmtpTarget, look: Look): Promise<SmtpSeen> {
  const { host, port } = await place(target, look)
  const secrets = redactor()
  const clean = (text: string): string => secrets.text(text)
  const name = target.servername ?? host
  const tls = tlsOptions(
    name,
    target.ca_file === undefined
      ? undefined
      : await look.text('ca_file', { file: target.ca_file }, shapes.certificates),
  )
  // Beside the dialogue: a Vault that hangs is no reason not to see how the relay is.
  const fetching = fetchCredentials(target, look, secrets)

  const line = openLine(look)
  let login = notTried
  let failure: Failure | undefined
  try {
    const { security, hello } = target
    const session = await line.open(host, port, { security, hello, name, tls, clean })
    await session.begin()
    if (isTrusted(session, target)) {
      login = await logIn(session, await fetching, target, [host, String(port)])
      if (target.envelope && (login.authenticated ?? target.user === undefined))
        await session.envelope(target.envelope.from, target.envelope.to)
    }
  } catch (error) {
    failure = failureOf(inWords(error, clean), look, address(host, port))
  }
  const session = await line.close()
  const credentials = await fetching
  return {
    at: Date.now(),
    address: address(host, port),
    replies: session?.transcript.replies ?? [],
    extensions: session?.transcript.extensions ?? { clear: undefined, now: undefined },
    injected: session?.transcript.injected ?? false,
    tls: session?.tls,
    user: credentials && 'user' in credentials ? credentials.user : undefined,
    unresolved: credentials && 'unresolved' in credentials ? credentials.unresolved : undefined,
    ...login,
    failure,
  }
}

async function place(target: SmtpTarget, look: Look): Promise<{ host: string; port: number }> {
  const host = await look.text('host', target.host, shapes.host)
  return { host, port: await look.text('port', target.port, shapes.port) }
}

/** Never rejects: without credentials there is still all the rest to see. */
async function fetchCredentials(
  { user, password }: SmtpTarget,
  look: Look,
  secrets: ReturnType<typeof redactor>,
): Promise<Fetched> {
  if (user === undefined || password === undefined) return undefined
  try {
    const [name, word] = await Promise.all([look.text('user', user, shapes.user), look.secret('password', password)])
    if (name === '' || word === '') return { unresolved: `${name === '' ? 'user' : 'password'}: it is empty` }
    // As AUTH PLAIN has it: servers quote what they do not understand.
    for (const form of [word, `\0${name}\0${word}`]) {
      secrets.add(form)
      look.conceal(form)
    }
    return { user: name, password: word }
  } catch (error) {
    return { unresolved: describeError(error) }
  }
}

interface Line {
  open(host: string, port: number, options: SessionOptions): Promise<Session>
  /** Ends the session, if there was one, and leaves no socket behind. Never rejects. */
  close(): Promise<Session | undefined>
}

/** The connection of a run. At the deadline it is ended with a QUIT that waits for no answer. */
function openLine(look: Look): Line {
  const lifetime = new AbortController()
  let session: Session | undefined
  const onAbort = (): void => {
    session?.leave()
    lifetime.abort(look.signal.reason)
  }
  look.signal.addEventListener('abort', onAbort)
  return {
    async open(host, port, options) {
      // Here, so that a start does not wait for nodemailer; and before there is a socket.
      const { startSession } = await import('./session.ts')
      const plain = await openSocket(look, host, port, lifetime.signal)
      const secured = (): Promise<Socket> => shakeHands(plain, options.tls)
      session = startSession(look, options.security === 'tls' ? await look.phase('tls', secured) : plain, options)
      return session
    },
    async close() {
      await session?.end()
      look.signal.removeEventListener('abort', onAbort)
      lifetime.abort()
      return session
    },
  }
}

/** Whether the other side is the one a password is meant for. Nothing but EHLO and QUIT is said to any other. */
const isTrusted = ({ tls, transcript }: Session, { security }: SmtpTarget): boolean =>
  security === 'none' || (tls !== undefined && tls.problems.length === 0 && !transcript.injected)

async function logIn(session: Session, fetched: Fetched, target: SmtpTarget, at: readonly string[]): Promise<Login> {
  if (!fetched || 'unresolved' in fetched) return notTried
  const { replies, extensions } = session.transcript
  if (!passwordMechanisms.some(known => mechanismsOf(extensions).includes(known))) return notTried
  const { user, password } = fetched
  const guard = guardLogin(target, [...at, user, password])
  const held = guard.held()
  if (held) return { authenticated: undefined, suspended: held }
  const authenticated = await session.login(user, password)
  if (authenticated) guard.taken()
  const reply = replies.at(-1)
  const refused = !authenticated && reply?.code !== undefined && reply.code >= 500
  return { authenticated, suspended: refused ? guard.refused(reply) : undefined }
}

/** The error without the jargon: OpenSSL hides its reason, and nodemailer the system's code. */
function inWords(error: unknown, clean: (text: string) => string): unknown {
  if (!(error instanceof Error) || error instanceof AggregateError) return error
  const { reason, originalCode } = error as { readonly reason?: unknown; readonly originalCode?: unknown }
  const text = typeof reason === 'string' ? reason : error.message
  const code = typeof originalCode === 'string' ? originalCode : codeOf(error)
  return Object.assign(new Error(clean(text)), code === undefined ? {} : { code })
}
