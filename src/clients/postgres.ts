import type net from 'node:net'
import type pg from 'pg'
import { unlessAborted } from '../core/abort.ts'
import { Unresolved, codeOf, describeError } from '../core/errors.ts'
import type { Look, Watch } from '../core/probe.ts'
import { isQuoted, looksLike } from '../core/looks-like.ts'
import { shaped, shapes } from '../core/shape.ts'
import { doubtIn } from '../core/url-doubt.ts'
import type { Shown } from './certificates.ts'
import type { Said } from './postgres-messages.ts'
import { forClient, negotiateTls, sendCancel } from './postgres-stream.ts'
import { address, limitReceived, openSocket } from './socket.ts'

/** The name our sessions have on a server, in pg_stat_activity and in its log. */
export const applicationName = 'mailpath-exporter'
/** And those that are held open, to end with the server. */
export const watchName = `${applicationName} watch`
/** After so long in silence the kernel asks whether the other side is still there: it may have ended without a word. */
const keepAliveMs = 5_000

/** https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-SSLMODE-STATEMENTS */
export const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
export type SslMode = (typeof sslModes)[number]

export interface Login {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
  readonly password: string | undefined
  readonly sslmode: SslMode
  readonly caFile: string | undefined
}

export type Row = Readonly<Record<string, unknown>>

/** One connection to one server, opened for one run; or to be a watch. */
export interface Session extends Omit<Watch, 'ask'> {
  /** Process ID the server (or a pooler) gave with the cancel key. */
  readonly backendPid: number
  /** The certificates of the server; undefined without TLS. */
  readonly certificates: Shown | undefined
  /** What the server said besides results, the first hundred of a run. */
  readonly notices: readonly Said[]
  /**
   * Runs a text of one or more statements in one message (simple query protocol); gives the rows of the last that has any.
   * It ends with the signal of `by` and is noted there. Default: who opened the session.
   */
  query(sql: string, by?: Look): Promise<readonly Row[]>
  /** Asks the server to cancel what the session is doing. Resolves once asked; never rejects. */
  cancel(): Promise<void>
  /** Says goodbye and closes; destroys the socket where that does not come to an end. */
  close(): Promise<void>
}

/** How long a socket may outlive the run's signal, in milliseconds, so that a cancel request gets its answer. */
export const lingerMs = 150

/** By a run. Each of our statements gives a row or none; the rest is room for notices. */
const maxReceived = 1_048_576

/**
 * Opens a session as an application would: phases `dns`, `connect`, `startup`, `tls`, `login`. Everything ends with the run's signal, at
 * most `lingerMs` later. Nothing is taken from PG* environment variables or a .pgpass file. Rejects with node-postgres'
 * errors: `code` is an SQLSTATE where the server gave one.
 */
export const openSession = (look: Look, login: Login): Promise<Session> => open(look, login, applicationName)

/** A session that idles, in no transaction. */
export const openWatch = (look: Look, login: Login): Promise<Session> => open(look, login, watchName)

async function open(look: Look, login: Login, name: string): Promise<Session> {
  // Here, so that a configuration without Postgres does not pay for it, nor the start of any; and before there is a socket.
  const { Client } = (await import('pg')).default
  const lifetime = linger(look.signal)
  const socket = await openSocket(look, login.host, login.port, lifetime.signal)
  socket.on('close', lifetime.clear)
  socket.setKeepAlive(true, keepAliveMs)
  try {
    let certificates: Shown | undefined
    const stream = await negotiateTls(look, socket, login, shown => (certificates = shown))
    const renew = limitReceived(stream, maxReceived)
    const client = new Client({
      host: login.host,
      port: login.port,
      user: login.user,
      database: login.database,
      // A function, because an absent or empty string falls back to PGPASSWORD.
      password: () => login.password ?? '',
      // TLS is on the stream already; left out, PGSSLMODE would decide.
      ssl: false,
      application_name: name,
      stream: () => forClient(stream, notice => notices.length < 100 && notices.push(notice)),
    })
    client.on('error', () => undefined)
    const notices: Said[] = []
    look.note(`logging in as ${login.user}, database ${login.database}, sslmode ${login.sslmode}`)
    await look.phase('login', () => unlessAborted(look.signal, client.connect()))
    const begin = (run: Look): void => {
      renew()
      notices.length = 0
      // The server was told it, and may say it again; this run has not fetched it.
      if (login.password !== undefined) run.conceal(login.password)
    }
    return sessionOf(look, login, client, socket, { notices, begin, certificates })
  } catch (error) {
    socket.destroy()
    throw told(error, login)
  }
}

/** A line break at the end of a password is a usual mistake in a Secret, and one that nobody sees. */
function told(error: unknown, { password = '', sslmode }: Login): unknown {
  if (!(error instanceof Error)) return error
  // Whether a rule for TLS may be why: the server's own words for it may be in any language.
  Object.assign(error, { tlsNotAsked: sslmode === 'disable' || sslmode === 'allow' })
  if (codeOf(error) !== '28P01') return error
  if (password !== password.trim()) error.message += ' (the password given begins or ends with white space)'
  else if (isQuoted(password)) error.message += ' (the password given is in quotes; `docker run --env-file` keeps them)'
  return error
}

function sessionOf(
  look: Look,
  login: Login,
  client: pg.Client,
  socket: net.Socket,
  {
    notices,
    begin,
    certificates,
  }: {
    readonly notices: readonly Said[]
    readonly begin: (run: Look) => void
    readonly certificates: Shown | undefined
  },
): Session {
  const { processID, secretKey } = client as unknown as { processID: number; secretKey: number }
  // Where the session is, as libpq does it: the name may lead elsewhere, or first to an address that does not answer.
  const peer = { host: socket.remoteAddress ?? login.host, port: socket.remotePort ?? login.port }
  const ended = new Promise<void>(resolve => (socket.destroyed ? resolve() : socket.once('close', () => resolve())))
  return {
    ended,
    backendPid: processID,
    certificates,
    notices,
    async query(sql, by = look) {
      // The first of another run.
      if (by !== look) begin(by)
      by.note(`> ${sql.trim()}`)
      try {
        const result = (await unlessAborted(by.signal, client.query(sql), lingerMs)) as
          pg.QueryResult<Row> | pg.QueryResult<Row>[]
        const results = Array.isArray(result) ? result : [result]
        const rows = results.findLast(one => one.rows.length > 0)?.rows ?? []
        by.note(`< ${asText(rows)}`)
        return rows
      } catch (error) {
        by.note(
          `< ${[codeOf(error), describeError(error), ...notices.map(({ code, text }) => `${code} ${text}`)].join(' ').trim()}`,
        )
        throw error
      }
    },
    cancel() {
      look.note(`asking the server to cancel what process ${processID} does`)
      return sendCancel(peer, processID, secretKey, lingerMs)
    },
    async close() {
      await Promise.race([client.end().catch(() => undefined), ended])
      socket.destroy()
    },
  }
}

const asText = (rows: readonly Row[]): string =>
  rows.length === 0
    ? 'no rows'
    : rows
        .map(row => Object.entries(row).map(([column, value]) => `${column} = ${JSON.stringify(value)}`))
        .map(columns => columns.join('\n  '))
        .join('\n\n  ')

/** A signal that follows another `lingerMs` later. */
function linger(signal: AbortSignal): { signal: AbortSignal; clear: () => void } {
  const controller = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const onAbort = (): void => {
    timer = setTimeout(() => controller.abort(signal.reason), lingerMs)
  }
  signal.addEventListener('abort', onAbort)
  return {
    signal: controller.signal,
    clear() {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    },
  }
}

/** What it looks like instead, where that is no URL at all. */
const instead = (text: string): string => {
  const like = looksLike(text)
  return like === undefined || like === 'it looks like a URL' ? '' : `; ${like}`
}

const urlForm = 'expected one such as postgres://user@host:5432/database'

/** What a URL says of a login; the password only where it holds one. Throws Unresolved, without any of the URL, where it says nothing. */
export function parseUrl(text: string): Omit<Login, 'password'> & { readonly password: string | undefined } {
  const doubt = doubtIn(text)
  if (doubt !== undefined) throw new Unresolved(`url: ${doubt}`)
  // The error of `new URL` carries its input, and so the password.
  if (!URL.canParse(text)) throw new Unresolved(`url: not a valid URL; ${urlForm}${instead(text)}`)
  const url = new URL(text)
  if (!['postgres:', 'postgresql:'].includes(url.protocol) || url.hostname === '')
    throw new Unresolved(`url: not a Postgres URL; ${urlForm}${instead(text)}`)
  const user = decoded(url.username)
  const mode = url.searchParams.get('sslmode')
  const database = decoded(url.pathname.slice(1))
  return {
    host: shaped('url: its host', decoded(url.hostname).replace(/^\[(.*)\]$/, '$1'), shapes.host),
    port: url.port === '' ? 5432 : Number(url.port),
    user: user === '' ? '' : shaped('url: its user', user, shapes.user),
    database: database === '' ? user : shaped('url: its database', database, shapes.database),
    password: url.password === '' ? undefined : decoded(url.password),
    sslmode: sslModes.find(known => known === mode) ?? 'prefer',
    caFile: url.searchParams.get('sslrootcert') ?? undefined,
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new Unresolved('url: not a valid URL: a % in it begins no UTF-8 character; write %25 for a % of the password')
  }
}

/** The server a login is for, as the subject of reasons. */
export const subject = (login: Pick<Login, 'host' | 'port'>): string => address(login.host, login.port)
