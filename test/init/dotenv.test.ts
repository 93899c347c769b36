import fc from 'fast-check'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { configurationOf } from '../../src/init/index.ts'
import { dotenvSettings } from '../../src/init/dotenv.ts'
import { envFile, first, never, nothing } from './first.ts'

describe('the database', () => {
  it('is a reference with its line, whatever form the line has', async () => {
    const { data, file, text } = await first(
      '\uFEFF# app\r\nexport DATABASE_URL="postgresql://app:pw@10.0.0.1:5432/shop"\r\n',
    )
    expect(data['write_path']).toEqual([
      { name: 'shop DATABASE_URL', cluster: 'main', url: { dotenv: file, key: 'DATABASE_URL' } },
    ])
    expect(text).toContain('key: DATABASE_URL } # line 2')
    expect(text).not.toContain('10.0.0.1')
  })

  it('is the one by the usual name, beside others', async () => {
    const { data, text } = await first(
      [
        'ANALYTICS_URL=postgres://a:b@dwh:5432/d',
        'DATABASE_URL=postgres://app:pw@db:5432/shop?pgbouncer=true&schema=public',
        'DIRECT_DATABASE_URL=postgres://owner:pw@db:5432/shop',
        'DATABASE_REPLICA_URL=postgres://app:pw@db-2:5432/shop',
        'SHADOW_DATABASE_URL=postgres://app:pw@db:5432/shadow',
        'POSTGRES_PRISMA_URL=postgres://app:pw@db:5432/shop?pgbouncer=true&schema=public',
        'LEGACY_URL=mysql://app:pw@db:3306/shop',
        'SMTP_HOST=relay',
      ].join('\n'),
    )
    expect(data['write_path']?.map(({ name }) => name)).toEqual(['shop DATABASE_URL', 'shop ANALYTICS_URL'])
    expect(data['mail']).toMatchObject([{ write_path: ['shop DATABASE_URL'] }])
    expect(text).toContain('# If its mail needs them too, add to write_path: shop ANALYTICS_URL')
    expect(text).toContain('# It goes through a PgBouncer.')
    expect(text).toContain('# DATABASE_REPLICA_URL (line 4) was left out: by its name it only reads.')
    expect(text).toContain('# SHADOW_DATABASE_URL (line 5) was left out: by its name it is for tests.')
    expect(text).toContain('# DIRECT_DATABASE_URL (line 3) was left out: by its name it is for changes of the schema.')
    expect(text).toContain('# POSTGRES_PRISMA_URL (line 6) was left out: it leads where the one before leads.')
  })

  it.each([
    ['variables', 'DATABASE_URL=postgres://${DB_USER}:pw@db/shop', 'DATABASE_URL holds ${DB_USER}: set `expand: true`'],
    ['a raw #', 'DATABASE_URL=postgres://app:p#w@db/shop', 'DATABASE_URL has a raw # in a URL without quotes'],
    ['a raw @', 'DATABASE_URL=postgres://app:p@w@db/shop', 'the URL has more than one @'],
    [
      'another server',
      'DATABASE_URL=mysql://app:pw@db/shop',
      'DATABASE_URL (line 1) was left out: it is no URL of Postgres.',
    ],
  ])('says what to fix of a URL with %s', async (_, line, said) => {
    const { text } = await first(`${line}\nSMTP_HOST=relay\n`)
    expect(text).toContain(said)
  })

  it.each([
    ['PGHOST', 'PGHOST=db\nPGPORT=5432\nPGUSER=app\nPGPASSWORD=pw\nPGDATABASE=shop\nPGSSLMODE=require', 'require'],
    [
      'DB_HOST',
      'DB_CONNECTION=pgsql\nDB_HOST=db\nDB_PORT=5432\nDB_USERNAME=app\nDB_PASSWORD=pw\nDB_DATABASE=shop',
      undefined,
    ],
  ])('is told by %s and so on where there is no URL', async (key, lines, sslmode) => {
    const { data, file } = await first(lines)
    const at = (name: string) => ({ dotenv: file, key: name })
    const [user, database] = key === 'PGHOST' ? ['PGUSER', 'PGDATABASE'] : ['DB_USERNAME', 'DB_DATABASE']
    expect(data['write_path']).toEqual([
      {
        name: `shop ${key}`,
        cluster: 'main',
        host: at(key),
        port: at(key.replace('HOST', 'PORT')),
        user: at(user),
        password: at(key.replace('HOST', 'PASSWORD')),
        database: at(database),
        ...(sslmode !== undefined && { sslmode }),
      },
    ])
  })

  it('is none of Postgres by the word of the application', async () => {
    const { data, text } = await first('DB_CONNECTION=mysql\nDB_HOST=db\nSMTP_HOST=relay')
    expect(data).not.toHaveProperty('write_path')
    expect(text).toContain('DB_HOST was left out: it is not that of a Postgres.')
  })
})

describe('the relay', () => {
  it.each([
    ['SMTP_HOST=relay\nSMTP_PORT=465', 'tls'],
    ['SMTP_HOST=relay\nSMTP_PORT=587', 'starttls'],
    ['SMTP_HOST=relay\nSMTP_PORT=587\nSMTP_SECURE=false', 'opportunistic'],
    ['SMTP_HOST=relay\nSMTP_PORT=1025', 'opportunistic'],
    ['MAIL_HOST=relay\nMAIL_PORT=587\nMAIL_ENCRYPTION=tls', 'starttls'],
    ['MAIL_HOST=relay\nMAIL_PORT=465\nMAIL_ENCRYPTION=ssl', 'tls'],
    ['EMAIL_HOST=relay\nEMAIL_USE_TLS=True', 'starttls'],
  ])('of %j has %s', async (lines, security) => {
    expect((await first(lines)).data['smtp']).toMatchObject([{ security }])
  })

  it('takes a URL as it is', async () => {
    const { data, file } = await first("MAIL_URL='smtps://app:pw@relay:465'\n")
    expect(data['smtp']).toEqual([{ name: 'shop MAIL_URL', url: { dotenv: file, key: 'MAIL_URL' } }])
  })

  it('without the password of its user has a reference that leads nowhere yet, so that no check is ok without it', async () => {
    const { data, file, text } = await first('SMTP_HOST=relay\nSMTP_USER=app\n')
    expect(data['smtp']).toMatchObject([{ password: { dotenv: file, key: 'SMTP_PASS' } }])
    expect(text).toContain('# Missing: SMTP_PASS.')
  })

  it('is asked for by the provider alone', async () => {
    const { data, file } = await first('EMAIL_PROVIDER=smtp\n')
    expect(data['smtp']).toMatchObject([{ host: { dotenv: file, key: 'SMTP_HOST' } }])
  })
})

describe('SES', () => {
  it('is a way out where the provider says so', async () => {
    const { data, file } = await first(
      'EMAIL_PROVIDER=ses\nAWS_ACCESS_KEY_ID=AKIAEXAMPLE\nAWS_SECRET_ACCESS_KEY=x\nAWS_REGION=eu-west-1\n',
    )
    const at = (key: string) => ({ dotenv: file, key })
    expect(data['ses']).toEqual([
      {
        name: 'shop SES',
        access_key: at('AWS_ACCESS_KEY_ID'),
        secret_key: at('AWS_SECRET_ACCESS_KEY'),
        region: at('AWS_REGION'),
      },
    ])
    expect(data['mail']).toMatchObject([{ provider: at('EMAIL_PROVIDER'), smtp: [], ses: ['shop SES'] }])
  })

  it('beside a relay is a fallback that a person has to say', async () => {
    const { text } = await first(
      'SMTP_HOST=relay\nAWS_SES_ACCESS_KEY=a\nAWS_SES_SECRET_KEY=b\nAWS_SES_REGION=eu-west-1',
    )
    expect(text).toContain('# Missing: `fallback: smtp`, ses or none')
  })

  it('is not made up of keys that are for something else', async () => {
    const { data } = await first('SMTP_HOST=relay\nAWS_ACCESS_KEY_ID=a\nAWS_SECRET_ACCESS_KEY=b')
    expect(data).not.toHaveProperty('ses')
  })
})

it('leaves out a database whose name no target can have, and writes the rest', async () => {
  const { text, data } = await first('__proto__=postgres://a:b@c/d\nDATABASE_URL=postgres://a:b@e/f\nSMTP_HOST=mx')
  expect(text).not.toContain('__proto__')
  expect(data['write_path']).toHaveLength(1)
})

it('says what an unknown provider means', async () => {
  const { text } = await first('EMAIL_PROVIDER=sendgrid\nSMTP_HOST=relay')
  expect(text).toContain('# line 1; neither of smtp and ses, so mail is unknown')
})

it('takes the name of the application and its packages from package.json', async () => {
  const file = await envFile('SMTP_HOST=relay\n')
  const folder = path.dirname(file)
  await writeFile(
    path.join(folder, 'package.json'),
    JSON.stringify({ name: '@acme/shop', dependencies: { nodemailer: '7', '@aws-sdk/client-ses': '3', left: '1' } }),
  )
  await mkdir(path.join(folder, 'node_modules/nodemailer'), { recursive: true })
  await writeFile(path.join(folder, 'node_modules/nodemailer/package.json'), '{}')
  const { data } = await first('SMTP_HOST=relay', { settings: [await dotenvSettings(file, never)] })
  expect(data['packages']).toEqual([{ name: '@acme/shop', folder, require: ['nodemailer'] }])
})

it('keeps two applications apart, and gives one without a database that of the other', async () => {
  const settings = await Promise.all([
    envFile('SMTP_HOST=relay\n').then(file => dotenvSettings(file, never)),
    envFile('DATABASE_URL=postgres://app:pw@db/shop\n').then(file => dotenvSettings(file, never)),
  ])
  const { data } = await first('', { settings })
  expect(data['mail']).toMatchObject([{ name: 'shop', write_path: ['shop 2 DATABASE_URL'], smtp: ['shop SMTP'] }])
})

const names = [
  ...['DATABASE_URL', 'POSTGRES_URL', 'PGHOST', 'PGPORT', 'PGUSER', 'PGPASSWORD', 'PGDATABASE', 'PGSSLMODE', 'DB_HOST'],
  ...['SMTP_HOST', 'SMTP_PORT', 'SMTP_USER', 'SMTP_PASS', 'SMTP_SECURE', 'MAIL_URL', 'MAIL_HOST', 'EMAIL_PROVIDER'],
  ...['AWS_SES_ACCESS_KEY', 'AWS_SES_SECRET_KEY', 'AWS_SES_REGION', 'MAIL_FROM'],
]
/** Values as people have them, each with a mark that must be seen nowhere. */
const mark = 'Zq7'
const values = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 30 }).map(text => `${mark}${text.replace(/[\n\r'"`\\]/g, '')}`),
  fc.constantFrom(
    `postgres://u:${mark}@${mark}.example:5432/d`,
    `postgres://u:${mark}@h1,h2/d?sslmode=require&password=${mark}`,
    `smtps://u:${mark}@${mark}.example`,
    `-----BEGIN PRIVATE KEY-----${mark}`,
    `u:${mark}@h`,
    `\${${mark}}`,
    `jdbc:postgresql://h/d?user=${mark}`,
  ),
)

it('writes a valid file for any settings, and none of their values', async () => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.constantFrom(...names), values, { minKeys: 1 }), async given => {
      const file = await envFile(
        Object.entries(given)
          .map(([name, value]) => `${name}='${value}'\n`)
          .join(''),
      )
      const text = configurationOf({ ...nothing, settings: [await dotenvSettings(file, never)] }, 'mailpath.yml')
      if (text === undefined) return
      expect(text).not.toContain(mark)
      parse(text)
    }),
    { seed: 19, numRuns: 200 },
  )
})
