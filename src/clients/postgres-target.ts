import { fingerprint } from '../core/fingerprint.ts'
import type { Look, Reference, Resolvable } from '../core/probe.ts'
import { shapes, type Shape } from '../core/shape.ts'
import { readAs, readings, type Given } from './postgres-url/index.ts'
import type { Driver, Pem, Plan, Reading } from './postgres-url/plan.ts'

/** What the configuration says of how an application connects: by a URL, or by host and so on. */
export interface Connecting {
  readonly driver: Driver | 'auto'
  readonly url?: Resolvable | undefined
  readonly host?: Resolvable | undefined
  readonly port?: Resolvable | undefined
  readonly user?: Resolvable | undefined
  readonly database?: Resolvable | undefined
  readonly password?: Reference | undefined
  readonly sslmode?: string | undefined
  readonly pg_settings?: Readonly<Record<string, Resolvable>> | undefined
  readonly ca_file?: string | undefined
  readonly cert_file?: string | undefined
  readonly key_file?: string | undefined
}

export interface DriverReading {
  readonly driver: Driver
  readonly reading: Reading
}

/** What the drivers in question make of a target. */
export interface TargetReadings {
  readonly readings: readonly DriverReading[]
  /** Of all that was read, the password included; worth nothing outside of this process. */
  readonly fingerprint: string
}

/** Reads a target as its driver does, or as each driver does where that is `auto`. Throws Unresolved. */
export async function readTarget(target: Connecting, look: Look): Promise<TargetReadings> {
  const url = target.url === undefined ? undefined : await look.secret('url', target.url)
  const settings = await settingsOf(target, look)
  const password = target.password === undefined ? undefined : await look.secret('password', target.password)
  const given: Given = { url, settings, caFile: target.ca_file, password }
  const read = target.driver === 'auto' ? candidates(given) : [one(target.driver, given)]
  const list = read.map(({ driver, reading }) => ({ driver, reading: withCertificate(reading, target) }))
  for (const { reading } of list) if (reading.kind === 'plan') concealIn(reading.plan, look)
  return { readings: list, fingerprint: fingerprint([given, target.cert_file, target.key_file]) }
}

const one = (driver: Driver, given: Given): DriverReading => ({ driver, reading: readAs(driver, given) })

/** Parameters of Prisma alone: https://www.prisma.io/docs/orm/overview/databases/postgresql */
const ofPrisma =
  /[?&](?:schema|pgbouncer|connection_limit|pool_timeout|socket_timeout|statement_cache_size|sslaccept|sslidentity)=/

/** What node-postgres alone has: https://github.com/brianc/node-postgres/tree/master/packages/pg-connection-string */
const ofNodePostgres = /[?&](?:uselibpqcompat=|ssl(?:mode)?=no-verify(?:&|$))/
/** Parameters of libpq that postgres.js sends to the server as settings of the session, and no server has them. */
const notOfPostgresJs = /[?&](?:sslrootcert|sslcert|sslkey|channel_binding)=/

/**
 * The drivers that the URL can be for. One with a parameter of Prisma's is for Prisma, whose adapter for node-postgres
 * passes over them as well; libpq and postgres.js could not connect with it anywhere. So it is with what node-postgres
 * alone has, and Prisma's engine passes over. Prisma always has a URL.
 */
function candidates(given: Given): readonly DriverReading[] {
  const all = readings(given)
  const { url } = given
  if (url === undefined) return all.filter(({ driver }) => driver !== 'prisma')
  if (ofPrisma.test(url) || ofNodePostgres.test(url))
    return all.filter(({ driver }) => driver === 'prisma' || driver === 'node-postgres')
  return notOfPostgresJs.test(url) ? all.filter(({ driver }) => driver !== 'postgres.js') : all
}

const listOf = (each: Shape<unknown>, expected: string): Shape => ({
  expected,
  read(text) {
    const items = text.split(',')
    return items.every(item => item === '' || each.read(item) !== undefined) ? items.join(',') : undefined
  },
})
const folder = /^[@/][^\s\p{Cc}:]{0,240}$/u
const hostOrFolder: Shape = {
  expected: '',
  read: text => (folder.test(text) ? text : shapes.host.read(text)),
}
/** As PGHOST and PGPORT have them. */
export const hosts = listOf(
  hostOrFolder,
  'host names or IP addresses with commas between, or the folder of a Unix socket',
)
const ports = listOf(shapes.port, 'port numbers from 1 to 65535, with commas between')
/** Of any setting. */
export const line: Shape = {
  expected: 'one line of text',
  read: text => (/[\p{Cc}\u2028\u2029]/u.test(text) || /:\/\/|-----BEGIN/.test(text) ? undefined : text),
}

const ofSetting: Readonly<Record<string, Shape>> = {
  PGHOST: hosts,
  PGHOSTADDR: hosts,
  PGPORT: ports,
  PGUSER: shapes.user,
  PGDATABASE: shapes.database,
  PGSSLMODE: shapes.word,
}

/** The shape of a setting of the application, by its name. */
export const settingShape = (name: string): Shape => ofSetting[name] ?? line

/** Those that hold a secret: they are given as references only. */
export const secretSettings = ['PGPASSWORD', 'PGSSLPASSWORD'] as const
const isSecret = (name: string): boolean => secretSettings.some(one => one === name)

/** The application's own settings: those given as such, and the keys that stand for one. */
async function settingsOf(target: Connecting, look: Look): Promise<Record<string, string>> {
  const { host, port, user, database, sslmode } = target
  const settings: Record<string, string> = {}
  for (const [name, value] of Object.entries(target.pg_settings ?? {})) {
    const field = `pg_settings.${name}`
    settings[name] = isSecret(name)
      ? await look.secret(field, value)
      : await look.text(field, value, settingShape(name))
  }
  if (host !== undefined) {
    settings['PGHOST'] = await look.text('host', host, hosts)
    if (port !== undefined) settings['PGPORT'] = await look.text('port', port, ports)
    if (user !== undefined) settings['PGUSER'] = await look.text('user', user, shapes.user)
    if (database !== undefined) settings['PGDATABASE'] = await look.text('database', database, shapes.database)
    if (sslmode !== undefined) settings['PGSSLMODE'] = sslmode
  }
  return settings
}

/** The files of the configuration take the place of those that the application names, which may not be here. */
function withCertificate(reading: Reading, { cert_file: cert, key_file: file }: Connecting): Reading {
  if (reading.kind !== 'plan' || reading.plan.tls.use === 'never' || cert === undefined || file === undefined)
    return reading
  const { plan } = reading
  // A copy for the exporter: its modes say nothing of the application's.
  const certificate = { ...plan.tls.certificate, cert: { file: cert }, key: { file }, guarded: false }
  return { ...reading, plan: { ...plan, tls: { ...plan.tls, certificate } } }
}

function concealIn({ password, tls: { certificate } }: Plan, look: Look): void {
  const conceal = (text: string | undefined): void => {
    if (text !== undefined) look.conceal(text)
  }
  const inText = (pem: Pem | undefined): string | undefined => (pem && 'text' in pem ? pem.text : undefined)
  conceal(password)
  conceal(certificate?.passphrase)
  conceal(inText(certificate?.key))
}
