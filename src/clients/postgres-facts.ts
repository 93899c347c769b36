import { isIP } from 'node:net'
import * as z from 'zod'
import { codeOf, describeError } from '../core/errors.ts'
import type { Look } from '../core/probe.ts'
import { isSqlState } from './postgres-errors.ts'
import { applicationName, type Row, type Session } from './postgres.ts'

/** A select of one row. If the server refuses one of its functions, all of its columns are missing, and no others. */
export interface FactGroup {
  /** Its columns, in words for people. */
  readonly about: string
  readonly sql: string
  /** Statements that give some or all of the same columns and need no function. */
  readonly instead?: readonly string[]
}

/** Facts that every server is asked for: which one it is, and whether it takes writes. */
export const ofAnyServer: readonly FactGroup[] = [
  {
    about: 'the role of the node',
    sql: `select pg_is_in_recovery() as in_recovery, current_setting('transaction_read_only') = 'on' as read_only`,
    instead: ['show in_hot_standby', 'show transaction_read_only'],
  },
  {
    about: 'where default_transaction_read_only is set',
    sql: `
select case when current_setting('default_transaction_read_only')::bool then
    (select source from pg_show_all_settings() where name = 'default_transaction_read_only') end as read_only_source`,
  },
  {
    about: 'its address and its start',
    sql: `
select host(inet_server_addr()) as server_address,
  inet_server_port() as server_port,
  to_char(pg_postmaster_start_time() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') as postmaster_start`,
  },
  {
    about: 'the system identifier',
    sql: `select (select system_identifier::text from pg_control_system()) as system_identifier`,
  },
]

/**
 * Gives the session our name, together with the first facts. Not behind a pooler, where the process ID differs from
 * that of the server: with transaction pooling the name would stay on the server's session, and the application's
 * queries would carry it.
 */
export const naming = ({ backendPid }: Session): FactGroup => ({
  about: 'the name of our session',
  sql: `select case when pg_backend_pid() = ${backendPid} then set_config('application_name', '${applicationName}', false) end as named`,
})

/** A fact that is null if the server has none or refused it. */
export const maybe = <T>(type: z.ZodType<T>) => type.nullish().transform(value => value ?? null)

/** Settings as `show` gives them, if the functions are refused. */
const onOff = z.enum(['on', 'off']).optional()

/** The columns of `ofAnyServer`, as the server gives them. */
export const columnsOfAnyServer = {
  in_recovery: z.boolean().optional(),
  in_hot_standby: onOff,
  read_only: z.boolean().optional(),
  transaction_read_only: onOff,
  read_only_source: maybe(z.string()),
  server_address: maybe(z.string()).transform(address => (address !== null && isIP(address) !== 0 ? address : null)),
  server_port: maybe(z.number()),
  postmaster_start: maybe(z.string()),
  system_identifier: maybe(z.string().regex(/^\d{1,20}$/, 'the system identifier is no number')),
} as const

/** A group that the server refused. */
export interface RefusedFacts {
  readonly about: string
  readonly code: string
  readonly text: string
}

interface Facts {
  readonly row: Row
  readonly refused: readonly RefusedFacts[]
}

/** A role may have a limit that suits its own statements and is too short for ours: see `askFacts`. */
export const noTimeout = 'set local statement_timeout = 0'

const groupSql = ({ sql }: FactGroup): string => `${noTimeout}; ${sql.trim()}`

/** All groups in one message. It is one transaction, so the setting ends with it, behind a pooler too. */
export const factsSql = (groups: readonly FactGroup[]): string =>
  `${noTimeout}; select * from ${groups.map(({ sql }, i) => `(${sql.trim()}) as g${i}`).join('\ncross join ')}`

/**
 * Asks for all groups in one statement. If the server refuses it, each group is asked for alone: the right to run a
 * function is checked for a whole statement, even behind CASE. https://www.postgresql.org/docs/current/ddl-priv.html
 * Rejects if the session ended.
 */
export async function askFacts(session: Session, look: Look, groups: readonly FactGroup[]): Promise<Facts> {
  try {
    const [row = {}] = await session.query(factsSql(groups), look)
    return { row, refused: [] }
  } catch (error) {
    if (look.signal.aborted || !isRefusal(error)) throw error
    return askOneByOne(session, look, groups)
  }
}

async function askOneByOne(session: Session, look: Look, groups: readonly FactGroup[]): Promise<Facts> {
  let row: Row = {}
  const refused: RefusedFacts[] = []
  for (const group of groups)
    try {
      const [found] = await session.query(groupSql(group), look)
      row = { ...row, ...found }
    } catch (error) {
      if (look.signal.aborted || !isRefusal(error)) throw error
      refused.push({ about: group.about, code: codeOf(error) ?? '', text: describeError(error) })
      row = { ...row, ...(await askInstead(session, look, group.instead ?? [])) }
    }
  return { row, refused }
}

async function askInstead(session: Session, look: Look, statements: readonly string[]): Promise<Row> {
  let row: Row = {}
  for (const statement of statements)
    try {
      const [found] = await session.query(statement, look)
      row = { ...row, ...found }
    } catch (error) {
      if (look.signal.aborted || !isRefusal(error)) throw error
    }
  return row
}

/** Whether the server refused the statement and goes on. With class 08 and 57P it, or a pooler, ends the session. */
function isRefusal(error: unknown): boolean {
  const code = codeOf(error) ?? ''
  return isSqlState(code) && !code.startsWith('08') && !code.startsWith('57P')
}
