import { isIP } from 'node:net'
import { libraryOf } from './above-libpq.ts'
import { checkReplication, databaseOf, fileOf, given, giveUp, only, refuse, socket, tcp, userOf } from './no-plan.ts'
import { shownName, type Parameter } from './parameters.ts'
import { targetSessionAttrs, type Endpoint, type Given, type Plan, type Reading, type TlsPlan } from './plan.ts'

/**
 * The parameters of libpq 18, each with its `PG*` setting.
 * https://www.postgresql.org/docs/18/libpq-connect.html#LIBPQ-PARAMKEYWORDS, PQconninfoOptions of
 * src/interfaces/libpq/fe-connect.c
 */
export const libpqParameters: ReadonlyMap<string, string | undefined> = new Map([
  ['host', 'PGHOST'],
  ['hostaddr', 'PGHOSTADDR'],
  ['port', 'PGPORT'],
  ['user', 'PGUSER'],
  ['password', 'PGPASSWORD'],
  ['passfile', 'PGPASSFILE'],
  ['dbname', 'PGDATABASE'],
  ['service', 'PGSERVICE'],
  ['servicefile', 'PGSERVICEFILE'],
  ['options', 'PGOPTIONS'],
  ['application_name', 'PGAPPNAME'],
  ['fallback_application_name', undefined],
  ['client_encoding', 'PGCLIENTENCODING'],
  ['connect_timeout', 'PGCONNECT_TIMEOUT'],
  ['target_session_attrs', 'PGTARGETSESSIONATTRS'],
  ['load_balance_hosts', 'PGLOADBALANCEHOSTS'],
  ['sslmode', 'PGSSLMODE'],
  ['sslnegotiation', 'PGSSLNEGOTIATION'],
  ['sslrootcert', 'PGSSLROOTCERT'],
  ['sslcert', 'PGSSLCERT'],
  ['sslkey', 'PGSSLKEY'],
  ['sslpassword', undefined],
  ['sslcertmode', 'PGSSLCERTMODE'],
  ['sslcrl', 'PGSSLCRL'],
  ['sslcrldir', 'PGSSLCRLDIR'],
  ['sslsni', 'PGSSLSNI'],
  ['sslcompression', 'PGSSLCOMPRESSION'],
  ['sslkeylogfile', undefined],
  ['ssl_min_protocol_version', 'PGSSLMINPROTOCOLVERSION'],
  ['ssl_max_protocol_version', 'PGSSLMAXPROTOCOLVERSION'],
  ['min_protocol_version', 'PGMINPROTOCOLVERSION'],
  ['max_protocol_version', 'PGMAXPROTOCOLVERSION'],
  ['channel_binding', 'PGCHANNELBINDING'],
  ['require_auth', 'PGREQUIREAUTH'],
  ['requirepeer', 'PGREQUIREPEER'],
  ['gssencmode', 'PGGSSENCMODE'],
  ['krbsrvname', 'PGKRBSRVNAME'],
  ['gsslib', 'PGGSSLIB'],
  ['gssdelegation', 'PGGSSDELEGATION'],
  ['replication', undefined],
  ['keepalives', undefined],
  ['keepalives_idle', undefined],
  ['keepalives_interval', undefined],
  ['keepalives_count', undefined],
  ['tcp_user_timeout', undefined],
  ['scram_client_key', undefined],
  ['scram_server_key', undefined],
  ['oauth_issuer', undefined],
  ['oauth_client_id', undefined],
  ['oauth_client_secret', undefined],
  ['oauth_scope', undefined],
])

/** These change neither where nor how it connects: settings of TCP, and of Kerberos, which is not used here. */
export const libpqNoMatter = [
  'sslcompression',
  'sslkeylogfile',
  'krbsrvname',
  'gsslib',
  'gssdelegation',
  'keepalives',
  'keepalives_idle',
  'keepalives_interval',
  'keepalives_count',
  'tcp_user_timeout',
] as const

/** With any value, these make the check unknown. */
export const libpqUnfollowed = [
  'service',
  'servicefile',
  'sslcrl',
  'sslcrldir',
  'require_auth',
  'scram_client_key',
  'scram_server_key',
  'oauth_issuer',
  'oauth_client_id',
  'oauth_client_secret',
  'oauth_scope',
] as const

const known: ReadonlySet<string> = new Set([...libpqParameters.keys(), 'ssl', 'requiressl'])
const whole = new Set([
  'keepalives',
  'keepalives_idle',
  'keepalives_interval',
  'keepalives_count',
  'tcp_user_timeout',
  'connect_timeout',
])

/** How libpq connects, and everything built on it (psql, psycopg, PHP, Ruby, Rust's diesel). */
export function readLibpq({ url, settings, caFile, password }: Given): Reading {
  const own = url === undefined ? new Map<string, string>() : ownOptions(url)
  const setting = (name: string): string | undefined => {
    const variable = libpqParameters.get(name)
    return variable === undefined ? undefined : settings[variable]
  }
  // An empty parameter still overrides the setting.
  const option = (name: string): string | undefined => given(own.get(name) ?? setting(name))
  const stated = (name: string): string => (own.has(name) ? name : (libpqParameters.get(name) ?? name))
  const oneOf = (name: string, values: readonly string[], usual: string): string => {
    const value = own.get(name) ?? setting(name) ?? usual
    return values.includes(value) ? value : refuse(`invalid ${name} value`)
  }

  for (const name of libpqUnfollowed)
    if (option(name) !== undefined) giveUp(`has ${stated(name)}, which cannot be followed here`)
  for (const name of whole)
    if (option(name) !== undefined && !/^\s*[+-]?\d+\s*$/.test(option(name) ?? ''))
      refuse(`invalid integer value for connection option "${name}"`)
  checkReplication(option('replication'))
  if (oneOf('gssencmode', ['disable', 'prefer', 'require'], 'prefer') === 'require')
    giveUp(`has ${stated('gssencmode')} as require, and encryption by Kerberos cannot be followed here`)
  for (const name of ['min_protocol_version', 'max_protocol_version'])
    if (!['3.0', 'latest', undefined].includes(option(name)))
      giveUp(`has ${stated(name)}, which cannot be followed here`)
  if (option('client_encoding') === 'auto')
    giveUp(`has ${stated('client_encoding')} as auto, which follows the locale of the application`)

  const endpoints = endpointsOf(option)
  const random = oneOf('load_balance_hosts', ['disable', 'random'], 'disable') === 'random'
  if (random && endpoints.length > 1)
    giveUp(`has ${stated('load_balance_hosts')} as random: each connection leads to another of its hosts`)
  if (option('requirepeer') !== undefined && endpoints.some(({ kind }) => kind === 'socket'))
    giveUp(`has ${stated('requirepeer')}, which cannot be followed here`)
  const attrs = targetSessionAttrs.find(
    one => one === (own.get('target_session_attrs') ?? setting('target_session_attrs') ?? 'any'),
  )
  const ownPassword = given(password) ?? option('password')
  if (ownPassword === undefined && option('passfile') !== undefined)
    giveUp(`has no password, and ${stated('passfile')} names a file of passwords, which is not read here`)
  const user = userOf(option('user') ?? '')
  const timeout = Number(option('connect_timeout') ?? 0)
  const plan: Plan = {
    endpoints,
    user,
    database: databaseOf(option('dbname') ?? user),
    password: ownPassword,
    tls: tlsOf(option, stated, oneOf, endpoints, settings, caFile),
    targetSessionAttrs: attrs ?? refuse('invalid target_session_attrs value'),
    startup: only({
      options: option('options'),
      application_name: option('application_name') ?? option('fallback_application_name'),
      client_encoding: option('client_encoding'),
      replication: option('replication'),
      ...sessionSettings(settings),
    }),
    connectTimeoutMs: timeout > 0 ? Math.max(2, timeout) * 1000 : undefined,
  }
  return { kind: 'plan', plan, ignored: [] }
}

/** Settings that it sends unchanged. EnvironmentOptions of fe-connect.c */
function sessionSettings(settings: Given['settings']): Readonly<Record<string, string | undefined>> {
  const sent = (name: string): string | undefined =>
    settings[name]?.toLowerCase() === 'default' ? undefined : settings[name]
  return { datestyle: sent('PGDATESTYLE'), timezone: sent('PGTZ'), geqo: sent('PGGEQO') }
}

type Option = (name: string) => string | undefined

function endpointsOf(option: Option): readonly Endpoint[] {
  const listed = (name: string): readonly string[] | undefined => option(name)?.split(',')
  const hosts = listed('host')
  const addresses = listed('hostaddr')
  const ports = listed('port') ?? ['']
  const count = (addresses ?? hosts ?? ['']).length
  if (hosts && hosts.length !== count) refuse(`could not match ${hosts.length} host names to ${count} hostaddr values`)
  if (ports.length !== 1 && ports.length !== count)
    refuse(`could not match ${ports.length} port numbers to ${count} hosts`)
  return Array.from({ length: count }, (_, i) => {
    const port = portOf(ports[ports.length === 1 ? 0 : i] ?? '')
    const host = hosts?.[i] ?? ''
    const address = addresses?.[i] ?? ''
    if (address !== '') {
      if (!isIP(address)) refuse('could not parse network address in hostaddr')
      return isPath(host) || host === '' ? tcp(address, port, address) : tcp(host, port, address)
    }
    if (host === '')
      giveUp('names no host: libpq takes a folder of sockets that differs from build to build; name the host')
    return isPath(host) ? socket(host, port) : tcp(host, port)
  })
}

/** A folder of sockets, or a name in the abstract namespace of Linux. */
const isPath = (host: string): boolean => host.startsWith('/') || host.startsWith('@')

function portOf(text: string): number {
  if (text === '') return 5432
  if (!/^\s*[+-]?\d+\s*$/.test(text)) refuse('invalid integer value for connection option "port"')
  const port = Number(text)
  return port >= 1 && port <= 65_535 ? port : refuse('invalid port number')
}

function tlsOf(
  option: Option,
  stated: (name: string) => string,
  oneOf: (name: string, values: readonly string[], usual: string) => string,
  endpoints: readonly Endpoint[],
  settings: Given['settings'],
  caFile: string | undefined,
): TlsPlan {
  const rootCert = given(caFile) ?? option('sslrootcert')
  const system = rootCert === 'system'
  const usual = settings['PGREQUIRESSL']?.startsWith('1') ? 'require' : system ? 'verify-full' : 'prefer'
  const mode = oneOf('sslmode', ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'], usual)
  const sockets = endpoints.filter(({ kind }) => kind === 'socket').length
  const use = useOf(mode)
  if (system && mode !== 'verify-full')
    refuse('weak sslmode may not be used with sslrootcert=system (use "verify-full")')
  const direct = oneOf('sslnegotiation', ['postgres', 'direct'], 'postgres') === 'direct'
  if (direct && use !== 'require')
    refuse('weak sslmode may not be used with sslnegotiation=direct (use "require", "verify-ca", or "verify-full")')
  const bound = oneOf('channel_binding', ['disable', 'prefer', 'require'], 'prefer') === 'require' && { bound: true }
  const never: TlsPlan = { use: 'never', direct: false, verify: 'nothing', authorities: 'usual', ...bound }
  // A Unix socket never has TLS, whatever the mode.
  if (use === 'never' || sockets === endpoints.length) return never
  if (sockets > 0 && (use === 'require' || use === 'allow'))
    giveUp('lists sockets beside hosts, with TLS for the hosts alone, which cannot be followed here')
  if (option('sslsni') === '0' && endpoints.some(one => one.kind === 'tcp' && !isIP(one.host)))
    giveUp(`has ${stated('sslsni')} as 0, which cannot be followed here`)
  if (!['TLSv1.2', undefined].includes(option('ssl_min_protocol_version')))
    giveUp(`has ${stated('ssl_min_protocol_version')} as other than TLSv1.2, which cannot be followed here`)
  if (!['TLSv1.3', undefined].includes(option('ssl_max_protocol_version')))
    giveUp(`has ${stated('ssl_max_protocol_version')} as other than TLSv1.3, which cannot be followed here`)

  const strict = mode.startsWith('verify')
  if (strict && rootCert === undefined)
    giveUp(
      `has ${stated('sslmode')} as ${mode} and no sslrootcert: libpq reads ~/.postgresql/root.crt; set ca_file to a copy of it`,
    )
  if (mode === 'verify-full' && endpoints.some(one => one.kind === 'tcp' && one.host === one.address))
    refuse('host name must be specified for a verified SSL connection')
  const certificate = certificateOf(option, stated, oneOf)
  return {
    use,
    direct,
    verify: mode === 'verify-full' ? 'chain and name' : rootCert === undefined ? 'nothing' : 'chain',
    authorities:
      rootCert === undefined || system
        ? 'usual'
        : caFile === undefined
          ? fileOf(stated('sslrootcert'), rootCert)
          : { file: caFile },
    // A file that a key names must exist.
    ...(strict || rootCert === undefined || caFile !== undefined ? {} : { authoritiesOptional: true }),
    ...(certificate && { certificate }),
    ...bound,
  }
}

function useOf(mode: string): TlsPlan['use'] {
  if (mode === 'disable') return 'never'
  return mode === 'allow' || mode === 'prefer' ? mode : 'require'
}

function certificateOf(
  option: Option,
  stated: (name: string) => string,
  oneOf: (name: string, values: readonly string[], usual: string) => string,
): TlsPlan['certificate'] {
  const mode = oneOf('sslcertmode', ['disable', 'allow', 'require'], 'allow')
  if (mode === 'require') giveUp(`has ${stated('sslcertmode')} as require, which cannot be followed here`)
  const cert = option('sslcert')
  if (mode === 'disable' || cert === undefined) return undefined
  const key = option('sslkey')
  if (key === undefined)
    giveUp(`has ${stated('sslcert')} and no sslkey: libpq reads ~/.postgresql/postgresql.key; name the file in the URL`)
  return {
    cert: fileOf(stated('sslcert'), cert),
    key: fileOf(stated('sslkey'), key),
    guarded: true,
    ...(option('sslpassword') === undefined ? {} : { passphrase: option('sslpassword') }),
  }
}

/** What the URL, or the conninfo string, says. */
function ownOptions(text: string): ReadonlyMap<string, string> {
  const rest = /^postgres(?:ql)?:\/\/(.*)$/s.exec(text)?.[1]
  return rest === undefined ? ofConninfo(text) : ofUrl(rest)
}

function stored(options: Map<string, string>, name: string, value: string, error: string): void {
  if (name === 'requiressl') options.set('sslmode', value.startsWith('1') ? 'require' : 'prefer')
  else if (libpqParameters.has(name)) options.set(name, value)
  else {
    const library = libraryOf(name)
    if (library === undefined) refuse(error)
    giveUp(
      `has ${name}, a setting of ${library}, which libpq itself refuses; give host, user and so on in place of url`,
    )
  }
}

/** Splits it as conninfo_uri_parse_options of fe-connect.c does. */
function ofUrl(rest: string): ReadonlyMap<string, string> {
  const options = new Map<string, string>()
  const put = (name: string, raw: string): void => {
    if (raw !== '') options.set(name, decoded(raw))
  }
  const login = /^([^@/:]*)(?::([^@/]*))?@/.exec(rest)
  put('user', login?.[1] ?? '')
  put('password', login?.[2] ?? '')
  let at = login?.[0].length ?? 0
  const hosts: string[] = []
  const ports: string[] = []
  for (;;) {
    const [all, address, name, port] = /^(?:\[([^\]]*)\]|([^:/?,]*))(?::([^/?,]*))?/.exec(rest.slice(at)) ?? ['']
    if (address === '') refuse('IPv6 host address may not be empty in URI')
    if (address === undefined && name?.startsWith('['))
      refuse('end of string reached when looking for matching "]" in IPv6 host address in URI')
    hosts.push(address ?? name ?? '')
    ports.push(port ?? '')
    at += all.length
    if (rest[at] !== ',') break
    at += 1
  }
  if (at < rest.length && !['/', '?'].includes(rest[at] ?? ''))
    refuse('unexpected character in URI after an IPv6 address')
  put('host', hosts.join(','))
  put('port', ports.join(','))
  const behind = rest.slice(at)
  const query = behind.indexOf('?')
  if (behind.startsWith('/')) put('dbname', behind.slice(1, query < 0 ? undefined : query))
  if (query >= 0) putQuery(options, behind.slice(query + 1))
  return options
}

function putQuery(options: Map<string, string>, query: string): void {
  const parameters: Parameter[] = []
  // One & at the end is skipped. An empty part elsewhere is not.
  const parts = query.split('&')
  if (parts.at(-1) === '') parts.pop()
  for (const part of parts) {
    const [name = '', value, ...more] = part.split('=')
    if (value === undefined) refuse('missing key/value separator "=" in URI query parameter')
    if (more.length > 0) refuse('extra key/value separator "=" in URI query parameter')
    parameters.push({ name: decoded(name), value: decoded(value) })
  }
  for (const [i, { name, value }] of parameters.entries())
    if (name === 'ssl' && value === 'true') options.set('sslmode', 'require')
    else stored(options, name, value, `invalid URI query parameter: ${shownName(parameters, i, known)}`)
}

/** Splits it as conninfo_parse of fe-connect.c does. */
function ofConninfo(text: string): ReadonlyMap<string, string> {
  const parameters: Parameter[] = []
  let at = 0
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const [all, part = ''] = pattern.exec(text) ?? []
    if (all !== undefined) at += all.length
    return all === undefined ? undefined : part
  }
  take(space())
  while (at < text.length) {
    const name =
      take(/([^= \t\n\v\f\r]*)[ \t\n\v\f\r]*=[ \t\n\v\f\r]*/y) ?? refuse('missing "=" in connection info string')
    const raw =
      text[at] === "'"
        ? (take(/'((?:[^'\\]|\\[^])*)'/y) ?? refuse('unterminated quoted string in connection info string'))
        : (take(/((?:[^\\ \t\n\v\f\r]|\\[^]?)*)/y) ?? '')
    parameters.push({ name, value: raw.replace(/\\([^]?)/g, '$1') })
    take(space())
  }
  const options = new Map<string, string>()
  for (const [i, { name, value }] of parameters.entries())
    stored(options, name, value, `invalid connection option: ${shownName(parameters, i, known)}`)
  return options
}

const space = (): RegExp => /([ \t\n\v\f\r]*)/y

/** Decodes percent-encoded bytes. A + stays a +. */
function decoded(raw: string): string {
  if (/%(?![0-9a-f]{2})/i.test(raw)) refuse('invalid percent-encoded token')
  if (raw.includes(' ')) giveUp('has a space in it, which libpq 17 and later refuse: write %20')
  if (raw.includes('%00')) refuse('forbidden value %00 in percent-encoded value')
  try {
    return decodeURIComponent(raw)
  } catch {
    return giveUp('has bytes in percent-encoding that are not UTF-8')
  }
}
