import { fingerprint } from '../core/fingerprint.ts'
import type { Look } from '../core/probe.ts'
import type { Reference, Resolvable } from '../core/reference.ts'
import { shapes, type Shape } from '../core/shape.ts'
import { readAs, readersOf, type Given } from './postgres-url/index.ts'
import type { Driver, Pem, Plan, Reading } from './postgres-url/plan.ts'
import { keptKeys, type KeptKeys } from './scram.ts'

/** How an application connects according to the configuration: by a URL, or by host, port and so on. */
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

/** How the drivers in question read a target. */
interface TargetReadings {
  readonly drivers: readonly Driver[]
  /** Reads it anew each time. */
  readonly readAs: (driver: Driver) => Reading
  /** Fingerprint of all that was read, with the password; of no use outside of this process. */
  readonly fingerprint: string
}

/**
 * Reads a target as its driver does; with `auto`, as each driver does. `configured` is what the keys of logins are kept for.
 * Throws Unresolved.
 */
export async function readTarget(target: Connecting, look: Look, configured: object = target): Promise<TargetReadings> {
  const url = target.url === undefined ? undefined : await look.secret('url', target.url)
  const settings = await settingsOf(target, look)
  const password = target.password === undefined ? undefined : await look.secret('password', target.password)
  const given: Given = { url, settings, caFile: target.ca_file, password }
  const keys = keptKeys(configured)
  return {
    drivers: target.driver === 'auto' ? candidates(given) : [target.driver],
    readAs(driver) {
      const reading = withKeys(withCertificate(readAs(driver, given), target), keys)
      if (reading.kind === 'plan') concealIn(reading.plan, look)
      return reading
    },
    fingerprint: fingerprint([given, target.cert_file, target.key_file]),
  }
}

/** How to log in for a look of our own, or why that is unknown. Throws Unresolved. */
export async function ownPlan(
  target: Connecting & { readonly driver: Driver },
  look: Look,
  configured: object = target,
): Promise<Plan | string> {
  const plans = await ownPlans(target, look, configured)
  return typeof plans === 'string' ? plans : plans[0]
}

/** The same, by each driver in question. */
export async function ownPlans(
  target: Connecting,
  look: Look,
  configured: object = target,
): Promise<readonly [Plan, ...Plan[]] | string> {
  const readings = readingsOf(await readTarget(target, look, configured))
  const [first, ...others] = plansOf(readings)
  if (first) return [first, ...others]
  // Our own login trusts the authorities of the system, while libpq would use those of its user.
  const ofSystem = { ...target, pg_settings: { PGSSLROOTCERT: 'system', ...target.pg_settings } }
  const [bySystem, ...rest] = isUnclear(readings)
    ? plansOf(readingsOf(await readTarget(ofSystem, look, configured)))
    : []
  return bySystem ? [bySystem, ...rest] : whyNot(readings)
}

interface DriverReading {
  readonly driver: Driver
  readonly reading: Reading
}

const readingsOf = ({ drivers, readAs }: TargetReadings): readonly DriverReading[] =>
  drivers.map(driver => ({ driver, reading: readAs(driver) }))

const plansOf = (readings: readonly DriverReading[]): readonly Plan[] =>
  readings.flatMap(({ reading }) => (reading.kind === 'plan' ? [reading.plan] : []))

const isUnclear = (readings: readonly DriverReading[]): boolean =>
  readings.some(({ reading }) => reading.kind === 'not_understood')

function whyNot([first]: readonly DriverReading[]): string {
  if (first?.reading.kind === 'refused') return `${first.driver} refuses it: ${first.reading.error}`
  return `the URL ${first?.reading.kind === 'not_understood' ? first.reading.why : 'is read by no driver'}`
}

/** Parameters of Prisma only: https://www.prisma.io/docs/orm/overview/databases/postgresql */
const ofPrisma =
  /[?&](?:schema|pgbouncer|connection_limit|pool_timeout|socket_timeout|statement_cache_size|sslaccept|sslidentity)=/

/**
 * The drivers that the URL can be for. One with a parameter of Prisma is for Prisma, whose adapter for node-postgres
 * ignores it as well; libpq and postgres.js could not connect with it. Other parameters prove less: an application may
 * have `sslrootcert` set for postgres.js, which cannot connect with it, and that must not be ok. Prisma always has a
 * URL.
 */
function candidates({ url }: Given): readonly Driver[] {
  const all = readersOf(url)
  if (url === undefined) return all.filter(driver => driver !== 'prisma')
  if (!ofPrisma.test(url)) return all
  return all.filter(driver => driver === 'prisma' || driver === 'node-postgres')
}

const orEmpty = ({ expected, read }: Shape): Shape => ({ expected, read: text => (text === '' ? text : read(text)) })

const ofSetting: Readonly<Record<string, Shape>> = {
  PGHOST: orEmpty(shapes.hosts),
  PGHOSTADDR: orEmpty(shapes.hosts),
  PGPORT: orEmpty(shapes.ports),
  PGUSER: shapes.user,
  PGDATABASE: shapes.database,
  PGSSLMODE: shapes.word,
}

/** The shape of a setting of the application, by its name. */
export const settingShape = (name: string): Shape =>
  (Object.hasOwn(ofSetting, name) ? ofSetting[name] : undefined) ?? orEmpty(shapes.line)

/** Settings that hold a secret: they are given as references only. */
export const secretSettings = ['PGPASSWORD', 'PGSSLPASSWORD'] as const
const isSecret = (name: string): boolean => secretSettings.some(one => one === name)

/** The settings of the application: those under `pg_settings`, and the keys that stand for one. */
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
    settings['PGHOST'] = await look.text('host', host, shapes.hosts)
    if (port !== undefined) settings['PGPORT'] = await look.text('port', port, shapes.ports)
    if (user !== undefined) settings['PGUSER'] = await look.text('user', user, shapes.user)
    if (database !== undefined) settings['PGDATABASE'] = await look.text('database', database, shapes.database)
    if (sslmode !== undefined) settings['PGSSLMODE'] = sslmode
  }
  return settings
}

/** Replaces the files that the application names, which may not be on this host, by those of the configuration. */
function withCertificate(reading: Reading, { cert_file: cert, key_file: file }: Connecting): Reading {
  if (reading.kind !== 'plan' || reading.plan.tls.use === 'never' || cert === undefined || file === undefined)
    return reading
  const { plan } = reading
  // A copy for the exporter: its file modes say nothing of the application's files.
  const certificate = { ...plan.tls.certificate, cert: { file: cert }, key: { file }, guarded: false }
  return { ...reading, plan: { ...plan, tls: { ...plan.tls, certificate } } }
}

const withKeys = (reading: Reading, keptKeys: KeptKeys): Reading =>
  reading.kind === 'plan' ? { ...reading, plan: { ...reading.plan, keptKeys } } : reading

function concealIn({ password, tls: { certificate } }: Plan, look: Look): void {
  const conceal = (text: string | undefined): void => {
    if (text !== undefined) look.conceal(text)
  }
  const inText = (pem: Pem | undefined): string | undefined => (pem && 'text' in pem ? pem.text : undefined)
  conceal(password)
  conceal(certificate?.passphrase)
  conceal(inText(certificate?.key))
}
