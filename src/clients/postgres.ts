import type pg from 'pg'
import { unlessAborted } from '../core/abort.ts'
import { codeOf, describeError } from '../core/errors.ts'
import type { Look, Watch } from '../core/probe.ts'
import type { Shown } from './certificates.ts'
import { endpointText, insideOf, lingerMs, logIn, type LoggedIn } from './postgres-connect.ts'
import type { ServerMessage } from './postgres-messages.ts'
import { sendCancel, type Peer } from './postgres-stream.ts'
import type { Plan } from './postgres-url/plan.ts'

export { endpointText, planText } from './postgres-connect.ts'

/** The name of our sessions on a server, in pg_stat_activity and in its log. */
export const applicationName = 'mailpath-exporter'
/** The name of the sessions that are held open to notice the end of the server. */
const watchName = `${applicationName} watch`

export type Row = Readonly<Record<string, unknown>>

/** One connection to one server, opened for one run or as a watch. */
export interface Session extends Omit<Watch, 'ask'> {
  /** `host:port`, or the path of a Unix socket. */
  readonly address: string
  /** `not offered`: we asked for TLS, and the server has none. */
  readonly tls: LoggedIn['tls']
  /** Process ID that the server (or a pooler) gave with the cancel key. */
  readonly backendPid: number
  /** The certificates of the server; undefined without TLS. */
  readonly certificates: Shown | undefined
  /** Messages of the server apart from results, the first hundred of a run. */
  readonly notices: readonly ServerMessage[]
  /**
   * Runs one or more statements in one message (simple query protocol); returns the rows of the last that has any. Ends
   * with the signal of `by`, whose transcript gets it. Default: the look that opened the session.
   */
  query(sql: string, by?: Look): Promise<readonly Row[]>
  /**
   * Runs one statement, and returns its rows. By the extended query protocol, in which the server refuses a second
   * statement. The transcript gets nothing of it: rows and errors may hold data of an application. `by` is as in `query`.
   */
  statement(sql: string, by?: Look): Promise<readonly Row[]>
  /** Asks the server to cancel the running statement. Resolves once asked; never rejects. */
  cancel(): Promise<void>
  /** Ends the session and closes; destroys the socket if that does not finish. */
  close(): Promise<void>
}

/**
 * Opens a session as an application would, exactly by the plan: phases `dns`, `connect`, `startup`, `tls`, `login`.
 * Everything ends with the run's signal, at most `lingerMs` later. Uses no PG* environment variables and no .pgpass
 * file. Rejects with errors of node-postgres: `code` is an SQLSTATE if the server gave one.
 */
export const openSession = async (look: Look, plan: Plan): Promise<Session> =>
  sessionOf(look, plan, await logIn(look, plan))

/** Opens a session under our own name: not as an application would. */
export const openOwnSession = (look: Look, plan: Plan): Promise<Session> =>
  openSession(look, named(plan, applicationName))

/** Opens a session that idles outside of any transaction. */
export const openWatch = (look: Look, plan: Plan): Promise<Session> => openSession(look, named(plan, watchName))

/**
 * A watch whose session also answers runs. `see` looks in it as a run does. If that fails, `failed` says what the run has
 * seen by it; undefined if the run is to log in: the server may have ended only the session.
 */
export const watchThatAnswers = <Seen>(
  session: Session,
  see: (run: Look) => Promise<Seen>,
  failed: (error: unknown, run: Look) => Promise<Seen | undefined> | Seen | undefined,
): Watch<Seen> => ({
  ended: session.ended,
  close: () => session.close(),
  async ask(run) {
    run.note(`asking ${session.address} in the session that is held open there`)
    try {
      return await see(run)
    } catch (error) {
      return failed(error, run)
    }
  },
})

/** A name, with its schema or without, for a statement. It has no quotes in it (`shapes.table`). */
export const quoted = (identifier: string): string =>
  identifier
    .split('.')
    .map(part => `"${part}"`)
    .join('.')

const named = (plan: Plan, name: string): Plan => ({ ...plan, startup: { ...plan.startup, application_name: name } })

function sessionOf(
  look: Look,
  plan: Plan,
  { client, socket, endpoint, tls, certificates, notices, renew, close }: LoggedIn,
): Session {
  const { processID, secretKey } = insideOf(client)
  // The address of the session itself, as libpq does it: the name may lead elsewhere by now.
  const peer: Peer =
    endpoint.kind === 'socket'
      ? { path: endpointText(endpoint).replace(/^@/, '\0') }
      : { host: socket.remoteAddress ?? endpoint.host, port: socket.remotePort ?? endpoint.port }
  const ended = new Promise<void>(resolve => (socket.destroyed ? resolve() : socket.once('close', () => resolve())))
  const begin = (run: Look): void => {
    renew()
    notices.length = 0
    // The server may echo the password, so the redactor has to know it.
    if (plan.password !== undefined) run.conceal(plan.password)
  }
  return {
    ended,
    address: endpointText(endpoint),
    tls,
    backendPid: processID,
    certificates,
    notices,
    async query(sql, by = look) {
      // Another run uses the session.
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
    async statement(sql, by = look) {
      if (by !== look) begin(by)
      const query = { text: sql, queryMode: 'extended' }
      return (await unlessAborted(by.signal, client.query<Row>(query), lingerMs)).rows
    },
    cancel() {
      look.note(`asking the server to cancel what process ${processID} does`)
      return sendCancel(peer, processID, secretKey, lingerMs)
    },
    close,
  }
}

const asText = (rows: readonly Row[]): string =>
  rows.length === 0
    ? 'no rows'
    : rows
        .map(row => Object.entries(row).map(([column, value]) => `${column} = ${JSON.stringify(value)}`))
        .map(columns => columns.join('\n  '))
        .join('\n\n  ')
