import type { Endpoint } from '../clients/postgres-url/plan.ts'
import { shapes } from '../core/shape.ts'
import type { Database } from './database.ts'
import { firstSet, isSet, valueOf, type AppSettings } from './settings.ts'
import type { Line } from './yaml.ts'

/** Settings that say host, port and so on one by one. */
interface Names {
  readonly host: string
  readonly port: string
  readonly user: readonly string[]
  readonly password: readonly string[]
  readonly database: readonly string[]
  /** Only with these it is known to be Postgres. */
  readonly isPostgres?: (settings: AppSettings) => boolean
}

const withPrefix = (prefix: string): Names => ({
  host: `${prefix}HOST`,
  port: `${prefix}PORT`,
  user: [`${prefix}USER`, `${prefix}USERNAME`],
  password: [`${prefix}PASSWORD`, `${prefix}PASS`],
  database: [`${prefix}DATABASE`, `${prefix}NAME`, `${prefix}DB`],
})

/** `DB_*` may be those of any server. */
const mayBe = (settings: AppSettings): boolean => {
  const kind = ['CONNECTION', 'DIALECT', 'ENGINE', 'TYPE', 'CLIENT', 'DRIVER'].map(name =>
    valueOf(settings, `DB_${name}`),
  )
  return kind.every(text => text === undefined || /p(?:ost)?g/i.test(text)) && valueOf(settings, 'DB_PORT') !== '3306'
}

const groups: readonly Names[] = [
  withPrefix('PG'),
  withPrefix('POSTGRES_'),
  { ...withPrefix('DATABASE_'), isPostgres: mayBe },
  { ...withPrefix('DB_'), isPostgres: mayBe },
  // As CloudNativePG and other operators name the keys of their Secrets.
  {
    host: 'host',
    port: 'port',
    user: ['username', 'user'],
    password: ['password'],
    database: ['dbname', 'database'],
  },
]

/** The database of an application that has no URL of it. */
export function hostGroup(settings: AppSettings): {
  readonly found: Database | undefined
  readonly notes: readonly string[]
} {
  const names = groups.find(({ host }) => isSet(settings, host))
  if (!names) return { found: undefined, notes: [] }
  if (names.isPostgres?.(settings) === false)
    return { found: undefined, notes: [`${names.host} was left out: it is not that of a Postgres.`] }
  return { found: ofGroup(settings, names), notes: [] }
}

function ofGroup(settings: AppSettings, names: Names): Database {
  const { reference, at, place } = settings
  const port = isSet(settings, names.port) ? names.port : undefined
  const [user, password, database] = [names.user, names.password, names.database].map(keys => firstSet(settings, keys))
  const mode = names.host === 'PGHOST' ? valueOf(settings, 'PGSSLMODE') : undefined
  const isMode = mode !== undefined && /^(?:disable|allow|prefer|require|verify-ca|verify-full)$/.test(mode)
  const line = (key: string, name: string | undefined): Line[] =>
    name === undefined ? [] : [[key, reference(name), at(name)]]
  const missing = [
    ...(user === undefined
      ? [`${String(names.user[0])}: without a user only the address is checked, and no write`]
      : []),
    ...(user !== undefined && password === undefined ? [String(names.password[0])] : []),
    ...(user !== undefined && database === undefined
      ? [`${String(names.database[0])}: the database then has the name of the user`]
      : []),
  ]
  return {
    key: names.host,
    lines: [
      ['host', reference(names.host), at(names.host)],
      ...line('port', port),
      ...line('user', user),
      ...(user === undefined ? [] : [...line('password', password), ...line('database', database)]),
      ...(isMode ? [['sslmode', mode] as const] : []),
    ],
    notes: [`${names.host} of ${place}`, ...missing.map(one => `Missing: ${one}.`)],
    endpoints: endpointsIn(valueOf(settings, names.host), port === undefined ? '5432' : valueOf(settings, port)),
    login:
      user === undefined
        ? undefined
        : {
            lines: [
              [
                'pg_settings',
                {
                  PGUSER: reference(user),
                  ...(database !== undefined && { PGDATABASE: reference(database) }),
                },
              ],
              ...line('password', password),
            ],
            query: isMode && mode !== 'prefer' && mode !== 'allow' ? `?sslmode=${mode}` : '',
          },
  }
}

function endpointsIn(host = '', port = ''): Endpoint[] {
  const number = shapes.port.read(port)
  if (shapes.hosts.read(host) === undefined || number === undefined) return []
  return host.split(',').map(one => ({ kind: 'tcp', host: one, port: number }))
}
