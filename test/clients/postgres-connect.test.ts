/** Real connections: each driver and ours, with the same URL, get in alike, land alike, or are refused alike. */
import { chmod, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Client } from 'pg'
import postgresJs from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readAs } from '../../src/clients/postgres-url/index.ts'
import type { Driver } from '../../src/clients/postgres-url/plan.ts'
import { openSession } from '../../src/clients/postgres.ts'
import { codeOf } from '../../src/core/errors.ts'
import { startLook } from '../../src/monitor/look.ts'
import { certificates } from '../servers/certificates.ts'
import { writeTlsFiles, type TlsFiles } from '../servers/postgres-tls.ts'
import { startCluster, type Cluster, type PostgresNode } from '../servers/postgres.ts'
import { have, needs, removeFolder, runProcess, waitFor } from '../servers/processes.ts'

let secured: Cluster
let plain: Cluster
let files: TlsFiles

beforeAll(async () => {
  files = await writeTlsFiles('mailpath-connect-')
  const { folder, file, settings } = files
  const { client, selfSigned } = await certificates()
  await writeFile(file('other-ca.pem'), selfSigned.cert)
  await writeFile(file('open.key'), client.key)
  await chmod(file('open.key'), 0o644)
  const sockets = { unix_socket_directories: folder, unix_socket_permissions: '0777' }
  secured = await startCluster({ standbys: 1, settings: { ...settings, ...sockets } })
  plain = await startCluster({ standbys: 0, settings: sockets })
  for (const node of [...secured.nodes, ...plain.nodes]) await setRules(node)
  const [first] = secured.nodes
  for (const role of ['tls_only', 'clear_only', 'mailpath_cert'])
    await first?.query(`create role ${role} login password 'pw'; grant all on database ${secured.database} to ${role}`)
  // The common name of the client certificate is this role's.
  await first?.query(`alter role mailpath_cert rename to "mailpath-cert"`)
  await waitFor(
    async () => (await secured.nodes[1]?.query(`select from pg_roles where rolname = 'mailpath-cert'`))?.length === 1,
    { what: 'the standby has the roles' },
  )
}, 60_000)
afterAll(async () => {
  await secured.stop()
  await plain.stop()
  await removeFolder(files.folder)
})

async function setRules(node: PostgresNode): Promise<void> {
  const rules = [
    'hostssl all tls_only 127.0.0.1/32 scram-sha-256',
    'host all tls_only 127.0.0.1/32 reject',
    'hostnossl all clear_only 127.0.0.1/32 scram-sha-256',
    'host all clear_only 127.0.0.1/32 reject',
    'hostssl all mailpath 127.0.0.1/32 cert',
    'host all postgres 127.0.0.1/32 trust',
    'host replication postgres 127.0.0.1/32 trust',
    'host all all 127.0.0.1/32 scram-sha-256',
    'local all all scram-sha-256',
  ]
  await writeFile(path.join(node.dataDir, 'pg_hba.conf'), `${rules.join('\n')}\n`)
  await node.query('select pg_reload_conf()')
}

/** Where one got in, or that one did not: with the SQLSTATE where the driver tells it. */
type Outcome =
  | {
      readonly port: string
      readonly readOnly: string
      readonly tls: string
      readonly user: string
      readonly path: string
    }
  | string

const sql = `select current_setting('port') as port, current_setting('transaction_read_only') as "readOnly",
  (select ssl::text from pg_stat_ssl where pid = pg_backend_pid()) as tls, current_user as user,
  current_setting('search_path') as path`
const outcomeOf = (row: Readonly<Record<string, unknown>> | undefined): Outcome =>
  JSON.parse(JSON.stringify(row ?? 'no row')) as Outcome
const refused = (error: unknown): string => `refused ${/^(?=.*\d)[0-9A-Z]{5}$/.exec(codeOf(error) ?? '')?.[0] ?? ''}`

const real: Record<Exclude<Driver, 'prisma'>, (url: string) => Promise<Outcome>> = {
  async libpq(url) {
    try {
      const env = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent' }
      const out = await runProcess('psql', [url, '-XAtw', '-F', '\t', '-c', sql], { env, timeoutMs: 20_000 })
      const [port, readOnly, tls, user, path] = out.trim().split('\t')
      return outcomeOf({ port, readOnly, tls, user, path })
    } catch {
      return 'refused '
    }
  },
  async 'node-postgres'(url) {
    // Its constructor reads the files that the URL names.
    let client: Client | undefined
    try {
      client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
      client.on('error', () => undefined)
      await client.connect()
      return outcomeOf((await client.query<Record<string, unknown>>(sql)).rows[0])
    } catch (error) {
      return refused(error)
    } finally {
      await client?.end().catch(() => undefined)
    }
  },
  async 'postgres.js'(url) {
    let client: ReturnType<typeof postgresJs> | undefined
    try {
      client = postgresJs(url, { max: 1, backoff: false, connect_timeout: 10, onnotice: () => undefined })
      // Where no host fits it goes round for ever.
      const late = setTimeout(() => void client?.end({ timeout: 0 }), 3_000)
      const rows = await client.unsafe(sql).finally(() => clearTimeout(late))
      return outcomeOf(rows[0] as Record<string, unknown>)
    } catch (error) {
      return refused(error)
    } finally {
      await client?.end({ timeout: 1 }).catch(() => undefined)
    }
  },
}

async function ours(driver: Driver, url: string): Promise<Outcome> {
  const read = readAs(driver, { url, settings: {} })
  if (read.kind !== 'plan') return read.kind === 'refused' ? 'refused ' : `not understood: ${read.why}`
  const check = { probe: 'x', target: 'x', config: { name: 'x' }, intervalMs: 15_000, timeoutMs: 15_000, needs: [] }
  const references = { value: none, settings: none, apiServer: none, login: none }
  const stop = new AbortController()
  const { look } = startLook({ ...check, look: none }, references, stop.signal)
  try {
    const session = await openSession(look, read.plan)
    try {
      return outcomeOf((await session.query(sql))[0])
    } finally {
      await session.close()
    }
  } catch (error) {
    return refused(error)
  }
}
const none = () => Promise.reject(new Error('none'))

/** `T`, `S`: the primary and the standby with TLS; `P`: without TLS; `D`: where nobody listens; `F`: a folder. */
const urls: readonly string[] = [
  // TLS
  ...['', '?sslmode=disable', '?sslmode=allow', '?sslmode=prefer', '?sslmode=require', '?sslmode=no-verify'].flatMap(
    query => [
      `postgres://kb_backend:kb-backend-password@127.0.0.1:T/keybuzz_backend${query}`,
      `postgres://kb_backend:kb-backend-password@127.0.0.1:P/keybuzz_backend${query}`,
      `postgres://tls_only:pw@127.0.0.1:T/keybuzz_backend${query}`,
      `postgres://clear_only:pw@127.0.0.1:T/keybuzz_backend${query}`,
    ],
  ),
  ...['ssl=true', 'ssl=1', 'ssl=0', 'sslmode=verify-full', 'sslmode=require&uselibpqcompat=true'].map(
    query => `postgres://kb_backend:kb-backend-password@localhost:T/keybuzz_backend?${query}`,
  ),
  ...['require', 'verify-ca', 'verify-full', 'prefer'].flatMap(mode =>
    ['ca.pem', 'other-ca.pem', 'missing.pem'].map(
      ca => `postgres://kb_backend:kb-backend-password@localhost:T/keybuzz_backend?sslmode=${mode}&sslrootcert=F/${ca}`,
    ),
  ),
  ...['client.key', 'open.key', 'missing.key'].map(
    key =>
      `postgres://mailpath@localhost:T/postgres?sslmode=require&sslrootcert=F/ca.pem&sslcert=F/client.crt&sslkey=F/${key}`,
  ),
  'postgres://mailpath@localhost:T/postgres?sslmode=require&sslrootcert=F/ca.pem',
  ...['missing.crt', 'ca.pem', 'client.crt'].map(
    cert =>
      `postgres://kb_backend:kb-backend-password@localhost:T/keybuzz_backend?sslmode=require&sslrootcert=F/ca.pem&sslcert=F/${cert}&sslkey=F/client.key`,
  ),
  'postgres://kb_backend:kb-backend-password@localhost:T/keybuzz_backend?sslmode=require&sslrootcert=F/client.key',
  // postgres.js has its certificate verified for localhost then
  ...['ssl=true', 'sslmode=verify-full&sslrootcert=F/ca.pem'].map(
    query => `postgres://kb_backend:kb-backend-password@127.0.0.1:T/keybuzz_backend?${query}`,
  ),
  // bound to TLS
  ...['', '&sslmode=require', '&sslmode=disable', '&sslmode=verify-full&sslrootcert=F/ca.pem'].flatMap(query => [
    `postgres://kb_backend:kb-backend-password@127.0.0.1:T/keybuzz_backend?channel_binding=require${query}`,
    `postgres://kb_backend:kb-backend-password@127.0.0.1:P/keybuzz_backend?channel_binding=require${query}`,
  ]),
  'postgres://kb_backend:wrong@127.0.0.1:T/keybuzz_backend?channel_binding=require',
  // let in without a password, and by a certificate
  'postgres://postgres:pw@127.0.0.1:T/keybuzz_backend?channel_binding=require',
  'postgres://mailpath@localhost:T/postgres?channel_binding=require&sslmode=require&sslrootcert=F/ca.pem&sslcert=F/client.crt&sslkey=F/client.key',
  // sockets
  'postgres://kb_backend:kb-backend-password@localhost/keybuzz_backend?host=F&port=T&channel_binding=require',
  'postgres://kb_backend:kb-backend-password@localhost/keybuzz_backend?host=F&port=T',
  'postgres://kb_backend:kb-backend-password@G:T/keybuzz_backend',
  'postgres:///keybuzz_backend?host=F&port=T&user=kb_backend&password=kb-backend-password',
  'postgres://kb_backend:kb-backend-password@localhost/keybuzz_backend?host=F&port=T&sslmode=require',
  // where
  'postgres://kb_backend:kb-backend-password@127.0.0.1:T/keybuzz_backend?host=127.0.0.1&port=S',
  'postgres://127.0.0.1:T/keybuzz_backend?user=kb_backend&password=kb-backend-password',
  'postgres://kb_backend:wrong@127.0.0.1:T/keybuzz_backend',
  'postgres://kb_backend:kb-backend-password@127.0.0.1:T/nowhere',
  // several
  ...['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'].flatMap(attrs => [
    `postgres://kb_backend:kb-backend-password@127.0.0.1:S,127.0.0.1:T/keybuzz_backend?target_session_attrs=${attrs}`,
    `postgres://kb_backend:kb-backend-password@127.0.0.1:D,127.0.0.1:T/keybuzz_backend?target_session_attrs=${attrs}`,
  ]),
  'postgres://kb_backend:kb-backend-password@127.0.0.1:S/keybuzz_backend?target_session_attrs=read-write',
  'postgres://kb_backend:kb-backend-password@nowhere.invalid:T,127.0.0.1:T/keybuzz_backend',
  'postgres://kb_backend:wrong@127.0.0.1:P,127.0.0.1:T/keybuzz_backend',
  'postgres://clear_only:pw@127.0.0.1:P,127.0.0.1:T/keybuzz_backend',
  'postgres://kb_backend:kb-backend-password@127.0.0.1:P,127.0.0.1:T/keybuzz_backend?sslmode=require',
  'postgres://kb_backend:kb-backend-password@127.0.0.1:D/keybuzz_backend',
  // startup
  'postgres://kb_backend:kb-backend-password@127.0.0.1:T/keybuzz_backend?options=-c%20default_transaction_read_only%3Don',
  'postgres://kb_backend:kb-backend-password@127.0.0.1:T/keybuzz_backend?options=-c%20no_such%3D1',
  'postgres://kb_backend:kb-backend-password@127.0.0.1:T/keybuzz_backend?options=-c%20role%3Dpostgres',
  'postgres://kb_backend:kb-backend-password@127.0.0.1:T/keybuzz_backend?options=-c%20search_path%3Dother',
  'postgres://kb_backend:kb-backend-password@127.0.0.1:T/keybuzz_backend?search_path=other',
  'postgres://kb_backend:kb-backend-password@127.0.0.1:T/keybuzz_backend?application_name=them',
]

const written = (url: string): string => {
  const port = (node: PostgresNode | undefined): string => String(node?.port ?? 0)
  const [primary, standby] = secured.nodes
  return url
    .replace(/\bT\b/g, port(primary))
    .replace(/\bS\b/g, port(standby))
    .replace(/\bP\b/g, port(plain.nodes[0]))
    .replace(/\bD\b/g, '9')
    .replace(/\bF\b/g, files.folder)
    .replace(/\bG\b/g, encodeURIComponent(files.folder))
}

const psql = have('psql')
describe.each(['libpq', 'node-postgres', 'postgres.js'] as const)('%s and what is run of its plan', driver => {
  const skipped = driver === 'libpq' && !needs('psql', psql, 'apt-get install postgresql-client')
  const itIs = it.skipIf(skipped)
  itIs.each(urls.filter((_, at) => at % 6 === 0))('%s', isTheSame)
  itIs.each(urls.filter((_, at) => at % 6 !== 0))('%s', { tags: 'slow' }, isTheSame)

  async function isTheSame(url: string): Promise<void> {
    const as = await ours(driver, written(url))
    // What is not known is said to be so, and nothing is tried.
    if (typeof as === 'string' && as.startsWith('not understood')) return
    const they = await real[driver](written(url))
    // What psql says has no SQLSTATE, nor has what a reading foretells.
    if (driver === 'libpq' ? typeof as === 'string' : as === 'refused ') expect(typeof they).toBe('string')
    else expect(as).toEqual(they)
  }
})

it('understands most of them', () => {
  const lost = (['libpq', 'node-postgres', 'postgres.js'] as const).flatMap(driver =>
    urls.filter(url => readAs(driver, { url: written(url), settings: {} }).kind === 'not_understood'),
  )
  expect(lost.length).toBeLessThan(urls.length / 3)
})
