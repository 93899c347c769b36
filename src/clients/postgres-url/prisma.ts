import { databaseOf, fileOf, given, giveUp, only, refuse, socket, tcp, userOf } from './no-plan.ts'
import { firstOf, lastOf, shownName } from './parameters.ts'
import type { Endpoint, Given, Plan, Reading, TlsPlan } from './plan.ts'

/**
 * What Prisma's engine reads in the query of a URL. It skips everything else.
 * https://github.com/prisma/prisma-engines/blob/main/quaint/src/connector/postgres/url.rs and native/mod.rs,
 * https://www.prisma.io/docs/orm/v6/overview/databases/postgresql
 */
export const prismaParameters = [
  'host',
  'sslmode',
  'sslaccept',
  'sslcert',
  'sslidentity',
  'sslpassword',
  'channel_binding',
  'options',
  'application_name',
  'connect_timeout',
  'schema',
  'pgbouncer',
] as const

/** These change neither where nor how it connects. */
export const prismaNoMatter = [
  'connection_limit',
  'pool_timeout',
  'socket_timeout',
  'statement_cache_size',
  'max_connection_lifetime',
  'max_idle_connection_lifetime',
] as const

const known: ReadonlySet<string> = new Set([...prismaParameters, ...prismaNoMatter])

/**
 * How the Rust engine of Prisma, up to Prisma 6, connects. Prisma 7 connects with node-postgres. `PG*` settings do not
 * count.
 */
export function readPrisma({ url: text, caFile, password }: Given): Reading {
  if (text === undefined) return refuse('the URL is missing: Prisma reads no PG* settings')
  if (!/^postgres(?:ql)?:\/\//.test(text)) refuse('the URL must start with the protocol postgresql:// or postgres://')
  if (!URL.canParse(text)) refuse('the scheme, the host or the port of the URL is invalid')
  const url = new URL(text)
  const parameters = [...url.searchParams].map(([name, value]) => ({ name, value }))
  const query = lastOf(parameters)
  for (const { name, value } of parameters) check(name, value)

  const user = userOf(decoded(url.username))
  if (user === '')
    refuse('no PostgreSQL user name specified in startup packet: Prisma reads the user before the @ alone')
  const endpoint = endpointOf(query.get('host') ?? given(url.hostname) ?? 'localhost', Number(given(url.port) ?? 5432))
  const schema = query.get('schema')
  const timeout = Number(query.get('connect_timeout') ?? 5)
  const [, segment] = url.pathname.split('/')
  const plan: Plan = {
    endpoints: [endpoint],
    user,
    // It takes the first part of the path without decoding it.
    database: databaseOf(segment === undefined ? 'postgres' : segment === '' ? user : segment),
    password: firstOf(password, decoded(url.password)),
    tls: tlsOf(query, endpoint, given(caFile)),
    targetSessionAttrs: 'any',
    startup: only({
      options: query.get('options'),
      application_name: query.get('application_name'),
      // Through PgBouncer it sets the schema after the login.
      search_path: schema === undefined || query.get('pgbouncer') === 'true' ? undefined : `"${schema}"`,
      client_encoding: 'UTF8',
    }),
    connectTimeoutMs: timeout === 0 ? undefined : timeout * 1000,
  }
  const ignored = parameters.flatMap(({ name }, i) => (known.has(name) ? [] : [shownName(parameters, i, known)]))
  return { kind: 'plan', plan, ignored: [...new Set(ignored)] }
}

const whole: ReadonlySet<string> = new Set([...prismaNoMatter, 'connect_timeout'])

function check(name: string, value: string): void {
  if (whole.has(name) && !/^\+?\d{1,19}$/.test(value)) refuse(`invalid connection arguments: ${name} is no number`)
  if (name === 'pgbouncer' && value !== 'true' && value !== 'false')
    refuse('invalid connection arguments: pgbouncer is neither true nor false')
}

/** What cannot be decoded stays unchanged. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replace(/%(?![0-9a-f]{2})/gi, '%25'))
  } catch {
    return text
  }
}

function endpointOf(host: string, port: number): Endpoint {
  if (host.startsWith('/')) return socket(host, port)
  if (/[,%@]/.test(host)) refuse('it takes the host as it is written, for the name of one host, and finds none')
  return tcp(host.replace(/^\[(.*)\]$/, '$1'), port)
}

function tlsOf(query: ReadonlyMap<string, string>, endpoint: Endpoint, caFile: string | undefined): TlsPlan {
  const mode = query.get('sslmode')
  const bound = query.get('channel_binding') === 'require' && { bound: true }
  if (mode === 'disable') return { use: 'never', direct: false, verify: 'nothing', authorities: 'usual', ...bound }
  if (given(query.get('sslidentity')) !== undefined)
    giveUp('has sslidentity, a certificate in PKCS #12, which cannot be followed here')
  if (endpoint.kind === 'socket' && mode === 'require')
    refuse('the server does not support TLS (there is none on a socket)')
  const strict = query.has('sslaccept') && query.get('sslaccept') !== 'accept_invalid_certs'
  const ca = given(query.get('sslcert'))
  return {
    use: mode === 'require' ? 'require' : 'opportunistic',
    direct: false,
    verify: strict ? 'chain and name' : 'nothing',
    authorities: !strict
      ? 'usual'
      : caFile !== undefined
        ? { file: caFile }
        : ca === undefined
          ? 'usual'
          : fileOf('sslcert', ca),
    ...(strict && (caFile ?? ca) !== undefined && { usualToo: true }),
    ...bound,
  }
}
