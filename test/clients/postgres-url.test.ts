/** What is read here out of a URL is what the real drivers make of it. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import path from 'node:path'
import pg from 'pg'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readAs } from '../../src/clients/postgres-url/index.ts'
import type { Driver, Plan, Reading } from '../../src/clients/postgres-url/plan.ts'
import { certificates } from '../servers/certificates.ts'
import { postgresBinaries } from '../servers/postgres-binaries.ts'
import { freePort } from '../servers/ports.ts'
import { recorder, type Heard, type Recorder } from './postgres-recorder.ts'
import { table, type Row } from './postgres-url-table.ts'

const debian = '/usr/lib/postgresql/15/bin'
const hasPsql = existsSync(`${debian}/psql`)
if (!hasPsql && process.env['CI'] === 'true')
  throw new Error(`${debian}/psql is missing: apt-get install postgresql-15`)

let server: Recorder
let authority: string
beforeAll(async () => {
  server = await recorder(await freePort())
  authority = path.join(server.folder, 'ca.pem')
  await writeFile(authority, (await certificates()).ca)
})
afterAll(() => server.close())

const filled = (text: string): string =>
  text.replaceAll('{p}', String(server.port)).replaceAll('{s}', server.folder).replaceAll('{ca}', authority)
const ofRow = ({ url, settings = {} }: Row) => ({
  url: url === undefined ? undefined : filled(url),
  settings: Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, filled(value)])),
})

/** With these settings, and no other, in the environment. */
async function withEnvironment<T>(settings: Readonly<Record<string, string>>, run: () => Promise<T>): Promise<T> {
  const saved = { ...process.env }
  for (const name of Object.keys(process.env)) if (name.startsWith('PG')) Reflect.deleteProperty(process.env, name)
  Object.assign(process.env, settings, { PGPASSFILE: '/dev/null' })
  try {
    return await run()
  } finally {
    for (const name of Object.keys(settings)) Reflect.deleteProperty(process.env, name)
    Object.assign(process.env, saved)
  }
}

/** How a driver reads it, by its own account, and what it sent. */
interface Real {
  /** Undefined where it refused the URL at once. */
  readonly parsed: { readonly places: readonly string[]; readonly login?: readonly (string | undefined)[] } | undefined
  readonly heard: Heard | undefined
}

type Run = (given: ReturnType<typeof ofRow>) => Promise<Real>

const nodePostgres: Run = ({ url, settings }) =>
  withEnvironment(settings, async () => {
    let client: Client
    try {
      client = new pg.Client(url === undefined ? {} : { connectionString: url }) as Client
    } catch {
      return { parsed: undefined, heard: undefined }
    }
    const { host, port, user, database } = client
    client.on('error', () => undefined)
    // What it throws into a socket's handler would end the process.
    if (!usable(client)) return { parsed: undefined, heard: undefined }
    const problem: unknown = await client.connect().catch((error: unknown) => error)
    // With a port that is none its end would never come.
    if (problem instanceof RangeError) client.connection.stream.destroy()
    else await client.end().catch(() => undefined)
    return {
      parsed: { places: [`${host} ${port}`], login: [user, database] },
      heard: await server.take(),
    }
  })

/** It takes any text for an object of settings, and fails when the server agrees to TLS. */
const usable = ({ ssl }: Client): boolean => typeof ssl !== 'string'

/** With what the types leave out. */
type Client = pg.Client & { readonly ssl: unknown; readonly connection: { readonly stream: Socket } }

const postgresJs: Run = ({ url, settings }) =>
  withEnvironment(settings, async () => {
    let sql: postgres.Sql
    try {
      sql = url === undefined ? postgres() : postgres(url)
    } catch {
      return { parsed: undefined, heard: undefined }
    }
    const { host, port, path: where, user, database } = sql.options
    // Of several hosts it may try the next for ever.
    const { clear, over } = limit(host.length > 1 ? 200 : 5_000)
    await Promise.race([sql`select 1`.catch(() => undefined), over])
    clear()
    await sql.end({ timeout: 0 })
    const socket = typeof where === 'string' ? /^(.*)\/\.s\.PGSQL\.(.*)$/.exec(where) : undefined
    return {
      parsed: {
        places: socket ? [`${socket[1] ?? ''} ${socket[2] ?? ''}`] : host.map((one, i) => `${one} ${port[i] ?? ''}`),
        login: [user, database],
      },
      heard: await server.take(),
    }
  })

function limit(ms: number): { readonly over: Promise<void>; readonly clear: () => void } {
  const { promise, resolve } = withResolvers()
  const timer = setTimeout(resolve, ms)
  return { over: promise, clear: () => clearTimeout(timer) }
}

function withResolvers(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined
  const promise = new Promise<void>(done => {
    resolve = done
  })
  return { promise, resolve }
}

const execute = (binary: string, args: readonly string[], settings: Readonly<Record<string, string>>) =>
  new Promise<{ code: number; out: string }>(resolve =>
    execFile(
      `${debian}/${binary}`,
      args,
      {
        env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent', PGPASSFILE: '/dev/null', LC_ALL: 'C', ...settings },
        timeout: 5_000,
      },
      (error, out) => resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, out }),
    ),
  )

/** The programs of Debian, with the libpq of PostgreSQL 15, or with the newer one in this folder. */
const libpq =
  (library?: string): Run =>
  async ({ url, settings: own }) => {
    const settings = { ...own, ...(library !== undefined && { LD_LIBRARY_PATH: library }) }
    const { code, out } = await execute('pg_isready', ['-t', '1', ...(url === undefined ? [] : ['-d', url])], settings)
    await server.take()
    // 3: no attempt, for the parameters are invalid.
    if (code === 3) return { parsed: undefined, heard: undefined }
    await execute('psql', ['-X', '-w', '-c', 'select 1', ...(url === undefined ? [] : ['-d', url])], settings)
    const [, hosts = '', ports = ''] = /^(.*):(.*?) - /.exec(out) ?? []
    const [names, numbers] = [hosts.split(','), ports.split(',')]
    return {
      parsed: { places: names.map((name, i) => `${name} ${numbers[numbers.length === 1 ? 0 : i] || '5432'}`) },
      heard: await server.take(),
    }
  }

/** The libpq that comes with the server of the tests. */
const newest = path.join(await postgresBinaries(), '..', 'lib')

const older = table.filter(row => row.newer !== true)
const real: readonly { name: string; driver: Driver; run: Run; rows: readonly Row[]; missing?: boolean }[] = [
  { name: 'libpq 15', driver: 'libpq', run: libpq(), rows: older, missing: !hasPsql },
  {
    name: 'libpq 18',
    driver: 'libpq',
    run: libpq(newest),
    rows: table,
    missing: !hasPsql || !existsSync(`${newest}/libpq.so.5`),
  },
  { name: 'node-postgres', driver: 'node-postgres', run: nodePostgres, rows: table },
  { name: 'postgres.js', driver: 'postgres.js', run: postgresJs, rows: table },
]

/** As pg_isready shows them: by address, where there is one. */
const placesOf = ({ endpoints }: Plan): readonly string[] =>
  endpoints.map(one => (one.kind === 'socket' ? `${one.folder} ${one.port}` : `${one.address ?? one.host} ${one.port}`))

const isHere = ({ endpoints: [one] }: Plan): boolean =>
  one?.port === server.port &&
  (one.kind === 'socket' ? one.folder === server.folder : ['127.0.0.1', 'localhost'].includes(one.host.toLowerCase()))

/** What the server hears of a plan that leads to it; it has no TLS. */
function heardOf({ tls, endpoints: [endpoint], user, database, startup, password }: Plan): Heard {
  const first = tls.direct ? 'TLS' : tls.use === 'never' || tls.use === 'allow' ? 'startup' : 'SSLRequest'
  const isIn = tls.use !== 'require'
  return {
    by: endpoint?.kind === 'socket' ? 'socket' : 'tcp',
    first,
    startup: isIn ? { ...(user !== '' && { user }), ...(database !== '' && { database }), ...startup } : undefined,
    password: isIn ? password : undefined,
  }
}

/** Without what the program that is run adds to it, and without what the operating system says of the user. */
function comparable(heard: Heard | undefined, plan: Plan): Heard | undefined {
  if (heard?.startup === undefined) return heard
  const { user = '', database = '', application_name, client_encoding, ...rest } = heard.startup
  const known = plan.startup
  const shown = {
    ...rest,
    ...(plan.user !== '' && { user }),
    ...(plan.database !== '' && { database }),
    // psql puts its own name in place of the one to fall back on.
    ...(known['application_name'] !== undefined && {
      application_name: application_name === 'psql' ? known['application_name'] : application_name,
    }),
    ...(known['client_encoding'] !== undefined && { client_encoding }),
  }
  return {
    ...heard,
    startup: JSON.parse(JSON.stringify(shown)) as Record<string, string>,
    password: plan.password === undefined ? undefined : heard.password,
  }
}

/** Postgres has no such setting, so that a login that sends one is refused: 42704. */
const noSettings = ['host', 'hostaddr', 'port', 'dbname', 'password', 'sslpassword']

function compare(reading: Reading, { parsed, heard }: Real): void {
  if (reading.kind === 'refused') {
    const sent = Object.keys(heard?.startup ?? {})
    if (sent.length > 0) expect(noSettings.some(name => sent.includes(name))).toBe(true)
    return
  }
  if (reading.kind !== 'plan') return
  const { plan } = reading
  expect(parsed?.places).toEqual(placesOf(plan))
  if (parsed?.login && plan.user !== '') expect(parsed.login).toEqual([plan.user, plan.database])
  if (isHere(plan)) expect(comparable(heard, plan)).toEqual(heardOf(plan))
}

describe.each(real)('$name reads', ({ driver, run, rows, missing = false }) => {
  it.skipIf(missing).each(rows)('$url $settings', async row => {
    const given = ofRow(row)
    const reading = readAs(driver, given)
    compare(reading, await run(given))
    expect(JSON.stringify({ ...reading, plan: undefined })).not.toMatch(/pw|p%|p@/)
  })
})

it('is held to more than 120 URLs', () => {
  expect(new Set(table.map(({ url }) => url)).size).toBeGreaterThan(120)
})
