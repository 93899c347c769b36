import { databaseOf, fileOf, given, giveUp, only, tcp, userOf } from './no-plan.ts'
import { lastOf, shownName, type Parameter } from './parameters.ts'
import type { Endpoint, Given, Reading, TargetSessionAttrs, TlsPlan } from './plan.ts'

/** Properties of pgJDBC that are followed. https://jdbc.postgresql.org/documentation/use/#connection-parameters */
const followed: ReadonlySet<string> = new Set([
  'user',
  'password',
  'ssl',
  'sslmode',
  'sslrootcert',
  'targetServerType',
  'connectTimeout',
  'ApplicationName',
  'currentSchema',
  'options',
  'loadBalanceHosts',
  'readOnly',
])

/** Properties that change neither where nor how it connects. */
const noMatter: ReadonlySet<string> = new Set([
  'loginTimeout',
  'socketTimeout',
  'cancelSignalTimeout',
  'tcpKeepAlive',
  'tcpNoDelay',
  'prepareThreshold',
  'preparedStatementCacheQueries',
  'preparedStatementCacheSizeMiB',
  'defaultRowFetchSize',
  'reWriteBatchedInserts',
  'stringtype',
  'binaryTransfer',
  'preferQueryMode',
  'logServerErrorDetail',
  'autosave',
  'cleanupSavepoints',
  'hostRecheckSeconds',
  'escapeSyntaxCallMode',
])

const known: ReadonlySet<string> = new Set([...followed, ...noMatter])

/** How the driver of Java connects: jdbc:postgresql://host:port,host:port/database?user=…&password=… */
export function readJdbc({ url = '', caFile, password }: Given): Reading {
  const [, authority = '', path = '', query = ''] =
    /^jdbc:postgresql:(?:\/\/([^/?]*))?\/?([^?]*)(?:\?(.*))?$/s.exec(url) ?? giveUp('is a JDBC URL that is not valid')
  if (authority.includes('@')) giveUp('is a JDBC URL with a user before the host, where the driver of Java reads none')
  const parameters = query
    .split('&')
    .filter(part => part !== '')
    .map(part => ({ name: decoded(part.split('=', 1)[0] ?? ''), value: decoded(/=(.*)$/s.exec(part)?.[1] ?? '') }))
  checkAll(parameters)
  const properties = lastOf(parameters)
  const user = userOf(properties.get('user') ?? '')
  const timeout = Number(properties.get('connectTimeout') ?? 10)
  return {
    kind: 'plan',
    plan: {
      endpoints: endpointsOf(authority),
      user,
      database: databaseOf(given(decoded(path)) ?? user),
      password: given(password) ?? given(properties.get('password')),
      tls: tlsOf(properties, given(caFile)),
      targetSessionAttrs: attrsOf(properties.get('targetServerType')),
      startup: only({
        options: properties.get('options'),
        application_name: given(properties.get('ApplicationName')) ?? 'PostgreSQL JDBC Driver',
        search_path: properties.get('currentSchema'),
        client_encoding: 'UTF8',
        DateStyle: 'ISO',
        extra_float_digits: '2',
      }),
      connectTimeoutMs: timeout > 0 ? timeout * 1000 : undefined,
    },
    ignored: [],
  }
}

function checkAll(parameters: readonly Parameter[]): void {
  for (const [i, { name, value }] of parameters.entries()) {
    if (!known.has(name)) giveUp(`is a JDBC URL with ${shownName(parameters, i, known)}, which cannot be followed here`)
    if ((name === 'loadBalanceHosts' || name === 'readOnly') && value !== 'false')
      giveUp(`is a JDBC URL with ${name}, which cannot be followed here`)
  }
}

function endpointsOf(authority: string): readonly Endpoint[] {
  return (given(authority) ?? 'localhost').split(',').map(one => {
    const [, address, name, port] =
      /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(one) ?? giveUp('is a JDBC URL with a port that is none')
    return tcp(given(address) ?? given(name) ?? 'localhost', Number(port ?? 5432))
  })
}

function attrsOf(type: string | undefined): TargetSessionAttrs {
  if (type === undefined || type === 'any') return 'any'
  if (type === 'primary' || type === 'master') return 'read-write'
  return giveUp('is a JDBC URL whose targetServerType cannot be followed here')
}

function tlsOf(properties: ReadonlyMap<string, string>, caFile: string | undefined): TlsPlan {
  const ssl = properties.get('ssl')
  const mode = properties.get('sslmode') ?? (ssl === 'true' || ssl === '' ? 'verify-full' : 'prefer')
  const base = { direct: false, verify: 'nothing', authorities: 'usual' } as const
  switch (mode) {
    case 'disable':
      return { ...base, use: 'never' }
    case 'allow':
    case 'prefer':
    case 'require':
      return { ...base, use: mode }
    case 'verify-ca':
    case 'verify-full': {
      const ca = given(properties.get('sslrootcert'))
      const authorities =
        caFile !== undefined ? { file: caFile } : ca === undefined ? undefined : fileOf('sslrootcert', ca)
      if (!authorities)
        giveUp(
          'is a JDBC URL with a verified TLS and no sslrootcert: the driver of Java reads ~/.postgresql/root.crt; set ca_file to a copy of it',
        )
      return { use: 'require', direct: false, verify: mode === 'verify-ca' ? 'chain' : 'chain and name', authorities }
    }
    default:
      return giveUp('is a JDBC URL with an sslmode that does not exist')
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return giveUp('is a JDBC URL with a % that begins no character; write %25 for a % of the password')
  }
}
