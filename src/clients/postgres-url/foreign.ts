import { doubtOf } from './doubt.ts'
import { readEcto } from './ecto.ts'
import { readJdbc } from './jdbc.ts'
import { readLibpq } from './libpq.ts'
import { giveUp, reading } from './no-plan.ts'
import { lastOf, shownName } from './parameters.ts'
import type { Driver, Given, Reading } from './plan.ts'

/** A form other than postgres://…. */
interface Foreign {
  /** What it is. Completes "the URL …". */
  readonly what: string
  /** The drivers that it may be meant for. A form with a reading of its own is under libpq, as the nearest. */
  readonly readers: readonly Driver[]
  readonly read?: (given: Given) => Reading
}

/** Schemes of libraries that pass the URL on to libpq. */
const overLibpq = new Map([
  ['postgis', 'a URL of Django or Rails'],
  ['psql', 'a URL of Django'],
  ['pgsql', 'a URL of Django or PHP'],
  ['timescale', 'a URL of Django'],
  ['timescalegis', 'a URL of Django'],
])

/** Drivers of SQLAlchemy that read it as libpq does. */
const pythonDrivers: readonly string[] = ['psycopg', 'psycopg2', 'psycopg2cffi', 'asyncpg', 'psycopg_async', 'aiopg']

/** The form of a URL that does not begin with postgres:// or postgresql://; undefined for one that does. */
export function foreign(url: string): Foreign | undefined {
  const scheme = /^\s*["']?([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase()
  if (scheme === undefined || !url.includes('://')) return withoutScheme(url, scheme)
  if (scheme === 'postgres' || scheme === 'postgresql') return undefined
  if (scheme === 'jdbc') return url.startsWith('jdbc:postgresql:') ? jdbc : otherServer
  if (scheme === 'ecto') return { what: 'is a URL of Ecto, of Elixir', readers: ['libpq'], read: certain(readEcto) }
  if (scheme === 'prisma' || scheme === 'prisma+postgres')
    return unread('is a URL of Prisma Accelerate, and leads to no server of Postgres')
  if (scheme === 'cockroachdb' || scheme === 'redshift') return otherServer
  const [base, driver] = scheme.split('+')
  if ((base === 'postgres' || base === 'postgresql') && driver !== undefined) {
    if (!pythonDrivers.includes(driver))
      return unread('is a URL of SQLAlchemy for a driver that cannot be followed here')
    const read = driver === 'asyncpg' ? readAsyncpg : likeLibpq('a URL of SQLAlchemy')
    return { what: 'is a URL of SQLAlchemy', readers: ['libpq'], read: certain(read) }
  }
  const library = overLibpq.get(scheme)
  return library === undefined
    ? otherServer
    : { what: `is ${library}`, readers: ['libpq'], read: certain(likeLibpq(library)) }
}

const unread = (what: string): Foreign => ({ what, readers: [] })
const otherServer = unread('is of another kind of server; expected one such as postgres://user@host:5432/database')
const ofDotNet = unread('is a connection string of .NET or ODBC, which cannot be followed here')
const noUrl = unread('is none of Postgres; expected one such as postgres://user@host:5432/database')

/** Reads it if it can be split with certainty. */
const certain =
  (read: (given: Given) => Reading) =>
  (given: Given): Reading => {
    const doubt = doubtOf(given.url ?? '')
    return doubt === undefined ? read(given) : giveUp(doubt)
  }

const jdbc: Foreign = { what: 'is a JDBC URL, of Java', readers: ['libpq'], read: certain(readJdbc) }

/**
 * `Host=…;Port=…`: after the first pair, or before one of the usual keys, stands a semicolon. libpq would take it for a part of
 * the value. https://www.npgsql.org/doc/connection-string-parameters.html
 */
const pairsWithSemicolons =
  /^\s*[a-z][a-z ]*=[^;=\s]*;|;\s*(?:host|server|data source|port|database|username|user id|uid|user|password|pwd|driver|dsn)\s*=/i

function withoutScheme(url: string, scheme: string | undefined): Foreign {
  if (scheme === 'jdbc' && url.startsWith('jdbc:postgresql:')) return jdbc
  if (scheme === 'socket')
    return { what: 'is a URL for a socket, which node-postgres alone reads', readers: ['node-postgres'] }
  if (url.startsWith('/'))
    return { what: 'is the path of a socket, which node-postgres alone reads', readers: ['node-postgres'] }
  if (pairsWithSemicolons.test(url)) return ofDotNet
  if (/^\s*[a-z_]+\s*=/i.test(url))
    return { what: 'is a conninfo string, which libpq alone reads', readers: ['libpq'], read: readLibpq }
  return noUrl
}

/**
 * SQLAlchemy passes the query to asyncpg as named arguments, and Python refuses unknown names. `ssl` is libpq's
 * sslmode. https://docs.sqlalchemy.org/en/20/dialects/postgresql.html#module-sqlalchemy.dialects.postgresql.asyncpg
 */
function readAsyncpg(given: Given): Reading {
  const [base = '', query = ''] = (given.url ?? '').split('?')
  const parameters = [...new URLSearchParams(query)].map(([name, value]) => ({ name, value }))
  for (const [i, { name }] of parameters.entries())
    if (name !== 'ssl' && name !== 'prepared_statement_cache_size')
      giveUp(
        name === 'sslmode'
          ? 'is a URL of SQLAlchemy with sslmode, which asyncpg refuses: it has ssl in its place, such as ssl=require'
          : `is a URL of SQLAlchemy with ${shownName(parameters, i, new Set(['ssl']))}, which cannot be followed for asyncpg`,
      )
  const mode = lastOf(parameters).get('ssl')
  return likeLibpq('a URL of SQLAlchemy')({ ...given, url: mode === undefined ? base : `${base}?sslmode=${mode}` })
}

/** Reads it as libpq does. What libpq does not take may be a setting of the library. */
const likeLibpq =
  (library: string) =>
  (given: Given): Reading => {
    const url = given.url?.replace(/^[^:]*/, 'postgresql')
    if ((url?.match(/[?&]host=/g)?.length ?? 0) > 1)
      giveUp(`is ${library} with several hosts, which cannot be followed here`)
    const found = reading(() => readLibpq({ ...given, url }))
    return found.kind === 'refused' ? giveUp(`is ${library}, and libpq would refuse it: ${found.error}`) : found
  }
