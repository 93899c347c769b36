import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { loadConfig, parseConfig, type Config } from '../../src/config/load.ts'
import { readText } from '../../src/yaml/read-text.ts'
import { nearest } from '../../src/yaml/nearest.ts'
import { checkId, type Check } from '../../src/core/probe.ts'
import type { CanaryTarget } from '../../src/probes/canary/target.ts'
import type { DnsTarget } from '../../src/probes/dns/target.ts'

const example = join(import.meta.dirname, 'example.yml')
const views = join(import.meta.dirname, 'example-patroni.yml')
const parse = (text: string): Config => parseConfig(text, 'mailpath.yml')
const postgres = `postgres:
  - name: db-1
    cluster: main
    url: postgres://mailpath@db-1:5432/postgres
`

function find(config: Config, id: string): Check {
  const check = config.checks.find(check => checkId(check) === id)
  if (!check) throw new Error(`there is no check ${id}`)
  return check
}

describe('the example of the design', () => {
  it('loads: one check per entry', async () => {
    const { checks, file } = await loadConfig(example)
    expect(file).toBe(example)
    expect(checks.map(checkId)).toEqual([
      'postgres/db-postgres-01',
      'write_path/haproxy-write',
      'write_path/backend DATABASE_URL',
      'write_path/secret PGHOST',
      'smtp/mail.keybuzz.io',
      'vault/vault-01',
      'kubernetes/api-server',
      'ses/backend SES',
      'ses/newsletter SES',
      'dns/keybuzz.io',
      'outbox/outbound mail',
      'canary/to the outside',
      'settings/backend-01',
      'packages/keybuzz-backend',
      'drift/SMTP password',
      'drift/PGHOST',
      'mail/keybuzz-backend',
    ])
  })

  it('has another one with Patroni, HAProxy and PgBouncer, which loads too', async () => {
    const { checks } = await loadConfig(views)
    const kinds = ['postgres', 'patroni', 'haproxy', 'pgbouncer', 'write_path', 'smtp', 'mail']
    expect([...new Set(checks.map(({ probe }) => probe))]).toEqual(kinds)
  })

  it('keeps references as they are, to be fetched at each run', async () => {
    const config = await loadConfig(example)
    expect(find(config, 'ses/backend SES').config).toEqual({
      name: 'backend SES',
      access_key: { env: 'AWS_SES_ACCESS_KEY' },
      secret_key: { env: 'AWS_SES_SECRET_KEY' },
      region: { env: 'AWS_SES_REGION' },
      implemented: false,
      verify: true,
      sandbox: false,
      quota_warning: 0.8,
    })
    expect(config.mail).toEqual([
      {
        name: 'keybuzz-backend',
        provider: { dotenv: '/opt/keybuzz/keybuzz-backend/.env', key: 'EMAIL_PROVIDER', default: 'smtp' },
        fallback: 'none',
        write_path: ['backend DATABASE_URL', 'haproxy-write'],
        smtp: ['mail.keybuzz.io'],
        ses: ['backend SES'],
      },
    ])
    expect(config.vaults.map(({ name, url }) => [name, url])).toEqual([['vault-01', 'https://vault-01:8200']])
    expect(config.kubernetes).toBeUndefined()
  })

  it('knows which checks need which Vault, and which need Kubernetes', async () => {
    const { checks } = await loadConfig(example)
    const needy = checks.filter(({ needs }) => needs.length > 0)
    expect(needy.map(check => [checkId(check), check.needs])).toEqual([
      ['write_path/secret PGHOST', ['kubernetes/api-server']],
      ['smtp/mail.keybuzz.io', ['vault/vault-01']],
      ['canary/to the outside', ['vault/vault-01']],
      ['drift/SMTP password', ['kubernetes/api-server', 'vault/vault-01']],
      ['drift/PGHOST', ['kubernetes/api-server']],
    ])
  })
})

describe('the API server', () => {
  const ids = (text: string) => parseConfig(text, 'mailpath.yml').checks.map(checkId)
  const mailOnly = ['smtp/relay', 'mail/default']

  it('is a check where something is read from it, settings and the token of a Vault too', () => {
    expect(ids('smtp: [{ name: relay, host: mail }]')).toEqual(mailOnly)
    const section = 'kubernetes: { kubeconfig: /etc/kubeconfig }\n'
    expect(ids(`${section}smtp: [{ name: relay, host: mail }]`)).toEqual(mailOnly)
    const from = 'kubernetes: { namespace: mail, secret: app }'
    expect(ids(`${section}settings: [{ name: app, from: { ${from} }, expect: { A: { present: true } } }]`)).toContain(
      'kubernetes/api-server',
    )
    const token = '{ kubernetes: { namespace: mail, secret: app, key: TOKEN } }'
    expect(ids(`vault: [{ name: v, url: "https://vault:8200", token: ${token} }]`)).toContain('kubernetes/api-server')
  })

  it('asks for a Secret that is read, in the namespace that is read', () => {
    const config = parseConfig(
      `smtp: [{ name: relay, host: mail, user: a, password: { kubernetes: { secret: smtp, key: PASS } } }]`,
      'mailpath.yml',
    )
    expect(find(config, 'kubernetes/api-server').config).toMatchObject({ secret: { secret: 'smtp' } })
  })
})

describe('watching', () => {
  const paths = `write_path:
  - { name: app, cluster: main, url: postgres://app@db/app }
  - { name: pooled, cluster: main, url: postgres://app@db/app, watch: true }
outbox:
  - { name: seldom, cluster: main, host: db, user: app, table: mails, created: created_at, pending: sent_at is null }
  - { name: kept, cluster: main, host: db, user: app, table: mails, created: created_at, pending: sent_at is null, watch: true, login_interval: 15m }
`
  const watched = (text: string) => parse(text).checks.flatMap(check => (check.watch ? [checkId(check)] : []))

  it('is done of nodes, and of write paths and outboxes where they say so', () => {
    expect(watched(`${postgres}${paths}`)).toEqual(['postgres/db-1', 'write_path/pooled', 'outbox/kept'])
    expect(watched(`${postgres}    watch: false\n${paths}`)).toEqual(['write_path/pooled', 'outbox/kept'])
  })

  it('can be turned off for all, whatever they say', () => {
    expect(watched(`watch: false\n${postgres}    watch: true\n${paths}`)).toEqual([])
  })
})

describe('a relative path', () => {
  const everywhere = `kubernetes: { kubeconfig: kube/config }
postgres:
  - { name: db-1, cluster: main, url: postgres://mailpath@db-1/postgres, ca_file: tls/ca.pem }
smtp:
  - { name: relay, host: { dotenv: ../app/.env, key: H }, user: u, password: { file: pass }, ca_file: /etc/ca.pem }
vault:
  - { name: v, url: "https://v:8200", kubernetes: { role: r, jwt_file: jwt }, ca_file: ./ca.pem }
settings:
  - { name: s, from: { dotenv: app.env }, expect: { A: { from: { file: a } }, B: { equals: b.txt } } }
packages:
  - { name: p, folder: app, forbid: [{ file: dist/a.js, pattern: x }] }
drift:
  - { name: d, sources: { one: { file: one }, two: { credential: two }, three: { env: three } } }
ses:
  - name: keys
    access_key: { ini: aws/credentials, section: default, key: aws_access_key_id }
    secret_key: { ini: /home/app/.aws/credentials, section: default, key: aws_secret_access_key }
    region: { ini: ../aws/config, section: default, key: region }
    monitor: { access_key: { file: id }, secret_key: { ini: monitor, section: ses, key: secret } }
    recipients: [canary@example.net, { file: to }]
    ca_file: ca.pem
  - name: role
    region: eu-west-1
    credentials: { web_identity: { role_arn: { file: arn }, token_file: token } }
outbox:
  - { name: o, cluster: main, host: db, password: { file: pass }, key_file: k.pem, cert_file: c.pem, table: mails, created: at, pending: "a = 'b/c'" }
`

  it('is taken from the folder of the file, wherever the exporter was started', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mailpath-paths-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    await writeFile(join(folder, 'mailpath.yml'), everywhere)
    for (const file of [join(folder, 'mailpath.yml'), relative(process.cwd(), join(folder, 'mailpath.yml'))]) {
      const config = await loadConfig(file)
      expect(config.kubernetes?.kubeconfig).toBe(join(folder, 'kube/config'))
      expect(find(config, 'postgres/db-1').config).toMatchObject({ ca_file: join(folder, 'tls/ca.pem') })
      expect(find(config, 'smtp/relay').config).toMatchObject({
        host: { dotenv: join(folder, '../app/.env'), key: 'H' },
        password: { file: join(folder, 'pass') },
        ca_file: '/etc/ca.pem',
      })
      expect(find(config, 'vault/v').config).toMatchObject({
        kubernetes: { jwt_file: join(folder, 'jwt') },
        ca_file: join(folder, 'ca.pem'),
      })
      expect(find(config, 'settings/s').config).toMatchObject({
        from: { dotenv: join(folder, 'app.env') },
        expect: { A: { from: { file: join(folder, 'a') } }, B: { equals: 'b.txt' } },
      })
      // What is inside of the folder is relative to that, and the name of a credential is no path.
      expect(find(config, 'packages/p').config).toMatchObject({
        folder: join(folder, 'app'),
        forbid: [{ file: 'dist/a.js' }],
      })
      expect(find(config, 'drift/d').config).toMatchObject({
        sources: { one: { file: join(folder, 'one') }, two: { credential: 'two' }, three: { env: 'three' } },
      })
      expect(find(config, 'ses/keys').config).toMatchObject({
        access_key: { ini: join(folder, 'aws/credentials'), section: 'default', key: 'aws_access_key_id' },
        secret_key: { ini: '/home/app/.aws/credentials' },
        region: { ini: join(folder, '../aws/config') },
        monitor: { access_key: { file: join(folder, 'id') }, secret_key: { ini: join(folder, 'monitor') } },
        recipients: ['canary@example.net', { file: join(folder, 'to') }],
        ca_file: join(folder, 'ca.pem'),
      })
      expect(find(config, 'ses/role').config).toMatchObject({
        credentials: { web_identity: { role_arn: { file: join(folder, 'arn') }, token_file: join(folder, 'token') } },
      })
      expect(find(config, 'outbox/o').config).toMatchObject({
        password: { file: join(folder, 'pass') },
        cert_file: join(folder, 'c.pem'),
        key_file: join(folder, 'k.pem'),
        table: 'mails',
        pending: "a = 'b/c'",
      })
    }
  })

  it('in a text that comes through a pipe is taken from the working directory', () => {
    const text = 'settings: [{ name: s, from: { dotenv: app.env }, expect: { A: { present: true } } }]'
    const { config } = find(parseConfig(text, '/dev/stdin'), 'settings/s')
    expect(config).toMatchObject({ from: { dotenv: join(process.cwd(), 'app.env') } })
  })

  it('that is empty is still an error', () => {
    expect(() => parse('packages: [{ name: p, folder: "", require: [a] }]')).toThrow(
      '1:31: packages[0].folder: must not be empty',
    )
  })
})

describe('names across targets', () => {
  it('need not be there where there is nothing of the kind: a write path alone is a whole configuration', () => {
    expect(parse('write_path: [{ name: w, cluster: shp, host: db }]').checks.map(checkId)).toContain('write_path/w')
  })

  it('are looked for in bounded time, however many are wrong', () => {
    const relays = Array.from({ length: 2_000 }, (_, i) => `  - { name: relay-of-a-long-name-${i}, host: h }`)
    const wrong = Array.from({ length: 5_000 }, (_, i) => `relay-of-a-lang-nome-x${i}`)
    const text = `smtp:\n${relays.join('\n')}\nmail:\n  - { name: m, smtp: [${wrong.join(', ')}] }\n`
    expect(() => parse(text)).toThrow(/did you mean "relay-of-a-long-name-.*"\? known are .* and 1990 more/)
  })

  it.each([
    ['shp', 'shop'],
    ['Shop ', 'shop'],
    ['hsop', 'shop'],
    ['shopp', 'shop'],
    ['haproxy-wirte', 'haproxy-write'],
    ['books', undefined],
    ['', undefined],
  ])('%j: did you mean %s?', (wrong, meant) => {
    expect(nearest(wrong, ['ledger', 'shop', 'haproxy-write', 'haproxy-read'])).toBe(meant)
  })
})

describe('times', () => {
  it('have defaults', () => {
    expect(find(parse(postgres), 'postgres/db-1')).toMatchObject({ intervalMs: 15_000, timeoutMs: 5_000 })
  })

  it('are those of the file, unless the target says otherwise', () => {
    const config = parse(`interval: 1m
timeout: 2.5s
${postgres}    interval: 1h
  - name: db-2
    cluster: main
    url: postgres://mailpath@db-2/postgres
    timeout: 500ms
  - name: db-3
    cluster: main
    url: postgres://mailpath@db-3/postgres
`)
    const times = config.checks.filter(({ probe }) => probe === 'postgres').map(c => [c.intervalMs, c.timeoutMs])
    expect(times).toEqual([
      [3_600_000, 2_500],
      [60_000, 500],
      [60_000, 2_500],
    ])
  })

  it.each([
    ['', 10_000],
    ['    interval: 5m\n', 10_000],
    ['    interval: 12s\n', 8_000],
    ['    interval: 6s\n', 5_000],
    ['    timeout: 2s\n', 2_000],
  ])('of a relay leaves time for its greeting, as far as the interval does: %j', (more, timeoutMs) => {
    const relay = `smtp:\n  - name: relay\n    host: mail.example.com\n`
    expect(find(parse(`${relay}${more}`), 'smtp/relay').timeoutMs).toBe(timeoutMs)
    expect(find(parse(`timeout: 3s\n${relay}`), 'smtp/relay').timeoutMs).toBe(3_000)
  })

  it.each([
    ['', 60_000],
    ['interval: 5m\n', 300_000],
    ['interval: 5s\ntimeout: 2s\n', 60_000],
  ])('of SES and of an outbox are a minute at least, unless they say otherwise: %j', (head, intervalMs) => {
    const keys = 'access_key: { env: A }, secret_key: { env: B }, region: eu-west-1'
    const table = 'cluster: main, host: db, table: mails, created: at, pending: sent is null'
    const text = `${head}ses:\n  - { name: a, ${keys} }\n  - { name: b, ${keys}, interval: 15s }
outbox:\n  - { name: a, ${table} }\n  - { name: b, ${table}, interval: 15s }\n`
    const intervals = parse(text).checks.flatMap(check => (check.probe === 'mail' ? [] : [check.intervalMs]))
    expect(intervals).toEqual([intervalMs, 15_000, intervalMs, 15_000])
    expect(() => parse(`${head}ses:\n  - { name: a, ${keys}, timeout: ${intervalMs}ms }\n`)).toThrow(
      /ses\[0\]\.timeout: the timeout .* must be less than the interval/,
    )
  })

  it.each([
    ['', 300_000, 30_000],
    ['interval: 10m\n', 600_000, 30_000],
    ['interval: 30s\ntimeout: 8s\n', 300_000, 8_000],
  ])('of a canary are five minutes at least, unless it says otherwise: %j', (head, intervalMs, timeoutMs) => {
    const keys = 'smtp: relay, from: a@example.com, to: b@example.net'
    const { checks } = parse(`${head}smtp:\n  - { name: relay, host: mail.example.com }
canary:\n  - { name: a, ${keys} }\n  - { name: b, ${keys}, interval: 1m }\n`)
    const canaries = checks.filter(({ probe }) => probe === 'canary')
    expect(canaries.map(check => [check.intervalMs, check.timeoutMs])).toEqual([
      [intervalMs, timeoutMs],
      [60_000, timeoutMs],
    ])
  })

  it('of SES has a floor where AWS itself is asked', () => {
    const often = (more: string) =>
      parse(
        `ses: [{ name: a, access_key: { env: A }, secret_key: { env: B }, region: eu-west-1, interval: 6s, ${more} }]`,
      )
    expect(() => often('verify: true')).toThrow('interval: AWS counts requests: ask at most every 15s')
    for (const host of [
      'email.eu-west-1.amazonaws.com',
      'vpce-1.email.eu-west-1.vpce.amazonaws.com',
      'email.eu-west-1.api.aws',
    ])
      expect(() => often(`endpoint: "https://${host}"`)).toThrow('ask at most every 15s')
    for (const more of ['verify: false', 'endpoint: "https://ses.internal"', 'endpoint: "https://xamazonaws.com"'])
      expect(find(often(more), 'ses/a').intervalMs).toBe(6_000)
  })

  it('may be written so that only the target fits: a long timeout with a long interval', () => {
    const config = parse(`${postgres}    interval: 5m\n    timeout: 1m\n`)
    expect(find(config, 'postgres/db-1')).toMatchObject({ intervalMs: 300_000, timeoutMs: 60_000 })
  })
})

describe('a canary', () => {
  const keys = 'from: a@example.com, to: b@example.net'
  const relays = `smtp:
  - { name: one, host: one.example.com }
  - { name: two, host: two.example.com, port: 465, security: tls, user: app, password: { env: PASS } }
ses:
  - { name: one, access_key: { env: A }, secret_key: { env: B }, region: eu-west-1 }
`

  it('has all of the relay or of the SES that it leaves by, wherever that stands in the file', () => {
    const config = parse(`canary:\n  - { name: a, smtp: two, ${keys} }\n  - { name: b, ses: one, ${keys} }\n${relays}`)
    const wayOf = (id: string) => (find(config, id).config as CanaryTarget).way
    expect(wayOf('canary/a')).toEqual({ kind: 'smtp', target: find(config, 'smtp/two').config })
    expect(wayOf('canary/b')).toEqual({ kind: 'ses', target: find(config, 'ses/one').config })
  })

  it('is another one when the relay is another one: what is remembered of its mails was of that', () => {
    const of = (port: number) =>
      find(
        parse(`smtp: [{ name: one, host: h.example, port: ${port} }]\ncanary: [{ name: a, smtp: one, ${keys} }]\n`),
        'canary/a',
      )
    expect(of(25).config).toEqual(of(25).config)
    expect(of(25).config).not.toEqual(of(26).config)
  })

  it('has a list under mail, of those that leave by a way out of that mail path', () => {
    const canaries = `canary:\n  - { name: a, smtp: one, ${keys} }\n  - { name: b, ses: one, ${keys} }\n`
    const path = (more: string) => parse(`${relays}${canaries}mail: [{ name: app, ${more} }]\n`).mail[0]?.canary
    expect(path('smtp: [one]')).toBeUndefined()
    expect(path('smtp: [one], canary: [a, b]')).toEqual(['a', 'b'])
    expect(() => path('smtp: [two], canary: [a]')).toThrow('mail[0].canary[0]: it leaves by smtp "one"')
    expect(() => path('ses: [], canary: [b]')).toThrow('mail[0].canary[0]: it leaves by ses "one"')
  })
})

describe('a domain', () => {
  const relays = `smtp:
  - { name: one, host: one.example.com, user: app, password: { vault: { target: v, path: kv/smtp, key: pass } } }
ses:
  - { name: two, access_key: { env: A }, secret_key: { env: B }, region: eu-west-1 }
vault:
  - { name: v, url: "https://vault:8200", token: { env: TOKEN } }
`
  const names = 'smtp: one, ses: two, domain: { env: MAIL_FROM }'

  it('knows its relay and its SES, and waits for nothing that these read', () => {
    const config = parse(`dns:\n  - { name: a, ${names} }\n  - { name: b, domain: example.com }\n${relays}`)
    const { relay, account } = find(config, 'dns/a').config as DnsTarget
    expect(relay).toBe(find(config, 'smtp/one').config)
    expect(account).toBe(find(config, 'ses/two').config)
    expect(find(config, 'dns/b').config).toMatchObject({
      relay: undefined,
      account: undefined,
      direct: false,
      bulk: false,
    })
    expect(find(config, 'dns/a').needs).toEqual([])
    expect(find(config, 'smtp/one').needs).toEqual(['vault/v'])
  })

  it('waits for a Vault that has its name', () => {
    const from = (key: string) => `{ vault: { target: v, path: kv/${key}, key: from } }`
    const of = (keys: string) => find(parse(`dns: [{ name: a, ${keys} }]\n${relays}`), 'dns/a').needs
    expect(of(`domain: ${from('app')}`)).toEqual(['vault/v'])
    expect(of(`domain: example.com, envelope: ${from('bounces')}`)).toEqual(['vault/v'])
  })

  it('is looked at every ten minutes, and has a list under mail', () => {
    const config = parse(`dns: [{ name: a, ${names} }]\n${relays}mail: [{ name: app, dns: [a] }]\n`)
    expect(find(config, 'dns/a')).toMatchObject({ intervalMs: 600_000, timeoutMs: 20_000 })
    expect(config.mail[0]?.dns).toEqual(['a'])
    expect(() => parse(`dns: [{ name: a, ${names} }]\n${relays}mail: [{ name: app, dns: [b] }]\n`)).toThrow(
      'mail[0].dns[0]: there is no dns target "b"; did you mean "a"?',
    )
  })
})

describe('needs', () => {
  it('are found however deep the reference is, once each', () => {
    const config = parse(`vault:
  - { name: vault-01, url: "https://vault-01:8200", token: { env: TOKEN } }
  - { name: vault-02, url: "https://vault-02:8200", token: { env: TOKEN } }
settings:
  - name: backend-01
    from: { dotenv: /opt/app/.env }
    expect:
      SMTP_USER: { from: { vault: { target: vault-02, path: kv/smtp, key: user } } }
      SMTP_PASS: { from: { vault: { target: vault-01, path: kv/smtp, key: pass } } }
      SMTP_CERT: { from: { vault: { target: vault-02, path: kv/smtp, key: cert } } }
      vault: { present: true }
`)
    expect(find(config, 'settings/backend-01').needs).toEqual(['vault/vault-02', 'vault/vault-01'])
    expect(find(config, 'vault/vault-01').needs).toEqual([])
  })

  it('are found in all keys of a canary, and are those of what it leaves by, too', () => {
    const from = (key: string) => `{ vault: { target: v-${key}, path: kv/app, key: ${key} } }`
    const keys = ['from', 'to', 'envelope', 'host', 'port', 'user', 'token', 'relay']
    const [sender, to, envelope, host, port, user, token, relay] = keys.map(from)
    const config = parse(`vault:
${keys.map(key => `  - { name: v-${key}, url: "https://vault:8200", token: { env: TOKEN } }`).join('\n')}
smtp:
  - { name: relay, host: mail.example.com, user: app, password: ${relay} }
canary:
  - name: c
    smtp: relay
    from: ${sender}
    to: ${to}
    envelope_from: ${envelope}
    mailbox: { host: ${host}, port: ${port}, user: ${user}, token: ${token} }
`)
    expect(find(config, 'canary/c').needs).toEqual(keys.map(key => `vault/v-${key}`))
  })

  it('are found in all keys of SES and of an outbox', () => {
    const from = (key: string) => `{ vault: { target: v-${key}, path: kv/app, key: ${key} } }`
    const keys = ['access', 'secret', 'token', 'from', 'set', 'to', 'monitor', 'password']
    const [access, secret, token, sender, set, to, monitor, password] = keys.map(from)
    const config = parse(`vault:
${keys.map(key => `  - { name: v-${key}, url: "https://vault:8200", token: { env: TOKEN } }`).join('\n')}
ses:
  - name: s
    access_key: ${access}
    secret_key: ${secret}
    session_token: ${token}
    region: eu-west-1
    from: ${sender}
    configuration_set: ${set}
    recipients: [a@example.net, ${to}]
    monitor: { access_key: AKIAQ7Q7Q7Q7Q7Q7Q7Q7, secret_key: ${monitor} }
outbox:
  - { name: o, cluster: main, host: db, password: ${password}, table: mails, created: at, pending: sent is null }
`)
    expect(find(config, 'ses/s').needs).toEqual(keys.slice(0, -1).map(key => `vault/v-${key}`))
    expect(find(config, 'outbox/o').needs).toEqual(['vault/v-password'])
  })

  it('are not mistaken for labels that have the name of a source', () => {
    const config = parse(`vault:
  - { name: vault-01, url: "https://vault-01:8200", kubernetes: { role: mailpath } }
drift:
  - name: password
    sources:
      vault: { vault: { target: vault-01, path: kv/smtp, key: pass } }
      kubernetes: { kubernetes: { secret: smtp, key: pass } }
`)
    expect(find(config, 'drift/password').needs).toEqual(['vault/vault-01', 'kubernetes/api-server'])
    expect(find(config, 'vault/vault-01').needs).toEqual([])
  })
})

describe('the mail path', () => {
  const ses = `ses:
  - name: ses
    access_key: { env: A }
    secret_key: { env: B }
    region: eu-west-1
`
  const smtp = 'smtp:\n  - { name: relay, host: mail.keybuzz.io }\n'

  it.each([
    ['smtp, where there is nothing to tell', postgres, 'smtp'],
    ['smtp, where there is a relay', smtp + ses, 'smtp'],
    ['ses, where there is SES only', ses, 'ses'],
    ['smtp, where the section is empty', `${smtp}mail: []\n`, 'smtp'],
  ])('is by default one over all targets, with %s', (_, text, provider) => {
    const config = parse(text)
    expect(config.mail).toEqual([{ name: 'default', provider }])
    expect(find(config, 'mail/default').config).toEqual({ name: 'default', provider })
  })

  it('is not added to those that the file has', () => {
    expect(parse(`${smtp}mail:\n  - name: backend\n`).mail).toEqual([{ name: 'backend', provider: 'smtp' }])
  })
})

describe('YAML', () => {
  it('may have a byte order mark, Windows lines, a document start, and aliases', () => {
    const text = `\uFEFF---\nsmtp:\n  - &first { name: a, host: &host mail.keybuzz.io }\n  - { name: b, host: *host }\n`
    expect(parse(text.replaceAll('\n', '\r\n')).checks.map(checkId)).toEqual(['smtp/a', 'smtp/b', 'mail/default'])
  })

  it('may use one alias in hundreds of targets', () => {
    const targets = Array.from({ length: 300 }, (_, i) => `  - { name: t${i}, host: *host }\n`)
    const config = parse(`smtp:\n  - { name: first, host: &host mail.keybuzz.io }\n${targets.join('')}`)
    expect(config.checks.length).toBe(302)
  })

  it('reads yes and no as text, so that they are not taken for booleans', () => {
    expect(() => parse('packages:\n  - { name: a, folder: yes, require: [pg] }\n')).not.toThrow()
    expect(() => parse(`ses:\n  - { name: a, implemented: no }\n`)).toThrow('expected true or false, not in quotes')
  })
})

describe('a host', () => {
  it.each(['mail.keybuzz.io', 'localhost', '10.0.0.160', '::1', 'fe80::1', 'mail_core-01'])('%s', host => {
    expect(() => parse(`smtp:\n  - { name: a, host: "${host}" }\n`)).not.toThrow()
  })

  it.each(['10.0.0.160:587', '[::1]', 'mail keybuzz', 'user@mail', 'smtp://mail', ''])('not %j', host => {
    expect(() => parse(`smtp:\n  - { name: a, host: "${host}" }\n`)).toThrow(
      /^mailpath.yml:2:22: smtp\[0\].host: expected/,
    )
  })
})

describe('a file that takes its time', () => {
  /** A read that ends after so many milliseconds of timers; each of them comes so much too late. */
  async function read(takesMs: number, lateMs: number): Promise<string> {
    const real = performance.now.bind(performance)
    let now = real()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now)
    onTestFinished(() => {
      clock.mockRestore()
      vi.useRealTimers()
    })
    const bytes = () => new Promise<Buffer>(resolve => setTimeout(() => resolve(Buffer.from('good')), takesMs))
    let under: Promise<Buffer> | undefined
    const outcome = readText('mailpath.yml', '--config.file', {
      bytes: (_, signal) =>
        Promise.race([
          (under ??= bytes()),
          new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
        ]),
    }).catch((error: unknown) => (error as Error).message)
    for (let ms = 0; ms < 70_000; ms += 250) {
      now += 250 + lateMs
      await vi.advanceTimersByTimeAsync(250)
    }
    return outcome
  }

  it('is one whose file system hangs, but where the exporter itself was held up', async () => {
    expect(await read(60_000, 0)).toBe('mailpath.yml: cannot be read (no answer within 10 s); its file system hangs')
    expect(await read(25_000, 2_000)).toBe('good')
    expect(await read(69_000, 2_000)).toBe(
      'mailpath.yml: could not be read in time: the exporter itself was held up; give it more CPU, and reload again',
    )
  })
})
