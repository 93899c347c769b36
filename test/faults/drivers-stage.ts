import { pgbouncerBinary, startPgbouncer, type Pgbouncer } from '../servers/pgbouncer.ts'
import { writeTlsFiles } from '../servers/postgres-tls.ts'
import { removeFolder } from '../servers/processes.ts'
import { clusterName, one, startClusterStage, two, type ClusterStage } from './cluster-stage.ts'
import { setHba } from './postgres-hba.ts'

/** A path for each driver at the same DATABASE_URL; mail needs `auto`. And `keys`, by host and port. */
export const paths = ['auto', 'libpq', 'node-postgres', 'postgres.js', 'prisma'] as const

/** A cluster that offers TLS and listens on a Unix socket; with PgBouncer in front, where that is installed. */
export interface DriversStage extends ClusterStage {
  /** Sets DATABASE_URL. See `urlOf`. */
  readonly use: (url: string) => Promise<void>
  readonly setKeys: (keys: Readonly<Record<string, string>>) => Promise<void>
  readonly setTls: (on: boolean) => Promise<void>
}

export async function startDriversStage(): Promise<DriversStage> {
  const { folder, settings: tls } = await writeTlsFiles('mailpath-drivers-')
  const settings = { ...tls, unix_socket_directories: folder, unix_socket_permissions: '0777' }
  const stage = await startClusterStage({ cluster: { standbys: 1, settings }, sections })
  const [primary, standby] = [stage.cluster.node(one), stage.cluster.node(two)]
  await prepare(stage)
  const pgbouncer = await pooler(stage)
  const { user, password } = stage.cluster.logins.backend
  const login = `${user}:${password}`
  const words: Readonly<Record<string, string>> = {
    LOGIN: login,
    USER: user,
    PASSWORD: password,
    PRIMARY: String(primary.port),
    STANDBY: String(standby.port),
    POOLER: String(pgbouncer?.port ?? 9),
    FOLDER: folder,
    ENCODED: encodeURIComponent(folder),
    DB: stage.cluster.database,
  }
  const use = (url: string): Promise<void> => {
    stage.env['DATABASE_URL'] = url.replace(/\b[A-Z]{2,}\b/g, word => words[word] ?? word)
    return Promise.resolve()
  }
  const setKeys = (keys: Readonly<Record<string, string>>): Promise<void> => {
    const usual = {
      PGHOST: '127.0.0.1',
      PGPORT: 'PRIMARY',
      PGUSER: 'USER',
      PGPASSWORD: 'PASSWORD',
      PGSSLMODE: 'prefer',
    }
    for (const [name, value] of Object.entries({ ...usual, ...keys }))
      stage.env[name] = value.replace(/[A-Z]{2,}/g, word => words[word] ?? word)
    return Promise.resolve()
  }
  const setTls = async (on: boolean): Promise<void> => {
    await primary.query(on ? 'alter system reset ssl' : 'alter system set ssl = off')
    await primary.query('select pg_reload_conf()')
  }
  const healthy = async (): Promise<void> => {
    await use('postgres://LOGIN@127.0.0.1:PRIMARY/DB')
    await setKeys({})
  }
  await healthy()
  return {
    ...stage,
    use,
    setKeys,
    setTls,
    async heal() {
      await setTls(true)
      await healthy()
    },
    async stop() {
      await pgbouncer?.stop()
      await stage.stop()
      await removeFolder(folder)
    },
  }
}

async function prepare(stage: ClusterStage): Promise<void> {
  const primary = stage.cluster.node(one)
  await primary.query(`create role tls_only login password 'pw'`)
  await setHba(
    stage,
    [
      'hostssl all tls_only 127.0.0.1/32 scram-sha-256',
      'host all tls_only 127.0.0.1/32 reject',
      // The common name of the client certificate.
      `hostssl ${stage.cluster.database} mailpath 127.0.0.1/32 cert`,
      'local all all scram-sha-256',
    ],
    /^local/,
  )
}

/** As it comes from Debian: it lets no `options` through. */
const pooler = async ({ cluster }: ClusterStage): Promise<Pgbouncer | undefined> =>
  pgbouncerBinary() === undefined
    ? undefined
    : startPgbouncer({
        to: cluster.node(one),
        logins: [cluster.logins.backend],
        settings: { ignore_startup_parameters: 'extra_float_digits' },
      })

const env = (name: string) => ({ env: name })
const sections = {
  write_path: [
    ...paths.map(driver => ({ name: driver, driver, cluster: clusterName, url: env('DATABASE_URL') })),
    {
      name: 'keys',
      driver: 'libpq',
      cluster: clusterName,
      host: env('PGHOST'),
      port: env('PGPORT'),
      user: env('PGUSER'),
      password: env('PGPASSWORD'),
      pg_settings: { PGSSLMODE: env('PGSSLMODE'), PGTARGETSESSIONATTRS: 'any' },
      database: 'keybuzz_backend',
    },
  ],
  mail: [{ name: 'app', write_path: ['auto'] }],
}
