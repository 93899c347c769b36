/** What is read where no driver is here to be asked, and what must hold of every reading. */
import fc from 'fast-check'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { readAs, readings, samePlan } from '../../src/clients/postgres-url/index.ts'
import { parametersOfAll, treatmentOf } from '../../src/clients/postgres-url/treatment.ts'
import { drivers, type Driver, type Plan, type Reading, type TlsPlan } from '../../src/clients/postgres-url/plan.ts'

const read = (driver: Driver, url: string | undefined, settings = {}): Reading => readAs(driver, { url, settings })
const planOf = (reading: Reading): Plan => {
  if (reading.kind !== 'plan') throw new Error(`no plan: ${JSON.stringify(reading)}`)
  return reading.plan
}
const whyOf = (reading: Reading): string =>
  reading.kind === 'plan' ? 'a plan' : reading.kind === 'refused' ? `refused: ${reading.error}` : reading.why
const placesOf = ({ endpoints }: Plan): string =>
  endpoints.map(one => `${one.kind === 'tcp' ? one.host : one.folder}:${one.port}`).join()
const tlsOf = ({ use, verify, authorities }: TlsPlan): string =>
  [use, verify, ...(authorities === 'usual' ? [] : ['file' in authorities ? authorities.file : 'text'])].join(', ')

const here = 'postgres://app:pw@db:5433/app'

// By url.rs and native/mod.rs of quaint: its engine is not here.
describe('Prisma up to 6 reads', () => {
  it.each<[string, string, string]>([
    [here, 'db:5433', 'opportunistic, nothing'],
    ['postgresql://app:pw@db', 'db:5432', 'opportunistic, nothing'],
    [`${here}?host=other&port=1`, 'other:5433', 'opportunistic, nothing'],
    [`${here}?host=/run/sock`, '/run/sock:5433', 'opportunistic, nothing'],
    [`${here}?sslmode=disable`, 'db:5433', 'never, nothing'],
    [`${here}?sslmode=require`, 'db:5433', 'require, nothing'],
    [`${here}?sslmode=verify-full`, 'db:5433', 'opportunistic, nothing'],
    [`${here}?sslaccept=strict`, 'db:5433', 'opportunistic, chain and name'],
    [`${here}?sslaccept=nonsense`, 'db:5433', 'opportunistic, chain and name'],
    [`${here}?sslmode=require&sslaccept=accept_invalid_certs&sslcert=/ca.pem`, 'db:5433', 'require, nothing'],
    [`${here}?sslmode=require&sslaccept=strict&sslcert=/ca.pem`, 'db:5433', 'require, chain and name, /ca.pem'],
    [`${here}?sslrootcert=/ca.pem&target_session_attrs=primary`, 'db:5433', 'opportunistic, nothing'],
  ])('%s', (url, places, tls) => {
    const plan = planOf(read('prisma', url))
    expect([placesOf(plan), tlsOf(plan.tls)]).toEqual([places, tls])
  })

  it.each<[string | undefined, string]>([
    [undefined, 'refused: the URL is missing: Prisma reads no PG* settings'],
    ['POSTGRES://app@db/app', 'refused: the URL must start with the protocol postgresql:// or postgres://'],
    ['postgres://app:pw@/app?host=/run', 'refused: the scheme, the host or the port of the URL is invalid'],
    [`${here}?connection_limit=x`, 'refused: invalid connection arguments: connection_limit is no number'],
    [`${here}?pgbouncer=1`, 'refused: invalid connection arguments: pgbouncer is neither true nor false'],
    [`${here}?sslmode=require&host=/run`, 'refused: the server does not support TLS (there is none on a socket)'],
    [`${here}?sslidentity=/id.p12`, 'has sslidentity, a certificate in PKCS #12, which cannot be followed here'],
  ])('%s not', (url, why) => {
    expect(whyOf(read('prisma', url))).toBe(why)
  })

  it('sets the schema with the login, but not through PgBouncer', () => {
    expect(planOf(read('prisma', `${here}?schema=mail`)).startup['search_path']).toBe('"mail"')
    const { plan, ignored } = read(
      'prisma',
      `${here}?pgbouncer=true&schema=public&connection_limit=5&port=1`,
    ) as Extract<Reading, { kind: 'plan' }>
    expect([plan.startup, ignored]).toEqual([{ client_encoding: 'UTF8' }, ['port']])
  })

  it('reads no settings of Postgres', () => {
    expect(placesOf(planOf(read('prisma', 'postgres://app@db/app', { PGHOST: 'x', PGPORT: '1' })))).toBe('db:5432')
  })
})

it.each<[Driver, string, string | undefined, boolean | undefined]>([
  ['postgres.js', 'postgres://a@10.0.0.1/app?ssl=true', 'localhost', undefined],
  ['postgres.js', 'postgres://a@db/app?ssl=true', undefined, undefined],
  ['node-postgres', 'postgres://a@10.0.0.1/app?ssl=true&channel_binding=require', undefined, undefined],
  ['libpq', `${here}?channel_binding=require`, undefined, true],
  ['libpq', `${here}?channel_binding=prefer`, undefined, undefined],
  ['prisma', `${here}?sslmode=require&channel_binding=require`, undefined, true],
])('%s: %s verifies %s for an address, and is bound to TLS: %s', (driver, url, name, bound) => {
  const { tls } = planOf(read(driver, url))
  expect([tls.nameOfAddress, tls.bound]).toEqual([name, bound])
})

it('takes white space around the name of a host as it is: an application does not find it either', () => {
  const plan = planOf(read('libpq', 'postgres://app@/app', { PGHOST: 'db\n', PGUSER: 'app' }))
  expect(plan.endpoints).toEqual([{ kind: 'tcp', host: 'db\n', port: 5432 }])
})

describe('is not followed', () => {
  it.each<[Driver, string, string]>([
    [
      'node-postgres',
      'postgres://${DB_USER}:pw@db/app',
      'has a user that does not look like one: expected the name of a user, in one line; it holds ${DB_USER}: nothing was put in for that',
    ],
    ['libpq', `${here}?service=x`, 'has service, which cannot be followed here'],
    [
      'libpq',
      `${here}?pool=5`,
      'has pool, a setting of Rails, which libpq itself refuses; give host, user and so on in place of url',
    ],
    [
      'libpq',
      `${here}?pool_max_conns=10`,
      'has pool_max_conns, a setting of pgx, of Go, which libpq itself refuses; give host, user and so on in place of url',
    ],
    ['libpq', `${here}?sslcrl=/crl.pem`, 'has sslcrl, which cannot be followed here'],
    ['libpq', `${here}?require_auth=scram-sha-256`, 'has require_auth, which cannot be followed here'],
    [
      'libpq',
      `${here}?ssl_min_protocol_version=TLSv1.3`,
      'has ssl_min_protocol_version as other than TLSv1.2, which cannot be followed here',
    ],
    ['libpq', `${here}?replication=database`, 'has replication, and a session for replication cannot write'],
    [
      'libpq',
      'postgres://h1,h2/app?load_balance_hosts=random',
      'has load_balance_hosts as random: each connection leads to another of its hosts',
    ],
    [
      'libpq',
      `${here}?sslrootcert=ca.pem`,
      'has sslrootcert with a path that does not begin with /: it counts from the folder the application runs in',
    ],
    [
      'libpq',
      `${here}?sslmode=verify-full`,
      'has sslmode as verify-full and no sslrootcert: libpq reads ~/.postgresql/root.crt; set ca_file to a copy of it',
    ],
    [
      'libpq',
      'postgres:///app',
      'names no host: libpq takes a folder of sockets that differs from build to build; name the host',
    ],
    [
      'libpq',
      'postgres://app@db/app?passfile=/x',
      'has no password, and passfile names a file of passwords, which is not read here',
    ],
    ['node-postgres', `${here}?replication=true`, 'has replication, and a session for replication cannot write'],
    [
      'node-postgres',
      `${here}?connectionString=postgres://x`,
      'has connectionString, which is another URL in place of this one',
    ],
    [
      'postgres.js',
      'postgres://127.0.0.1/app?user=app',
      'has user in its query, which postgres.js sends in place of that of the login, and logs in as another',
    ],
  ])('%s: %s', (driver, url, why) => {
    expect(whyOf(read(driver, url))).toBe(why)
  })

  it('says which setting it is', () => {
    expect(whyOf(read('libpq', here, { PGSSLCRL: '/crl.pem' }))).toBe('has PGSSLCRL, which cannot be followed here')
  })
})

describe.each(drivers)('%s cannot split', driver => {
  it.each([
    [
      'postgres://app:secret@word@db/app',
      'has more than one @ before the path: encode those of the user and the password as %40',
    ],
    ['postgres://app:secret#word@db/app', 'has a raw # in it: if that is part of the password, encode it as %23'],
    ['postgres://app:secret/word@db/app', 'has a raw / before an @: if that is part of the password, encode it as %2F'],
    ['postgres://app:secret?word@db/app', 'has a raw ? before an @: if that is part of the password, encode it as %3F'],
    [
      'postgres://app:se@cret/word@db/app',
      'has a raw / before an @: if that is part of the password, encode it as %2F',
    ],
    [
      'postgres://app:se@cret?word@db/app',
      'has a raw ? before an @: if that is part of the password, encode it as %3F',
    ],
    [
      'postgres://app:12/secret?word@db/app',
      'has a raw ? before an @: if that is part of the password, encode it as %3F',
    ],
    ['"postgres://app:secret@db/app"', 'begins with a quotation mark: take the quotation marks off'],
    [
      'postgres://app:secret@db/app\n',
      'has a line break, a tab, a control character, or a space at one of its ends: take it out',
    ],
  ])('%s', (url, why) => {
    expect(whyOf(read(driver, url))).toBe(why)
  })
})

describe('of other libraries', () => {
  it.each<[string, string, string, string]>([
    ['postgresql+psycopg2://app:pw@db:5433/app?sslmode=require', 'db:5433', 'require, nothing', 'app'],
    ['postgresql+asyncpg://app:pw@db/app', 'db:5432', 'prefer, nothing', 'app'],
    [
      'postgresql+asyncpg://app:pw@db/app?ssl=require&prepared_statement_cache_size=0',
      'db:5432',
      'require, nothing',
      'app',
    ],
    ['postgis://app:pw@db:5433/app', 'db:5433', 'prefer, nothing', 'app'],
    ['ecto://app:pw@db:5433/app?pool_size=5', 'db:5433', 'never, nothing', 'app'],
    ['jdbc:postgresql://db:5433/app?user=app&password=pw', 'db:5433', 'prefer, nothing', 'app'],
    [
      'jdbc:postgresql://h1,h2:1/app?user=app&sslmode=require&targetServerType=primary',
      'h1:5432,h2:1',
      'require, nothing',
      'app',
    ],
    ['jdbc:postgresql:app?user=app', 'localhost:5432', 'prefer, nothing', 'app'],
    [
      'jdbc:postgresql://[::1]:1/app?ssl=true&sslrootcert=/ca.pem&user=app',
      '::1:1',
      'require, chain and name, /ca.pem',
      'app',
    ],
    ['host=db port=5433 user=app password=pw', 'db:5433', 'prefer, nothing', 'app'],
  ])('reads %s', (url, places, tls, database) => {
    const [only, ...more] = readings({ url, settings: {} })
    const plan = planOf(only?.reading ?? { kind: 'refused', error: 'nothing' })
    expect([placesOf(plan), tlsOf(plan.tls), plan.database, more]).toEqual([places, tls, database, []])
  })

  it.each([
    [
      'postgresql+asyncpg://app:pw@db/app?sslmode=require',
      'is a URL of SQLAlchemy with sslmode, which asyncpg refuses: it has ssl in its place, such as ssl=require',
    ],
    [
      'postgresql+asyncpg://app:pw@db/app?connect_timeout=5',
      'is a URL of SQLAlchemy with connect_timeout, which cannot be followed for asyncpg',
    ],
    ['mysql://app:pw@db/app', 'is of another kind of server; expected one such as postgres://user@host:5432/database'],
    ['https://app:pw@db/app', 'is of another kind of server; expected one such as postgres://user@host:5432/database'],
    [
      'prisma+postgres://localhost:51213/?api_key=pw',
      'is a URL of Prisma Accelerate, and leads to no server of Postgres',
    ],
    ['jdbc:mysql://db/app', 'is of another kind of server; expected one such as postgres://user@host:5432/database'],
    [
      'jdbc:postgresql://app:pw@db/app',
      'is a JDBC URL with a user before the host, where the driver of Java reads none',
    ],
    ['jdbc:postgresql://db/app?sslfactory=x', 'is a JDBC URL with sslfactory, which cannot be followed here'],
    [
      'jdbc:postgresql://db/app?password=a&pw=x',
      'is a JDBC URL with a parameter after the password (write & of a password as %26), which cannot be followed here',
    ],
    ['jdbc:postgresql://db/app?sslmode=nonsense', 'is a JDBC URL with an sslmode that does not exist'],
    ['ecto://app:pw@db/app?ssl=true', 'is a URL of Ecto with ssl, which cannot be followed here'],
    ['postgresql+pg8000://app:pw@db/app', 'is a URL of SQLAlchemy for a driver that cannot be followed here'],
    [
      'postgis://app:pw@db/app?conn_max_age=5',
      'has conn_max_age, a setting of Django, which libpq itself refuses; give host, user and so on in place of url',
    ],
    ['db:5432/app', 'is none of Postgres; expected one such as postgres://user@host:5432/database'],
    ['', 'is none of Postgres; expected one such as postgres://user@host:5432/database'],
  ])('says what %s is', (url, why) => {
    expect(readings({ url, settings: {} }).map(({ reading }) => whyOf(reading))).toEqual([why])
  })

  it('says that a driver does not read it', () => {
    expect(whyOf(read('prisma', 'host=db user=app'))).toBe('is a conninfo string, which libpq alone reads')
  })
})

describe('keys of the configuration', () => {
  it('count before what the URL says', () => {
    const given = { url: `${here}?sslmode=verify-full`, settings: {}, caFile: '/ca.pem', password: 'other' }
    for (const driver of ['libpq', 'node-postgres', 'postgres.js'] as const) {
      const plan = planOf(readAs(driver, given))
      expect([driver, tlsOf(plan.tls), plan.password]).toEqual([driver, 'require, chain and name, /ca.pem', 'other'])
    }
  })

  it('stand for root.crt of libpq, so that every mode verifies', () => {
    const { tls } = planOf(readAs('libpq', { url: here, settings: {}, caFile: '/ca.pem' }))
    expect(tls).toEqual({
      use: 'prefer',
      direct: false,
      verify: 'chain',
      authorities: { file: '/ca.pem' },
    })
    // One that the URL names may be missing.
    const named = planOf(read('libpq', `${here}?sslrootcert=/ca.pem`)).tls
    expect([named.authorities, named.authoritiesOptional]).toEqual([{ file: '/ca.pem' }, true])
  })
})

describe('two plans behave alike', () => {
  const of = (driver: Driver, url: string) => planOf(read(driver, url))
  it.each<[Driver, string, Driver, string, boolean]>([
    ['node-postgres', here, 'postgres.js', here, true],
    ['libpq', here, 'node-postgres', here, false],
    ['libpq', here, 'prisma', here, false],
    ['libpq', `${here}?sslmode=disable`, 'node-postgres', here, true],
    ['libpq', `${here}?sslmode=disable`, 'prisma', `${here}?sslmode=disable`, true],
    ['libpq', `${here}?sslmode=disable&application_name=x`, 'postgres.js', here, true],
    ['libpq', `${here}?sslmode=require`, 'postgres.js', `${here}?sslmode=require`, true],
    ['libpq', `${here}?sslmode=require`, 'node-postgres', `${here}?sslmode=require`, false],
    ['node-postgres', `${here}?options=-c%20geqo%3Doff`, 'node-postgres', here, false],
    ['node-postgres', `${here}?port=1`, 'node-postgres', here, false],
    ['node-postgres', 'postgres://app:pw@DB:5433/app', 'node-postgres', here, true],
    ['node-postgres', 'postgres://app:other@db:5433/app', 'node-postgres', here, false],
    ['prisma', `${here}?schema=public`, 'prisma', here, false],
    ['libpq', 'postgres:///app?host=/run/&user=app', 'node-postgres', 'postgres:///app?host=/run&user=app', true],
  ])('%s with %s and %s with %s: %s', (a, first, b, second, same) => {
    expect(samePlan(of(a, first), of(b, second))).toBe(same)
  })
})

describe('the table of parameters in the documents', () => {
  const cases = drivers.flatMap(driver => parametersOfAll.map(name => [driver, name] as const))
  it.each(cases)('%s and %s', (driver, name) => {
    const base = read(driver, here)
    const reading = read(driver, `${here}?${name}=${name === 'replication' ? '0' : '1'}`)
    switch (treatmentOf(driver, name)) {
      case 'no matter':
        expect(reading).toEqual(base)
        break
      case 'ignored':
        expect(reading).toEqual({ ...base, ignored: [name] })
        break
      case 'sent':
        expect(planOf(reading).startup[name]).toBe(name === 'replication' ? '0' : '1')
        break
      case 'refused':
        expect(reading.kind).toBe('refused')
        break
      case 'unknown':
        expect(whyOf(reading)).toContain(`has ${name},`.replace(/(user|database),/, '$1 '))
        break
      case 'followed':
        expect(reading).not.toEqual({ ...base, ignored: [name] })
        break
    }
  })
})

const secret = 'canary.Zq7'
const piece = fc.constantFrom(
  '',
  'a',
  'db',
  '@',
  ':',
  '/',
  '?',
  '#',
  '&',
  '=',
  '%',
  '%40',
  '%zz',
  '+',
  ' ',
  ',',
  '[',
  ']',
  '\\',
  "'",
  '"',
  'ü',
  '\n',
  '5432',
  'host',
  'port',
  'sslmode',
  'password',
  'ssl',
  'options',
  'x',
)
const some = fc.array(piece, { maxLength: 6 }).map(parts => parts.join(''))
const form = fc.constantFrom(
  'postgres://',
  'postgresql://',
  'jdbc:postgresql://',
  'postgis://',
  'ecto://',
  'postgresql+asyncpg://',
  'host=',
  'http://',
  '',
)

describe('whatever the URL', () => {
  it('throws nothing, and shows nothing of the password', () => {
    fc.assert(
      fc.property(form, some, some, some, some, (start, user, around, host, rest) => {
        for (const url of [
          `${start}${user}:${around}${secret}${around}@${host}/${rest}`,
          `${start}${host}/${user}?password=${secret}${around}&${rest}=${secret}`,
          `${start}${host}?${around}${secret}=${rest}`,
          `${start}${host} password=${around}${secret} ${rest}`,
        ])
          for (const { reading } of [
            ...readings({ url, settings: { PGPASSWORD: secret } }),
            ...drivers.map(driver => ({ reading: readAs(driver, { url, settings: {} }) })),
          ]) {
            const told = JSON.stringify({ ...reading, plan: undefined })
            expect(url.includes(`?${around}${secret}=`) || !told.includes('canary')).toBe(true)
          }
      }),
      { numRuns: 3_000 },
    )
  })

  it('has the host and the port that node-postgres has', () => {
    const name = fc.stringMatching(/^[a-z0-9-]{1,8}$/)
    fc.assert(
      fc.property(name, some, fc.option(name), fc.option(fc.nat(70_000)), (user, password, host, port) => {
        const query = new URLSearchParams({
          ...(host !== null && { host }),
          ...(port !== null && { port: String(port) }),
        })
        const url = `postgres://${user}:${encodeURIComponent(password)}@db:5433/app?${query.toString()}`
        const reading = read('node-postgres', url)
        if (reading.kind !== 'plan') return
        const real = new pg.Client({ connectionString: url })
        expect(placesOf(reading.plan)).toBe(`${real.host}:${real.port}`)
        expect(reading.plan.password ?? '').toBe(real.password ?? '')
      }),
    )
  })
})
