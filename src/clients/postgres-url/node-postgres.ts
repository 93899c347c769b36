import { checkReplication, databaseOf, fileOf, given, giveUp, only, refuse, socket, tcp, userOf } from './no-plan.ts'
import { firstOf, lastOf, shownName, type Parameter } from './parameters.ts'
import type { Endpoint, Given, PgSettings, Plan, Reading, TlsPlan } from './plan.ts'

/**
 * What node-postgres reads in the query of a URL. It skips everything else.
 * https://github.com/brianc/node-postgres/blob/master/packages/pg-connection-string/index.js and
 * packages/pg/lib/connection-parameters.js, of pg 8.23
 */
export const nodePostgresParameters = [
  'host',
  'port',
  'user',
  'password',
  'ssl',
  'sslmode',
  'sslcert',
  'sslkey',
  'sslrootcert',
  'sslnegotiation',
  'uselibpqcompat',
  'options',
  'application_name',
  'fallback_application_name',
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'replication',
  'connectionString',
] as const

/** These change neither where nor how it connects. */
export const nodePostgresNoMatter = ['query_timeout', 'binary'] as const

const known: ReadonlySet<string> = new Set([...nodePostgresParameters, ...nodePostgresNoMatter])

/** What the URL says, before the settings. */
interface Parsed {
  readonly host?: string | undefined
  readonly port?: string | undefined
  readonly user?: string | undefined
  readonly password?: string | undefined
  readonly database?: string | undefined
  readonly parameters: readonly Parameter[]
}

/**
 * How node-postgres connects with the URL as `connectionString`, and everything built on it (Prisma 7, Knex, TypeORM).
 */
export function readNodePostgres({ url, settings, caFile, password }: Given): Reading {
  const parsed = url === undefined ? { parameters: [] } : parse(url)
  const query = lastOf(parsed.parameters)
  const either = (name: string): string | undefined => firstOf(query.get(name), settings[`PG${name.toUpperCase()}`])
  if (query.has('connectionString')) giveUp('has connectionString, which is another URL in place of this one')
  checkReplication(either('replication'))
  const user = userOf(firstOf(parsed.user, settings['PGUSER']) ?? '')
  const endpoint = endpointOf(
    firstOf(parsed.host, settings['PGHOST']) ?? 'localhost',
    firstOf(parsed.port, settings['PGPORT']) ?? '5432',
  )
  const plan: Plan = {
    endpoints: [endpoint],
    user,
    database: databaseOf(firstOf(parsed.database, settings['PGDATABASE']) ?? user),
    password: firstOf(password, parsed.password, settings['PGPASSWORD']),
    tls: tlsOf(query, settings, endpoint, given(caFile)),
    targetSessionAttrs: 'any',
    startup: only({
      options: either('options'),
      application_name: firstOf(
        query.get('application_name'),
        settings['PGAPPNAME'],
        query.get('fallback_application_name'),
      ),
      replication: either('replication'),
      statement_timeout: whole(query.get('statement_timeout')),
      lock_timeout: whole(query.get('lock_timeout')),
      idle_in_transaction_session_timeout: whole(query.get('idle_in_transaction_session_timeout')),
    }),
    connectTimeoutMs: undefined,
  }
  const ignored = parsed.parameters.flatMap(({ name }, i) =>
    known.has(name) ? [] : [shownName(parsed.parameters, i, known)],
  )
  return { kind: 'plan', plan, ignored: [...new Set(ignored)] }
}

const whole = (text: string | undefined): string | undefined =>
  given(text) === undefined ? undefined : String(Number.parseInt(text ?? '', 10))

function parse(text: string): Parsed {
  if (text.startsWith('/')) {
    const [host, database] = text.split(' ')
    return { host, database, parameters: [] }
  }
  // As it does: with a stray % or a space, everything is encoded again, except what looks encoded.
  const stray = / |%[^a-f0-9]|%[a-f0-9][^a-f0-9]/i.test(text)
  const encoded = stray ? uri(() => encodeURI(text)).replace(/%25(\d\d)/g, '%$1') : text
  const withHost = urlOf(encoded)
  const url = withHost ?? urlOf(encoded.replace('@/', '@nowhere/')) ?? refuse('Invalid URL')
  const parameters = [...url.searchParams].map(([name, value]) => ({ name, value }))
  const query = lastOf(parameters)
  const login = {
    parameters,
    user: given(query.get('user')) ?? uri(() => decodeURIComponent(url.username)),
    password: given(query.get('password')) ?? uri(() => decodeURIComponent(url.password)),
  }
  if (url.protocol === 'socket:')
    return { ...login, host: uri(() => decodeURI(url.pathname)), database: query.get('db'), port: query.get('port') }
  const hostname = withHost ? url.hostname.replace(/^\[(.+)\]$/, '$1') : ''
  const host = given(query.get('host'))
  if (host !== undefined && /^%2f/i.test(hostname)) url.pathname = hostname + url.pathname
  return {
    ...login,
    host: host ?? uri(() => decodeURIComponent(hostname)),
    port: given(query.get('port')) ?? url.port,
    database: uri(() => decodeURI(url.pathname.slice(1))),
  }
}

const urlOf = (text: string): URL | undefined =>
  URL.canParse(text, 'postgres://base') ? new URL(text, 'postgres://base') : undefined

function uri(code: () => string): string {
  try {
    return code()
  } catch {
    return refuse('URI malformed')
  }
}

function endpointOf(host: string, text: string): Endpoint {
  const port = Number.parseInt(text, 10)
  if (!(port >= 0 && port <= 65_535)) refuse('a port should be from 0 to 65535')
  if (host.startsWith('/')) return socket(host, port)
  if (host.startsWith('@') || host.includes(','))
    refuse('it takes a list of hosts, or a socket with @, for the name of one host, and finds none')
  return tcp(host, port)
}

type Ssl = false | { readonly verify: TlsPlan['verify']; readonly files: boolean }
const full: Ssl = { verify: 'chain and name', files: false }
const lax: Ssl = { verify: 'nothing', files: false }

function tlsOf(
  query: ReadonlyMap<string, string>,
  settings: PgSettings,
  endpoint: Endpoint,
  caFile: string | undefined,
): TlsPlan {
  const ssl = sslOf(query, settings)
  const negotiation = firstOf(query.get('sslnegotiation'), settings['PGSSLNEGOTIATION'])
  if (!['postgres', 'direct', undefined].includes(negotiation)) refuse('Invalid sslnegotiation value')
  const direct = negotiation === 'direct'
  if (direct && !ssl) refuse('sslnegotiation=direct requires SSL to be enabled')
  if (!ssl) return { use: 'never', direct: false, verify: 'nothing', authorities: 'usual' }
  if (endpoint.kind === 'socket') refuse('the server does not support SSL connections (there is no TLS on a socket)')
  const file = (name: string): string | undefined => (ssl.files ? given(query.get(name)) : undefined)
  const [cert, key, ca] = [file('sslcert'), file('sslkey'), file('sslrootcert')]
  if (cert !== undefined && key === undefined) giveUp('has sslcert and no sslkey, so that no certificate is sent')
  return {
    use: 'require',
    direct,
    verify: ssl.verify,
    authorities: caFile !== undefined ? { file: caFile } : ca === undefined ? 'usual' : fileOf('sslrootcert', ca),
    ...(cert !== undefined &&
      key !== undefined && { certificate: { cert: fileOf('sslcert', cert), key: fileOf('sslkey', key) } }),
  }
}

function sslOf(query: ReadonlyMap<string, string>, settings: PgSettings): Ssl {
  const has = (name: string): boolean => given(query.get(name)) !== undefined
  const mode = given(query.get('sslmode'))
  if (mode !== undefined || has('sslcert') || has('sslkey') || has('sslrootcert')) {
    const verify = query.get('uselibpqcompat') === 'true' ? verifyOfLibpq(mode, has('sslrootcert')) : verifyOf(mode)
    return verify && { verify, files: true }
  }
  const ssl = query.get('ssl')
  switch (ssl) {
    case undefined:
      return query.get('sslnegotiation') === 'direct' ? full : sslOfSettings(settings)
    case 'true':
    case '1':
      return full
    case '0':
    case '':
      return false
    case 'no-verify':
      return lax
    default:
      return refuse('ssl other than true, 1, 0 or no-verify is no setting that it can connect with')
  }
}

/** Unknown modes count as verify-full. */
const verifyOf = (mode: string | undefined): TlsPlan['verify'] | false =>
  mode === 'disable' ? false : mode === 'no-verify' ? 'nothing' : 'chain and name'

function verifyOfLibpq(mode: string | undefined, hasAuthorities: boolean): TlsPlan['verify'] | false {
  if (mode === 'disable') return false
  if (mode === 'prefer') return 'nothing'
  if (mode === 'require') return hasAuthorities ? 'chain' : 'nothing'
  if (mode !== 'verify-ca') return 'chain and name'
  return hasAuthorities ? 'chain' : refuse('sslmode=verify-ca requires specifying a CA with sslrootcert')
}

function sslOfSettings(settings: PgSettings): Ssl {
  const mode = settings['PGSSLMODE']
  if (mode === 'no-verify') return lax
  return ['prefer', 'require', 'verify-ca', 'verify-full'].includes(mode ?? '') && full
}
