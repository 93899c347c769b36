import { isIP } from 'node:net'
import { checkReplication, databaseOf, given, giveUp, only, refuse, socket, tcp, userOf } from './no-plan.ts'
import { firstOf, lastOf, shownName, type Parameter } from './parameters.ts'
import { targetSessionAttrs, type Endpoint, type Given, type Plan, type Reading, type TlsPlan } from './plan.ts'

/**
 * Settings of postgres.js itself. It sends all others to the server, as settings of the session.
 * https://github.com/porsager/postgres/blob/v3.4.9/src/index.js (parseOptions) and src/connection.js (StartupMessage)
 */
export const postgresJsParameters = [
  'ssl',
  'sslmode',
  'sslnegotiation',
  'connect_timeout',
  'target_session_attrs',
] as const

/** These change neither where nor how it connects. */
export const postgresJsNoMatter = [
  'max',
  'idle_timeout',
  'max_lifetime',
  'max_pipeline',
  'backoff',
  'keep_alive',
  'prepare',
  'debug',
  'fetch_types',
  'publications',
] as const

const own: ReadonlySet<string> = new Set([...postgresJsParameters, ...postgresJsNoMatter])

/** Other drivers read these in a query. No server has them as settings: 42704. */
export const postgresJsElsewhere: ReadonlySet<string> = new Set([
  'host',
  'hostaddr',
  'port',
  'dbname',
  'password',
  'pass',
  'sslpassword',
])

/** How postgres.js connects with the URL as its first argument, and everything built on it (Drizzle). */
export function readPostgresJs({ url: text, settings, caFile, password }: Given): Reading {
  const { url, multihost } = parse(text)
  const parameters = [...(url?.searchParams ?? [])].map(([name, value]) => ({ name, value }))
  const query = new Map(lastOf(parameters))
  const ssl = sslOf(query, settings['PGSSL'])
  const sent = startupOf(parameters, query)
  const option = (name: string): string | undefined => query.get(name) ?? given(settings[`PG${name.toUpperCase()}`])

  const host = firstOf(multihost, url?.hostname, settings['PGHOST']) ?? 'localhost'
  const endpoints = endpointsOf(host, firstOf(url?.port, settings['PGPORT']) ?? '5432')
  const attrs = firstOf(url?.searchParams.get('target_session_attrs') ?? undefined, settings['PGTARGETSESSIONATTRS'])
  if (attrs === 'prefer-standby' && endpoints.length > 1)
    giveUp(
      'has target_session_attrs as prefer-standby: postgres.js goes round its hosts in a way that cannot be followed',
    )
  const user = userOf(firstOf(decoded(url?.username), settings['PGUSERNAME'], settings['PGUSER']) ?? '')
  const direct = option('sslnegotiation') === 'direct'
  const timeout = Number(option('connect_timeout') ?? 30)
  const plan: Plan = {
    endpoints,
    user,
    database: databaseOf(firstOf(url?.pathname.slice(1), settings['PGDATABASE']) ?? user),
    password: firstOf(password, decoded(url?.password), settings['PGPASSWORD']),
    tls: tlsOf(ssl, direct, endpoints, given(caFile)),
    targetSessionAttrs:
      attrs === undefined
        ? 'any'
        : (targetSessionAttrs.find(one => one === attrs && one !== 'any') ??
          refuse('target_session_attrs has a value that is not supported')),
    ...((attrs === 'read-write' || attrs === 'read-only') && { standbyCountsAsReadWrite: true }),
    ...(endpoints.length > 1 && { nextAfterBreak: true }),
    startup: only({
      application_name: firstOf(settings['PGAPPNAME']) ?? 'postgres.js',
      client_encoding: 'UTF8',
      ...sent,
    }),
    connectTimeoutMs: timeout > 0 ? timeout * 1000 : undefined,
  }
  return { kind: 'plan', plan, ignored: [] }
}

/** It takes several hosts out of the URL, because it could not parse it with them. */
function parse(text: string | undefined): { readonly url?: URL; readonly multihost?: string } {
  if (text === undefined) return {}
  const [authority = ''] = text.slice(text.indexOf('://') + 3).split(/[?/]/)
  const hosts = decoded(authority.slice(authority.indexOf('@') + 1)) ?? ''
  const [first = ''] = hosts.split(',')
  const one = text.replace(hosts, () => first)
  if (!URL.canParse(one)) refuse('Invalid URL')
  return { url: new URL(one), ...(hosts.includes(',') && { multihost: hosts }) }
}

function decoded(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text)
  } catch {
    return refuse('URI malformed')
  }
}

function endpointsOf(host: string, port: string): readonly Endpoint[] {
  // It cuts each host at its first colon.
  if (host.includes('[')) refuse('it cannot read an IPv6 address in a URL, and looks for a host named [')
  if (host.includes('/')) return [socket(host, portOf(port))]
  return host.split(',').map(one => {
    const [name = '', own] = one.split(':')
    if (name.includes('%')) refuse('it does not decode the name of a host, and finds none of that name')
    return tcp(name, portOf(given(own) ?? port))
  })
}

function portOf(text: string): number {
  const port = Number.parseInt(text, 10)
  return port >= 0 && port <= 65_535 ? port : refuse('a port should be from 0 to 65535')
}

/** What goes to the server with the login. The server says whether it takes it. */
function startupOf(
  parameters: readonly Parameter[],
  query: ReadonlyMap<string, string>,
): Readonly<Record<string, string>> {
  const elsewhere = parameters.find(({ name }) => postgresJsElsewhere.has(name))
  if (elsewhere) refuse(`it sends ${elsewhere.name} to the server as a setting of the session, which no server has`)
  for (const [i, { name, value }] of parameters.entries()) {
    if (own.has(name)) continue
    if (name === 'user' || name === 'database')
      giveUp(`has ${name} in its query, which postgres.js sends in place of that of the login, and logs in as another`)
    if (name === 'replication') checkReplication(value)
    if (!/^[A-Za-z][A-Za-z0-9_.]{0,62}$/.test(name))
      giveUp(`has ${shownName(parameters, i, own)}, which postgres.js would send to the server`)
  }
  return Object.fromEntries([...query].filter(([name, value]) => !own.has(name) && value !== ''))
}

/** False, or one of its modes. Any other text means to verify everything. */
function sslOf(query: Map<string, string>, setting: string | undefined): string | false {
  const mode = query.get('sslmode')
  if (given(mode) !== undefined) {
    query.set('ssl', mode ?? '')
    query.delete('sslmode')
  }
  if (query.get('sslrootcert') === 'system') query.set('ssl', 'verify-full')
  const ssl = query.get('ssl')
  if (ssl === undefined) return given(setting) ?? false
  return ssl !== '' && ssl !== 'disable' && ssl !== 'false' && ssl
}

function tlsOf(
  ssl: string | false,
  direct: boolean,
  endpoints: readonly Endpoint[],
  caFile: string | undefined,
): TlsPlan {
  if (ssl === false) return { use: 'never', direct: false, verify: 'nothing', authorities: 'usual' }
  const lax = ['require', 'allow', 'prefer'].includes(ssl)
  if (endpoints.some(({ kind }) => kind === 'socket') && ssl !== 'prefer')
    refuse('the server does not support SSL connections (there is no TLS on a socket)')
  return {
    use: ssl === 'prefer' && !direct ? 'opportunistic' : 'require',
    direct,
    verify: lax ? 'nothing' : 'chain and name',
    authorities: caFile === undefined ? 'usual' : { file: caFile },
    // It gives Node no name then, and Node takes this one.
    ...(!lax && endpoints.some(one => one.kind === 'tcp' && isIP(one.host)) && { nameOfAddress: 'localhost' }),
  }
}
