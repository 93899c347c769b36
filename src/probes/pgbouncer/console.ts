import type { Row } from '../../clients/postgres.ts'
import { oneLine } from '../../core/errors.ts'

/** A database of PgBouncer: a row of `show databases`, with its pools. https://www.pgbouncer.org/usage.html */
export interface PgbouncerDatabase {
  readonly name: string
  /**
   * Where it leads: a name, an address, or several with commas between; null is a Unix socket. Undefined for a database by
   * the fallback (`*`) that has no connections: PgBouncer shows only its pools.
   */
  readonly host: string | null | undefined
  readonly port: number | undefined
  /** Alone, or with all others (known from PgBouncer 1.19 on). False too while `host` is undefined. */
  readonly paused: boolean
  readonly disabled: boolean
  /** Clients with a server connection, and clients that wait for one, of all its pools. */
  readonly active: number
  readonly waiting: number
  /** How long the client that waits longest has waited, in seconds. */
  readonly maxWaitSeconds: number
  readonly servers: readonly PgbouncerServer[]
}

/** The server connections of one database to one address (`show servers`). */
export interface PgbouncerServer {
  /** An IP address, or `unix`. */
  readonly address: string
  readonly port: number | undefined
  readonly connections: number
  /** Of them, those that are being opened: no login yet (state `new`). */
  readonly connecting: number
}

/** As in `PgBouncer 1.18.0`; undefined for anything else. */
export function versionIn(rows: readonly Row[]): string | undefined {
  const version = Object.values(rows[0] ?? {})[0]
  return typeof version === 'string' ? /^PgBouncer (\d{1,4}(?:\.\d{1,4}){1,3})/i.exec(version)?.[1] : undefined
}

/** The database of the console. No other one may have this name. */
const ofConsole = 'pgbouncer'

/** By `show state`. */
export const isPausedIn = (rows: readonly Row[]): boolean =>
  rows.some(({ key, value }) => (key === 'paused' || key === 'suspended') && value === 'yes')

interface Answers {
  readonly databases: readonly Row[]
  readonly pools: readonly Row[]
  readonly servers: readonly Row[]
  readonly allPaused: boolean
}

/**
 * The databases, without that of the console. Columns are read by name: they differ between versions
 * (https://github.com/pgbouncer/pgbouncer/blob/master/src/admin.c). Undefined if it is not among them.
 */
export function databasesIn({ databases, pools, servers, allPaused }: Answers): PgbouncerDatabase[] | undefined {
  if (!databases.some(({ name }) => name === ofConsole)) return undefined
  const poolsOf = grouped(pools)
  const serversOf = grouped(servers)
  const listed = new Set(databases.map(({ name }) => textIn(name)))
  const idle = [...poolsOf.keys()].filter(name => !listed.has(name)).map((name): Row => ({ name }))
  return [...databases, ...idle]
    .filter(({ name }) => name !== ofConsole)
    .map(row => {
      const name = textIn(row['name'])
      const own = poolsOf.get(name) ?? []
      const sum = (column: string): number => own.reduce((total, pool) => total + numberIn(pool[column]), 0)
      return {
        name,
        host: typeof row['host'] === 'string' ? textIn(row['host']) : 'host' in row ? null : undefined,
        port: portIn(row['port']),
        paused: allPaused || numberIn(row['paused']) > 0,
        disabled: numberIn(row['disabled']) > 0,
        active: sum('cl_active'),
        waiting: sum('cl_waiting'),
        maxWaitSeconds: Math.max(0, ...own.map(pool => numberIn(pool['maxwait']) + numberIn(pool['maxwait_us']) / 1e6)),
        servers: byAddress(serversOf.get(name) ?? []),
      }
    })
}

/** The rows by the database that they are of. */
function grouped(rows: readonly Row[]): ReadonlyMap<string, readonly Row[]> {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const name = textIn(row['database'])
    const group = groups.get(name)
    if (group) group.push(row)
    else groups.set(name, [row])
  }
  return groups
}

function byAddress(rows: readonly Row[]): readonly PgbouncerServer[] {
  const found = new Map<string, PgbouncerServer>()
  for (const row of rows) {
    const [address, port] = [textIn(row['addr']), portIn(row['port'])]
    const key = JSON.stringify([address, port])
    const { connections = 0, connecting = 0 } = found.get(key) ?? {}
    const isNew = row['state'] === 'new'
    found.set(key, { address, port, connections: connections + 1, connecting: connecting + Number(isNew) })
  }
  return [...found.values()]
}

/** It becomes a label or a line, so it gets a safe form. */
const textIn = (value: unknown): string => (typeof value === 'string' ? oneLine(value).slice(0, 200) : '')

/** Also of an int8, which node-postgres gives as text. */
function numberIn(value: unknown): number {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  return typeof number === 'number' && number >= 0 ? number : 0
}

function portIn(value: unknown): number | undefined {
  const port = numberIn(value)
  return port > 0 && port < 65_536 ? port : undefined
}
