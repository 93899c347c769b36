import { drivers } from '../../src/clients/postgres-url/plan.ts'
import { parametersOfAll, treatmentOf, type Treatment } from '../../src/clients/postgres-url/treatment.ts'
import { document, inCell } from './docs.ts'
import { markdownTable } from '../../src/report/table.ts'

const intro = `The same URL means different things to different drivers. With \`?port=6432\`, node-postgres and libpq connect to port 6432;
Prisma ignores it, and postgres.js sends it to the server. So the exporter reads the URL of an application as the
application's driver reads it, and connects in exactly that way. \`driver\` says which driver that is:

| \`driver\` | What it stands for | Its rules come from |
| --- | --- | --- |
| \`libpq\` | libpq, and everything built on it: psql, psycopg, PHP's PDO, Ruby's pg, Perl's DBD::Pg | [the documentation of PostgreSQL 18](https://www.postgresql.org/docs/18/libpq-connect.html) and \`src/interfaces/libpq/fe-connect.c\` |
| \`node-postgres\` | \`pg\` 8.23 with the URL as \`connectionString\`, and everything built on it: Knex, TypeORM, Sequelize, Prisma 7 with \`@prisma/adapter-pg\` | [pg-connection-string](https://github.com/brianc/node-postgres/blob/master/packages/pg-connection-string/index.js) and \`packages/pg/lib/connection-parameters.js\` |
| \`postgres.js\` | \`postgres\` 3.4 with the URL as its first argument: Drizzle | [\`src/index.js\`](https://github.com/porsager/postgres/blob/v3.4.9/src/index.js) and \`src/connection.js\` |
| \`prisma\` | The Rust engine of Prisma, up to Prisma 6. Prisma 7 has no such engine: there set \`node-postgres\` | [its documentation](https://www.prisma.io/docs/orm/v6/overview/databases/postgresql) and [\`quaint/src/connector/postgres/url.rs\`](https://github.com/prisma/prisma-engines/blob/main/quaint/src/connector/postgres/url.rs) |

A test gives over 200 URLs to the real libpq 15, node-postgres and postgres.js, and compares what they send to a server
with what the exporter reads. Prisma's rules are taken from its source.

Of a URL only the names of its parameters are ever shown. A name after a password is not shown either: it may be the rest
of the password.`

const tls = `| \`sslmode\` | libpq | node-postgres | postgres.js | Prisma's engine |
| --- | --- | --- | --- | --- |
| none | TLS if it is offered, else in the clear; in the clear after a refusal | in the clear | in the clear | TLS if it is offered, else in the clear |
| \`disable\` | in the clear | in the clear | in the clear | in the clear |
| \`allow\` | in the clear, and TLS after a refusal | TLS, verified in full | TLS, not verified | as none |
| \`prefer\` | as none | TLS, verified in full | TLS if it is offered, not verified, else in the clear | as none |
| \`require\` | TLS, not verified | TLS, verified in full | TLS, not verified | TLS, not verified |
| \`verify-ca\` | TLS, the chain verified | TLS, verified in full | TLS, verified in full | as none |
| \`verify-full\` | TLS, verified in full | TLS, verified in full | TLS, verified in full | as none |
| \`no-verify\` | refused | TLS, not verified | TLS, verified in full | as none |
| any other | refused | TLS, verified in full | TLS, verified in full | as none |

- libpq with \`sslrootcert\` verifies the chain in every mode, if the file is there. \`sslrootcert=system\` means
  \`verify-full\` against the authorities of the system, as libpq 16 and later have it. Without \`sslrootcert\`, the modes
  \`verify-ca\` and \`verify-full\` need \`~/.postgresql/root.crt\` of the application: set \`ca_file\` to a copy of it.
- \`ssl=true\`: TLS for libpq (not verified), node-postgres and postgres.js (both verified in full); Prisma's engine ignores
  it. Only node-postgres knows \`ssl=no-verify\`. \`ssl=false\` is in the clear for postgres.js; node-postgres reads it as an
  object of settings and cannot connect.
- With \`uselibpqcompat=true\`, node-postgres has the modes of libpq. Only \`prefer\` differs: it is \`require\`, not verified.
- \`channel_binding=require\`: libpq and Prisma's engine insist on SCRAM-SHA-256-PLUS, which binds the login to its TLS;
  node-postgres ignores it.
- If the host is an IP address, postgres.js verifies the certificate for the name localhost instead.
- \`PGSSLMODE\` is read by libpq and node-postgres, \`PGSSL\` by postgres.js, and neither by Prisma.
- Prisma: \`sslaccept=strict\` verifies in full, against the authorities of the system and those of \`sslcert\`, which is
  a file of authorities there. \`sslaccept=accept_invalid_certs\` is the default.
- On a socket libpq uses no TLS, in any mode. The other drivers ask for TLS and fail, except Prisma's engine and postgres.js
  with \`prefer\`.`

const places = `- **Order.** For libpq and node-postgres, \`host\`, \`port\`, \`user\` and \`password\` in the query override those before it.
  For Prisma only \`host\` does. postgres.js sends all four to the server as settings of the session, and the server refuses
  the login.
- **Sockets.** \`?host=/run/postgresql\` is a folder of sockets for libpq, node-postgres and Prisma.
  \`%2Frun%2Fpostgresql\` before the path is one for libpq and node-postgres.
- **Lists.** \`h1:5432,h2:5433\` is read by libpq and postgres.js, with \`target_session_attrs\`. \`PGHOST\` may be a list too.
  node-postgres and Prisma read a list as the name of one host, or refuse the URL.
- **No host.** libpq uses a folder of sockets that was chosen when it was built, so the check is \`unknown\`. The others use
  \`localhost\`.
- **No user.** libpq, node-postgres and postgres.js use the user of the operating system, which the exporter does not know.
  Prisma's engine is refused by the server.
- **Database.** node-postgres decodes the path, except \`%2F\`, \`%3A\`, \`%40\` and similar; postgres.js and Prisma do not
  decode it. Prisma uses only its first part.
- **Settings.** What the URL does not say comes from the application's own \`PG*\` settings. Prisma reads none. The
  environment of the exporter never counts.
- **Password files.** \`~/.pgpass\`, \`passfile\` and service files are not read.`

const doubts = `Some characters of a password have to be percent-encoded. If they are not, each driver splits the URL at another place. Such a
URL is not tried: the check is \`unknown\` and says what to encode. That is a \`#\` anywhere, more than one \`@\` before the
path, and a \`/\` or a \`?\` before an \`@\`. Quotation marks around a URL, and a line break at its end, are reported too.

| In the password | Write |
| --- | --- |
| \`@\` | \`%40\` |
| \`#\` | \`%23\` |
| \`/\` | \`%2F\` |
| \`?\` | \`%3F\` |
| \`%\` | \`%25\` |
| \`&\` | \`%26\` |`

const forms = `| Form | Read as |
| --- | --- |
| \`host=… port=… user=…\` | libpq reads it; no other driver does |
| \`postgresql+psycopg2://\`, \`+psycopg\` (SQLAlchemy) | libpq |
| \`postgresql+asyncpg://\` (SQLAlchemy) | asyncpg: \`ssl\` is what libpq calls \`sslmode\`; other parameters are \`unknown\` |
| \`postgis://\`, \`psql://\`, \`pgsql://\`, \`timescale://\` (Django, Rails) | libpq; what libpq does not know is \`unknown\` |
| \`jdbc:postgresql://\` (Java) | pgJDBC: lists of hosts, \`user\`, \`password\`, \`ssl\`, \`sslmode\`, \`sslrootcert\`, \`targetServerType\` (\`any\`, \`primary\`), \`connectTimeout\`, \`ApplicationName\`, \`currentSchema\`, \`options\`. Other parameters that change the connection are \`unknown\` |
| \`ecto://\` (Elixir) | Postgrex: in the clear |
| \`/folder database\`, \`socket:/folder?db=…\` | node-postgres, with \`driver: node-postgres\` |
| \`prisma://\`, \`prisma+postgres://\`, \`mysql://\` and others | \`unknown\`: they do not lead to a Postgres server |

With \`driver: auto\` such a URL is read once, as its own library reads it.

With \`driver: auto\`, a parameter of Prisma's own (\`schema\`, \`pgbouncer\`, \`connection_limit\` and so on) shows that the URL
is for Prisma. It is read as Prisma's engine and node-postgres read it, since the others could not connect with it. Other
parameters are no such sign. \`sslrootcert\`, \`channel_binding\` or \`sslmode=no-verify\` may be a mistake: if a driver cannot
connect with them, the path is unclear. Set \`driver\` then to the one that the application has.`

const legend: Readonly<Record<Treatment, string>> = {
  followed:
    'the exporter does what it says. If that is not possible for a value, such as `load_balance_hosts=random`, the check is `unknown` and says so',
  'no matter': 'the driver reads it, but it changes neither where nor how the driver connects',
  ignored: 'the driver does nothing with it',
  sent: 'the driver sends it to the server with the login, and so does the exporter: the server says whether it takes it',
  unknown: 'the exporter cannot follow it: the check is `unknown`, and names it',
  refused: 'the driver refuses the URL because of it, or every server refuses the login',
}

const shown: Readonly<Record<string, string>> = { prisma: "Prisma's engine" }

/** docs/postgres-urls.md */
export const postgresUrlsDoc = (): string =>
  document(
    'URLs of Postgres',
    intro,
    '## Where it leads',
    places,
    '## TLS',
    tls,
    '## Passwords that have to be encoded',
    doubts,
    '## Other forms',
    forms,
    '## Parameters',
    Object.entries(legend)
      .map(([word, meaning]) => `- **${word}**: ${meaning}.`)
      .join('\n'),
    markdownTable(
      ['Parameter', ...drivers.map(driver => shown[driver] ?? driver)],
      parametersOfAll.map(name => [inCell(`\`${name}\``), ...drivers.map(driver => treatmentOf(driver, name))]),
    ),
    'libpq refuses any other parameter. Settings of Rails, pgx, lib/pq or Django are `unknown`, since those remove them first. node-postgres and Prisma pass over any other parameter, and postgres.js sends it.',
  )
