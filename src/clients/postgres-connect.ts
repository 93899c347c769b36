import type net from 'node:net'
import type pg from 'pg'
import { unlessAborted } from '../core/abort.ts'
import { codeOf, describeError, seconds } from '../core/errors.ts'
import { isQuoted } from '../core/looks-like.ts'
import { endingWith, type Look } from '../core/probe.ts'
import { withSubject } from '../core/subject.ts'
import { inPlaceOf, ofSeveral, wantOf } from '../core/want.ts'
import type { Shown } from './certificates.ts'
import { otherKind } from './postgres-errors.ts'
import type { Endpoint, Plan, TargetSessionAttrs } from './postgres-url/plan.ts'
import type { ServerMessage } from './postgres-messages.ts'
import { forClient, negotiateTls, type Way } from './postgres-stream.ts'
import { useKeptKeys } from './scram.ts'
import { address, limitReceived, openLocalSocket, openSocket } from './socket.ts'

/** A finished login, and the endpoint it was made at. */
export interface LoggedIn {
  readonly client: pg.Client
  readonly socket: net.Socket
  readonly endpoint: Endpoint
  /** `not offered`: we asked for TLS, and the server said no. */
  readonly tls: 'used' | 'not offered' | 'not asked'
  /** The certificates of the server; undefined without TLS. */
  readonly certificates: Shown | undefined
  /** Messages of the server apart from results, the first hundred of a run. */
  readonly notices: ServerMessage[]
  /** Allows the server to send a run's worth of bytes again. */
  readonly renew: () => void
  /** Ends the session and closes. */
  readonly close: () => Promise<void>
}

/** Private parts of node-postgres that are used here. */
interface Inside {
  processID: number
  secretKey: number
  getStartupConf: () => Readonly<Record<string, string>>
  readonly connection: {
    on(event: 'authenticationOk', listener: () => void): void
    on(event: 'authenticationSASL', listener: (offer: { mechanisms: readonly string[] }) => void): void
    on(event: 'parameterStatus', listener: (status: { parameterName: string; parameterValue: string }) => void): void
  }
}
export const insideOf = (client: pg.Client): Inside => client as unknown as Inside

/** How long a socket may outlive the run's signal, in milliseconds: a cancel request needs time for its answer. */
export const lingerMs = 150
/** After this much silence the kernel probes whether the peer is still there: it may have died without a FIN. */
const keepAliveMs = 5_000
/** Bytes that a run may receive. Each of our statements gives a row or none; the rest is room for notices. */
const maxReceived = 1_048_576

/** An endpoint in the form that people write. */
export const endpointText = (endpoint: Endpoint): string =>
  endpoint.kind === 'tcp' ? address(endpoint.host, endpoint.port) : socketPath(endpoint)

/** https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-HOST */
const socketPath = ({ folder, port }: Endpoint & { readonly kind: 'socket' }): string => `${folder}/.s.PGSQL.${port}`

/** The endpoints of a plan as text, at most three by name. */
export function planText({ endpoints }: Plan): string {
  const named = endpoints.slice(0, 3).map(endpointText)
  const more = endpoints.length - named.length
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

/**
 * Logs in by the plan: tries its endpoints in order, each with TLS according to `tls.use`, until one is of the kind
 * that `targetSessionAttrs` wants. As in libpq, it tries the next endpoint if one cannot be reached, does not answer
 * within `connectTimeoutMs`, takes no connections now (57P03), or is of another kind; a refused login ends the search.
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS
 * Everything ends with the look's signal. Rejects with the error of the only endpoint, or one that names the failure of
 * each.
 */
export async function logIn(look: Look, plan: Plan): Promise<LoggedIn> {
  const { targetSessionAttrs: wanted } = plan
  const passes: readonly TargetSessionAttrs[] = wanted === 'prefer-standby' ? ['standby', 'any'] : [wanted]
  const failures: EndpointFailure[] = []
  for (const [pass, attrs] of passes.entries())
    for (const endpoint of plan.endpoints) {
      // The second pass tries only endpoints that were of the wrong kind; the others would fail again.
      if (pass > 0 && failures.some(one => one.endpoint === endpoint && !(one.error instanceof OtherKind))) continue
      try {
        return await fitting(look, plan, endpoint, attrs)
      } catch (error) {
        if (plan.endpoints.length === 1 && pass === passes.length - 1) throw error
        failures.push({ endpoint, error })
        if (look.signal.aborted || !triesNext(error, plan)) throw allOf(failures, error)
        look.note(`${endpointText(endpoint)}: ${codeOf(error) ?? 'failed'}: on to the next`)
      }
    }
  throw allOf(failures, failures.at(-1)?.error)
}

interface EndpointFailure {
  readonly endpoint: Endpoint
  readonly error: unknown
}

/** A server that answers, but is not of the kind that `target_session_attrs` wants. */
class OtherKind extends Error {
  override readonly name = 'OtherKind'
  readonly code = otherKind
}

/** The application's `connect_timeout` is over. */
class ConnectTimeout extends Error {
  override readonly name = 'ConnectTimeout'
  readonly code = 'ETIMEDOUT'
}

/** A failure before the server could answer, with the phase. */
class NotConnected extends Error {
  override readonly name = 'NotConnected'
}

/** The application has `channel_binding=require`, and the server does not bind the login to TLS. */
class NotBound extends Error {
  override readonly name = 'NotBound'
}

function triesNext(error: unknown, { nextAfterBreak = false }: Plan): boolean {
  // The application may still get in at this endpoint. A missing route may be missing on its host as well.
  if ((wantOf(error)?.resource ?? 'network') !== 'network') return false
  if (error instanceof OtherKind || error instanceof NotConnected) return true
  if (nextAfterBreak) return !(error instanceof ConnectTimeout) && !isRefusal(error)
  return error instanceof ConnectTimeout || codeOf(error) === '57P03'
}

/** Whether the server itself sent the error. */
const isRefusal = (error: unknown): boolean => error instanceof Error && 'severity' in error

/** One error that names the failure of each endpoint. A server of the wrong kind is the most telling of them. */
function allOf(failures: readonly EndpointFailure[], last: unknown): unknown {
  const texts = new Map(failures.map(({ endpoint, error }) => [endpointText(endpoint), describeError(error)]))
  if (texts.size < 2) return last
  const each = [...texts].map(([where, text]) => withSubject(where, text))
  const code = codeOf(failures.find(({ error }) => error instanceof OtherKind)?.error ?? last)
  const want = ofSeveral(failures.map(({ error }) => wantOf(error)))
  return Object.assign(new Error(shortened(each)), code !== undefined && { code }, want && { want })
}

const shownFailures = 4
const shortened = (each: readonly string[]): string =>
  [
    ...each.slice(0, shownFailures).map(text => (text.length > 90 ? `${text.slice(0, 89)}…` : text)),
    ...(each.length > shownFailures ? [`and ${each.length - shownFailures} more`] : []),
  ].join('; ')

async function fitting(look: Look, plan: Plan, endpoint: Endpoint, wanted: TargetSessionAttrs): Promise<LoggedIn> {
  const limit = within(look, plan.connectTimeoutMs)
  try {
    const open = await atEndpoint(limit.look, look, plan, endpoint)
    try {
      const why = await unfit(limit.look, open, wanted, plan.standbyCountsAsReadWrite)
      if (why !== undefined) throw new OtherKind(`${endpointText(endpoint)}: ${why}`)
      return open.loggedIn
    } catch (error) {
      await open.loggedIn.close()
      throw error
    }
  } finally {
    limit.clear()
  }
}

/** The look with a signal that also aborts when the connect timeout is over. */
function within(look: Look, timeoutMs: number | undefined): { readonly look: Look; readonly clear: () => void } {
  if (timeoutMs === undefined) return { look, clear: () => undefined }
  const controller = new AbortController()
  const follow = (): void => controller.abort(look.signal.reason)
  const timer = setTimeout(
    () => controller.abort(new ConnectTimeout(`no connection within the ${seconds(timeoutMs)} of connect_timeout`)),
    timeoutMs,
  )
  look.signal.addEventListener('abort', follow)
  if (look.signal.aborted) follow()
  return {
    look: endingWith(controller.signal, look),
    clear() {
      clearTimeout(timer)
      look.signal.removeEventListener('abort', follow)
    },
  }
}

interface Open {
  readonly loggedIn: LoggedIn
  /** Settings that the server reported at the login, by name. */
  readonly reported: ReadonlyMap<string, string>
}

/** Why a session is not of the kind wanted, in libpq's words, or undefined. Servers before 14 need one statement. */
async function unfit(
  look: Look,
  { loggedIn, reported }: Open,
  wanted: TargetSessionAttrs,
  standbyIsFine = false,
): Promise<string | undefined> {
  if (wanted === 'any') return undefined
  const ask = async (sql: string): Promise<boolean> => {
    look.note(`> ${sql}`)
    try {
      const query = loggedIn.client.query<Record<string, unknown>>(sql)
      const { rows } = await look.phase('login', () => unlessAborted(look.signal, query))
      return Object.values(rows[0] ?? {}).some(value => value === 'on' || value === true)
    } catch (error) {
      throw look.signal.aborted ? error : new OtherKind(`${sql} failed: ${describeError(error)}`)
    }
  }
  const standby = reported.get('in_hot_standby')
  if (wanted === 'read-write' || wanted === 'read-only') {
    const byDefault = reported.get('default_transaction_read_only')
    const readOnly =
      standby === undefined || byDefault === undefined
        ? await ask('show transaction_read_only')
        : byDefault === 'on' || (standby === 'on' && !standbyIsFine)
    if (wanted === 'read-write') return readOnly ? 'session is read-only' : undefined
    return readOnly ? undefined : 'session is not read-only'
  }
  const isStandby = standby === undefined ? await ask('select pg_catalog.pg_is_in_recovery()') : standby === 'on'
  if (wanted === 'primary') return isStandby ? 'server is in hot standby mode' : undefined
  return isStandby ? undefined : 'server is not in hot standby mode'
}

/** How far an attempt came. */
interface Progress {
  encrypted: boolean
  authenticated: boolean
}

const isOver = ({ signal }: Look): boolean => signal.aborted
const atStart = (): Progress => ({ encrypted: false, authenticated: false })

/** Connects with or without TLS, and the other way after a refusal if the plan allows it. */
async function atEndpoint(look: Look, owner: Look, plan: Plan, endpoint: Endpoint): Promise<Open> {
  const [first, second] = waysOf(plan, endpoint)
  const progress = atStart()
  try {
    return await tryOnce(look, owner, plan, endpoint, first, progress)
  } catch (error) {
    if (second === undefined || isOver(look) || !triesOtherWay(error, first, progress)) throw error
    look.note(`refused ${progress.encrypted ? 'with TLS: trying in the clear' : 'in the clear: trying with TLS'}`)
    try {
      return await tryOnce(look, owner, plan, endpoint, second, atStart())
    } catch (next) {
      throw isOver(look) ? next : bothWays(error, next, progress.encrypted)
    }
  }
}

/** libpq does not speak TLS over a Unix socket. A driver that does has only this endpoint. */
function waysOf({ tls, endpoints }: Plan, endpoint: Endpoint): readonly [Way, Way?] {
  if (tls.use === 'never' || (endpoint.kind === 'socket' && endpoints.length > 1)) return ['clear']
  if (tls.use === 'allow') return ['clear', 'offered']
  if (tls.use === 'prefer') return ['offered', 'clear']
  return tls.use === 'opportunistic' ? ['offered'] : ['tls']
}

/**
 * As libpq: tries the other way after a failed handshake, or if the server refuses before it lets us in. A wrong
 * password is tried once only: it would be wrong again, and each try counts towards a lockout.
 */
function triesOtherWay(error: unknown, first: Way, { encrypted, authenticated }: Progress): boolean {
  if (authenticated || error instanceof NotConnected || error instanceof NotBound) return false
  const code = codeOf(error) ?? ''
  if (code === '28P01' || code === '57P03') return false
  return first === 'clear' ? isRefusal(error) : encrypted
}

/** The error of two attempts, with the code of the more telling one. */
function bothWays(first: unknown, second: unknown, firstEncrypted: boolean): unknown {
  const [tls, clear] = firstEncrypted ? [first, second] : [second, first]
  const alike = codeOf(tls) === codeOf(clear) && codeOf(tls) !== undefined
  if (alike && tls instanceof Error) {
    tls.message += ' (and in the clear too)'
    return tls
  }
  if (second instanceof Error)
    second.message += ` (${firstEncrypted ? 'with TLS' : 'in the clear'}: ${describeError(first)})`
  return second
}

async function tryOnce(
  look: Look,
  owner: Look,
  plan: Plan,
  endpoint: Endpoint,
  way: Way,
  progress: Progress,
): Promise<Open> {
  // Imported here, so that a start and a configuration without Postgres do not load it; and before a socket is open.
  const { Client } = (await import('pg')).default
  const lifetime = linger(owner.signal)
  const socket = await connected(look, endpoint, lifetime)
  try {
    let certificates: Shown | undefined
    const stream = await negotiateTls(look, socket, {
      plan,
      endpoint,
      way,
      onTls: () => (progress.encrypted = true),
      onCertificates: shown => (certificates = shown),
    })
    const renew = limitReceived(stream, maxReceived)
    let offersBinding = false
    const client = new Client({
      // Set all five, so that none is read from the environment. The stream already leads there, with TLS on it.
      host: endpoint.kind === 'tcp' ? endpoint.host : endpoint.folder,
      port: endpoint.port,
      user: plan.user,
      database: plan.database,
      ssl: false,
      // A function, because an absent or empty string falls back to PGPASSWORD. It is called before any of it is sent.
      password: () => {
        if (plan.tls.bound === true && !offersBinding) throw new NotBound(notBound)
        return plan.password ?? ''
      },
      enableChannelBinding: plan.tls.bound === true && stream !== socket,
      stream: () => forClient(stream, notice => notices.length < 100 && notices.push(notice)),
      ...({ sslnegotiation: 'postgres' } as object),
    })
    // The whole startup message, so that PGOPTIONS of the exporter cannot get into it.
    const startup = { ...plan.startup, user: plan.user, ...(plan.database !== '' && { database: plan.database }) }
    const inside = Object.assign(insideOf(client), { getStartupConf: () => startup })
    const reported = new Map<string, string>()
    if (plan.keptKeys) useKeptKeys(client, plan.keptKeys)
    inside.connection.on('authenticationSASL', ({ mechanisms }) => {
      offersBinding = mechanisms.includes('SCRAM-SHA-256-PLUS') && stream !== socket
    })
    inside.connection.on('authenticationOk', () => (progress.authenticated = true))
    inside.connection.on('parameterStatus', status => reported.set(status.parameterName, status.parameterValue))
    client.on('error', () => undefined)
    const notices: ServerMessage[] = []
    look.note(
      `logging in as ${plan.user}, database ${plan.database}, ${stream === socket ? 'in the clear' : 'with TLS'}`,
    )
    await look.phase('login', async () => {
      await unlessAborted(look.signal, client.connect())
      // The server let us in without asking for a password.
      if (plan.tls.bound === true && !offersBinding) throw new NotBound(notBound)
    })
    const ended = new Promise<void>(resolve => socket.once('close', () => resolve()))
    const close = async (): Promise<void> => {
      await Promise.race([client.end().catch(() => undefined), ended])
      socket.destroy()
    }
    const tls = stream !== socket ? 'used' : way === 'clear' ? 'not asked' : 'not offered'
    return { loggedIn: { client, socket, endpoint, tls, certificates, notices, renew, close }, reported }
  } catch (error) {
    socket.destroy()
    throw explained(error, plan, way)
  }
}

const notBound =
  'channel_binding=require: the server, or what is between, does not bind the login to TLS by channel binding'

async function connected(look: Look, endpoint: Endpoint, lifetime: ReturnType<typeof linger>): Promise<net.Socket> {
  try {
    const socket =
      endpoint.kind === 'tcp'
        ? await openSocket(look, endpoint.address ?? endpoint.host, endpoint.port, lifetime.signal)
        : await openLocalSocket(look, socketPath(endpoint), lifetime.signal)
    socket.on('close', lifetime.clear)
    if (endpoint.kind === 'tcp') socket.setKeepAlive(true, keepAliveMs)
    return socket
  } catch (error) {
    lifetime.end()
    if (look.signal.aborted) throw error
    const code = codeOf(error)
    throw inPlaceOf(Object.assign(new NotConnected(describeError(error)), code !== undefined && { code }), error)
  }
}

/** A line break at the end of a password is a common mistake in a Secret, and invisible. */
function explained(error: unknown, { password = '' }: Plan, way: Way): unknown {
  // A rule about TLS may be the reason: the server says so in any language.
  if (!(error instanceof Error)) return error
  Object.assign(error, { tlsNotAsked: way === 'clear' })
  if (codeOf(error) !== '28P01') return error
  if (password !== password.trim()) error.message += ' (the password given begins or ends with white space)'
  else if (/\$\{[A-Za-z_]/.test(password))
    error.message += ' (the password given holds ${…}: was nothing put in for that?)'
  else if (isQuoted(password)) error.message += ' (the password given is in quotes; `docker run --env-file` keeps them)'
  return error
}

/** A signal that follows the other one `lingerMs` later. */
function linger(signal: AbortSignal): { signal: AbortSignal; clear: () => void; end: () => void } {
  const controller = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const onAbort = (): void => {
    timer = setTimeout(() => controller.abort(signal.reason), lingerMs)
  }
  signal.addEventListener('abort', onAbort)
  const clear = (): void => {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
  return {
    signal: controller.signal,
    clear,
    end() {
      clear()
      controller.abort(new Error('not connected'))
    },
  }
}
