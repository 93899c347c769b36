import { pgbouncerBinary, pgbouncerInstall } from '../servers/pgbouncer.ts'
import type { paths } from './drivers-stage.ts'
import { startDriversStage, type DriversStage } from './drivers-stage.ts'
import type { Area, Expectation, Fault } from './fault.ts'
import { runnable, type Runnable } from './runner.ts'
import { without } from './skip.ts'

type Path = (typeof paths)[number] | 'keys'
/** What a path comes to: `writes`, or the reason. A path that is not named may come to anything. */
type Fates = Partial<Record<Path, string>>

const writable = (target: Path): string => `mailpath_write_path_writable{target="${target}",postgres_cluster="kb"}`

/** Mail hangs on `auto`: its fate is the root. */
function seen({ auto = 'writes', ...others }: Fates): Expectation {
  const fates = Object.entries({ auto, ...others })
  const unknown = auto === 'driver_unclear' || auto === 'url_not_understood'
  return {
    verdict: auto === 'writes' ? 'ok' : unknown ? 'unknown' : 'fail',
    ...(auto !== 'writes' && { root: `write_path/auto write_path_${auto}` }),
    reasons: fates
      .filter(([, fate]) => fate !== 'writes')
      .map(([path, fate]) => `write_path/${path} write_path_${fate}`),
    samples: Object.fromEntries(
      fates.filter(([, fate]) => fate === 'writes').map(([path]) => [writable(path as Path), 1]),
    ),
  }
}

const url = (name: string, text: string, fates: Fates): Fault<DriversStage> => ({
  name: `URL: ${name}`,
  inject: stage => stage.use(text),
  seen: seen(fates),
})

const at = 'postgres://LOGIN@127.0.0.1:PRIMARY/DB'

const where: readonly Fault<DriversStage>[] = [
  url('?host and ?port that lead to a standby, beside an address of the primary', `${at}?host=127.0.0.1&port=STANDBY`, {
    auto: 'driver_unclear',
    libpq: 'read_only',
    'node-postgres': 'read_only',
    'postgres.js': 'url_refused',
  }),
  url('the folder of a socket as ?host', 'postgres://LOGIN@localhost/DB?host=FOLDER&port=PRIMARY', {
    auto: 'driver_unclear',
    libpq: 'writes',
    'node-postgres': 'writes',
  }),
  url('the folder of a socket, encoded, as the host', 'postgres://LOGIN@ENCODED:PRIMARY/DB', {
    auto: 'driver_unclear',
    libpq: 'writes',
    'node-postgres': 'writes',
  }),
  url(
    'no host before the path, and a socket as ?host',
    'postgresql:///DB?host=FOLDER&port=PRIMARY&user=USER&password=PASSWORD',
    {
      auto: 'driver_unclear',
      libpq: 'writes',
      'node-postgres': 'writes',
    },
  ),
  url('user and password as parameters', 'postgres://127.0.0.1:PRIMARY/DB?user=USER&password=PASSWORD', {
    libpq: 'writes',
    'node-postgres': 'writes',
    'postgres.js': 'url_refused',
    auto: 'driver_unclear',
  }),
  url('the folder of a socket that has none', 'postgres://LOGIN@localhost/DB?host=FOLDER&port=9', {
    auto: 'unreachable',
    libpq: 'unreachable',
    'node-postgres': 'unreachable',
    prisma: 'unreachable',
  }),
  url(
    'several hosts and target_session_attrs=read-write',
    'postgres://LOGIN@127.0.0.1:9,127.0.0.1:STANDBY,127.0.0.1:PRIMARY/DB?target_session_attrs=read-write',
    {
      auto: 'driver_unclear',
      libpq: 'writes',
      // It takes the standby for one that can be written to.
      'postgres.js': 'read_only',
    },
  ),
  url(
    'several hosts and target_session_attrs=primary',
    'postgres://LOGIN@127.0.0.1:STANDBY,127.0.0.1:PRIMARY/DB?target_session_attrs=primary',
    {
      auto: 'driver_unclear',
      libpq: 'writes',
      'postgres.js': 'writes',
    },
  ),
  url(
    'hosts of which none is the primary',
    'postgres://LOGIN@127.0.0.1:9,127.0.0.1:STANDBY/DB?target_session_attrs=read-write',
    {
      auto: 'driver_unclear',
      libpq: 'no_fitting_host',
    },
  ),
  url(
    'hosts of which the first is the standby, and no target_session_attrs',
    'postgres://LOGIN@127.0.0.1:STANDBY,127.0.0.1:PRIMARY/DB',
    {
      libpq: 'read_only',
      'postgres.js': 'read_only',
      auto: 'read_only',
    },
  ),
]

const settings: readonly Fault<DriversStage>[] = [
  url('options that make the session read-only', `${at}?options=-c%20default_transaction_read_only%3Don`, {
    auto: 'read_only',
    libpq: 'read_only',
    'node-postgres': 'read_only',
  }),
  url('options with a setting that does not exist (42704)', `${at}?options=-c%20no_such%3D1`, {
    auto: 'setting_refused',
    libpq: 'setting_refused',
    'node-postgres': 'setting_refused',
  }),
  url('options with a role that one may not take (42501)', `${at}?options=-c%20role%3Dpostgres`, {
    auto: 'setting_refused',
    libpq: 'setting_refused',
  }),
  {
    ...url(
      'options through a pooler that lets none through (08P01)',
      'postgres://LOGIN@127.0.0.1:POOLER/DB?options=-c%20work_mem%3D8MB',
      {
        auto: 'setting_refused',
        libpq: 'setting_refused',
        'node-postgres': 'setting_refused',
      },
    ),
    skip: without('PgBouncer', pgbouncerBinary(), pgbouncerInstall),
  },
  url('a parameter that only one driver passes over', `${at}?foo=bar`, {
    auto: 'driver_unclear',
    libpq: 'url_refused',
    'node-postgres': 'writes',
  }),
  url('a parameter that cannot be followed', `${at}?sslcrl=/etc/revoked.pem`, {
    auto: 'url_not_understood',
    libpq: 'url_not_understood',
  }),
]

const tls: readonly Fault<DriversStage>[] = [
  url('a role that may connect with TLS only, and no sslmode', 'postgres://tls_only:pw@127.0.0.1:PRIMARY/DB', {
    auto: 'driver_unclear',
    libpq: 'writes',
    'node-postgres': 'tls_failed',
    'postgres.js': 'tls_failed',
    prisma: 'writes',
  }),
  url('sslmode=require, and a certificate of a private authority', `${at}?sslmode=require`, {
    auto: 'driver_unclear',
    libpq: 'writes',
    'node-postgres': 'tls_failed',
    'postgres.js': 'writes',
    prisma: 'writes',
  }),
  url('an sslmode that does not exist', `${at}?sslmode=required`, {
    auto: 'driver_unclear',
    libpq: 'url_refused',
    'node-postgres': 'tls_failed',
  }),
  {
    name: 'URL: sslmode=no-verify, and a server without TLS',
    async inject(stage) {
      await stage.setTls(false)
      await stage.use(`${at}?sslmode=no-verify`)
    },
    seen: seen({ auto: 'driver_unclear', libpq: 'url_refused', 'node-postgres': 'tls_failed' }),
  },
  url(
    'a client certificate, where pg_hba.conf wants one',
    'postgres://mailpath@localhost:PRIMARY/DB?sslmode=verify-full&sslrootcert=FOLDER/ca.pem&sslcert=FOLDER/client.crt&sslkey=FOLDER/client.key',
    { auto: 'driver_unclear', libpq: 'writes', 'node-postgres': 'writes' },
  ),
  url(
    'no client certificate, where pg_hba.conf wants one',
    'postgres://mailpath:pw@localhost:PRIMARY/DB?sslmode=verify-full&sslrootcert=FOLDER/ca.pem',
    { libpq: 'login_failed', 'node-postgres': 'login_failed', auto: 'login_failed' },
  ),
]

/** URLs as providers give them, on a server with a private authority. */
const ofProviders: readonly Fault<DriversStage>[] = [
  url('of RDS, with the file of its authority', `${at}?sslmode=verify-full&sslrootcert=FOLDER/ca.pem`, {
    auto: 'driver_unclear',
    libpq: 'writes',
    'node-postgres': 'writes',
    'postgres.js': 'tls_failed',
  }),
  url('of Heroku, with sslmode=no-verify', `${at}?sslmode=no-verify`, {
    auto: 'driver_unclear',
    'node-postgres': 'writes',
    libpq: 'url_refused',
  }),
  url('of Neon, with channel_binding=require', `${at}?sslmode=require&channel_binding=require`, {
    auto: 'driver_unclear',
    libpq: 'writes',
    'node-postgres': 'tls_failed',
    'postgres.js': 'setting_refused',
    prisma: 'writes',
  }),
  url('with channel_binding=require, and no sslmode', `${at}?channel_binding=require`, {
    auto: 'driver_unclear',
    libpq: 'writes',
    'node-postgres': 'writes',
    'postgres.js': 'setting_refused',
    prisma: 'writes',
  }),
  {
    name: 'URL: channel_binding=require, and a server without TLS',
    async inject(stage) {
      await stage.setTls(false)
      await stage.use(`${at}?channel_binding=require`)
    },
    seen: seen({ auto: 'driver_unclear', libpq: 'tls_failed', 'node-postgres': 'writes', prisma: 'tls_failed' }),
  },
  url('of node-postgres, with uselibpqcompat', `${at}?uselibpqcompat=true&sslmode=require`, {
    auto: 'driver_unclear',
    'node-postgres': 'writes',
    libpq: 'url_refused',
  }),
]

const forms: readonly Fault<DriversStage>[] = [
  url('of JDBC', 'jdbc:postgresql://127.0.0.1:STANDBY/DB?user=USER&password=PASSWORD', { auto: 'read_only' }),
  url('of SQLAlchemy', 'postgresql+asyncpg://LOGIN@127.0.0.1:STANDBY/DB', { auto: 'read_only' }),
  url('of Django', 'postgis://LOGIN@127.0.0.1:STANDBY/DB', { auto: 'read_only' }),
  url('a conninfo string', 'host=127.0.0.1 port=STANDBY user=USER password=PASSWORD dbname=DB', { auto: 'read_only' }),
  url('of Prisma', 'postgres://LOGIN@127.0.0.1:STANDBY/DB?pgbouncer=true&schema=public&connection_limit=5', {
    auto: 'read_only',
    prisma: 'read_only',
    libpq: 'url_refused',
  }),
]

const keys: readonly Fault<DriversStage>[] = [
  {
    name: 'PGHOST: a list, of which the first is the standby',
    inject: stage => stage.setKeys({ PGHOST: '127.0.0.1,127.0.0.1', PGPORT: 'STANDBY,PRIMARY' }),
    seen: { verdict: 'ok', reasons: ['write_path/keys write_path_read_only'] },
  },
  {
    name: 'PGSSLMODE: one that libpq does not have',
    inject: stage => stage.setKeys({ PGSSLMODE: 'no-verify' }),
    seen: { verdict: 'ok', reasons: ['write_path/keys write_path_url_refused'] },
  },
]

const drivers: Area<DriversStage> = {
  name: 'URLs as drivers read them',
  start: startDriversStage,
  faults: [...where, ...settings, ...tls, ...ofProviders, ...forms, ...keys],
  // Six paths, each of which is tried in up to four ways.
  times: { intervalMs: 2_000, timeoutMs: 1_500 },
}

export const driverAreas: readonly Runnable[] = [runnable(drivers)]
