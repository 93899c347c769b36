import type pg from 'pg'
import { unlessAborted } from '../core/abort.ts'
import { codeOf, describeError } from '../core/errors.ts'
import type { Look, Watch } from '../core/probe.ts'
import type { Shown } from './certificates.ts'
import { endpointText, insideOf, lingerMs, logIn, type LoggedIn } from './postgres-connect.ts'
import type { Said } from './postgres-messages.ts'
import { sendCancel, type Peer } from './postgres-stream.ts'
import type { Plan } from './postgres-url/plan.ts'

export { planText } from './postgres-connect.ts'

/** The name our sessions have on a server, in pg_stat_activity and in its log. */
export const applicationName = 'mailpath-exporter'
/** And those that are held open, to end with the server. */
const watchName = `${applicationName} watch`

export type Row = Readonly<Record<string, unknown>>

/** One connection to one server, opened for one run; or to be a watch. */
export interface Session extends Omit<Watch, 'ask'> {
  /** Where it was had, as people write it: `host:port`, or the path of a Unix socket. */
  readonly address: string
  /** Whether it is encrypted; `not offered`: it was asked for, and the server has none. */
  readonly tls: LoggedIn['tls']
  /** Process ID the server (or a pooler) gave with the cancel key. */
  readonly backendPid: number
  /** The certificates of the server; undefined without TLS. */
  readonly certificates: Shown | undefined
  /** What the server said beside results, the first hundred of a run. */
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

/**
 * Opens a session as an application would: phases `dns`, `connect`, `startup`, `tls`, `login`. What is done is exactly the
 * plan. Everything ends with the run's signal, at most `lingerMs` later. Nothing is taken from PG* environment variables
 * or a .pgpass file. Rejects with node-postgres' errors: `code` is an SQLSTATE where the server gave one.
 */
export const openSession = async (look: Look, plan: Plan): Promise<Session> =>
  sessionOf(look, plan, await logIn(look, plan))

/** The same under our own name, for a session that is not opened for an application. */
export const openOwnSession = (look: Look, plan: Plan): Promise<Session> =>
  openSession(look, named(plan, applicationName))

/** A session that idles, in no transaction. */
export const openWatch = (look: Look, plan: Plan): Promise<Session> => openSession(look, named(plan, watchName))

const named = (plan: Plan, name: string): Plan => ({ ...plan, startup: { ...plan.startup, application_name: name } })

function sessionOf(
  look: Look,
  plan: Plan,
  { client, socket, endpoint, tls, certificates, notices, renew, close }: LoggedIn,
): Session {
  const { processID, secretKey } = insideOf(client)
  // Where the session is, as libpq does it: the name may lead elsewhere, or first to an address that does not answer.
  const peer: Peer =
    endpoint.kind === 'socket'
      ? { path: endpointText(endpoint).replace(/^@/, '\0') }
      : { host: socket.remoteAddress ?? endpoint.host, port: socket.remotePort ?? endpoint.port }
  const ended = new Promise<void>(resolve => (socket.destroyed ? resolve() : socket.once('close', () => resolve())))
  const begin = (run: Look): void => {
    renew()
    notices.length = 0
    // The server knows it and may repeat it; this run has not fetched it.
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
