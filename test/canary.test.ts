import { createServer as createHttp } from 'node:http'
import net from 'node:net'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createReferences } from '../src/references/index.ts'
import { parseConfig } from '../src/config/load.ts'
import { createLog } from '../src/core/log.ts'
import type { Check } from '../src/core/probe.ts'
import { stateText } from './history/past.ts'
import type { Status } from '../src/monitor/ledger.ts'
import { createMonitor } from '../src/monitor/index.ts'
import { transcriptsText } from '../src/report/transcripts.ts'
import { report, reportFormats } from '../src/report/report.ts'
import { link } from '../src/page/link.ts'
import { createRouter } from '../src/web/router.ts'
import { exporterAtRest } from './core/exporter-at-rest.ts'
import { startDnsDouble } from './servers/dns-double.ts'
import { mx, ns, text as dnsText } from './servers/dns-records.ts'
import { closesAtOnce, garbage, listen, refusedPort, scripted, silent, type Listening } from './servers/hostile.ts'
import { removeFolder, tempFolder } from './servers/processes.ts'
import { referencePlaces, targetWith, wrongForms } from './wrong-places.ts'

/** With characters that look different in a URL and in base64. */
const canary = (name: string): string => `canary-${name}/+ü?x9`
/** Of a kubeconfig: only characters that a token may have are sent. */
const bearer = 'canary-kubeconfig/+x9'
/** In the form that AWS gives them; and addresses, of which the domain may be shown. */
const ofSes = {
  SES_ACCESS: 'AKIACANARYACCESS0001',
  SES_SECRET: 'canary+secret/of/the/application'.padEnd(40, '0'),
  SES_FROM: 'canary-from@sender.example',
  SES_TO: 'canary-to@box.example',
  MONITOR_ACCESS: 'AKIACANARYMONITOR001',
  MONITOR_SECRET: 'canary+secret/of/the/monitor'.padEnd(40, '0'),
} as const
/** Of a mail that is sent: addresses, of which the domain may be shown. */
const ofMail = {
  MAIL_FROM: 'canary-from@app.example',
  MAIL_TO: 'canary-to@mailbox.example',
  MAIL_BOUNCES: 'canary-bounces@app.example',
} as const
const secrets = [
  'postgres',
  'url',
  'smtp',
  'vault',
  'kubernetes',
  'patroni',
  'access',
  'secret',
  'setting',
  'expected',
  'role',
  'secret id',
  'jwt',
  'login',
  'drift',
  'wrong',
  'version',
  'haproxy',
  'pgbouncer',
  'outbox',
  'session token',
  'imap',
  'imap token',
]
  .map(canary)
  .concat(bearer)
  .concat(Object.values(ofSes))
  .concat(Object.values(ofMail))
const forms = secrets.flatMap(secret => [
  secret,
  encodeURIComponent(secret),
  encodeURI(secret),
  Buffer.from(secret).toString('base64'),
  Buffer.from(`\0probe\0${secret}`).toString('base64'),
  Buffer.from(`probe:${secret}`).toString('base64'),
  Buffer.from(secret).toString('hex'),
])

const message = (type: string, body: Buffer): Buffer => {
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length + 4)
  return Buffer.concat([Buffer.from(type), length, body])
}

/** Asks for the password in the clear, and puts it into its error. */
const postgresThatEchoes = () =>
  listen(
    net.createServer(socket => {
      let heard = 0
      socket.on('error', () => undefined)
      socket.on('data', data => {
        heard++
        if (heard === 1) socket.write('N')
        else if (heard === 2) socket.write(message('R', Buffer.from([0, 0, 0, 3])))
        else
          socket.end(
            message(
              'E',
              Buffer.concat([
                Buffer.from('SFATAL\0C28P01\0Mwrong password '),
                data.subarray(5, -1),
                Buffer.from('\0\0'),
              ]),
            ),
          )
      })
    }),
  )

/** Puts the AUTH command, and what it says, into its reply. */
const smtpThatEchoes = () =>
  scripted({
    security: 'none',
    capabilities: ['AUTH PLAIN'],
    handlers: [
      line => {
        const [, said] = /^AUTH (?:PLAIN|XOAUTH2) (.*)$/i.exec(line) ?? []
        if (said === undefined) return undefined
        const plain = Buffer.from(said, 'base64').toString()
        return `535 5.7.8 ${line} ${plain.replaceAll(/\p{Cc}/gu, ' ')}`
      },
    ],
  })

/** Takes no login, and puts it into its refusal, as it was sent and in the clear. */
const imapThatEchoes = () =>
  listen(
    net.createServer(socket => {
      let tag = ''
      socket.on('error', () => undefined)
      socket.write('* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=XOAUTH2] ready\r\n')
      socket.on('data', data => {
        for (const line of data.toString().split('\r\n')) {
          const [first = '', command = '', , initial] = line.split(' ')
          const plain = Buffer.from(initial ?? line, 'base64').toString()
          const told = `${line} ${plain.replaceAll(/\p{Cc}/gu, ' ')}`
          if (line === '') continue
          else if (/^AUTHENTICATE$/i.test(command) && initial === undefined) {
            tag = first
            socket.write('+ \r\n')
          } else if (/^(AUTHENTICATE|LOGIN)$/i.test(command))
            socket.write(`${first} NO [AUTHENTICATIONFAILED] wrong login ${told}\r\n`)
          else if (tag !== '') {
            socket.write(`${tag} NO [AUTHENTICATIONFAILED] wrong login ${told}\r\n`)
            tag = ''
          } else socket.write(`${first} BAD ${told}\r\n`)
        }
      })
    }),
  )

/** What servers got of mails. */
const mails: string[] = []
const tokenOf = (mail: string): string => /^X-Mailpath-Canary: v1 (\S+)/im.exec(mail)?.[1] ?? ''

/** Takes every address, and puts the mail into its refusal. */
function smtpThatTells() {
  const handlers = () => {
    let lines: string[] | undefined
    return (line: string): string | undefined => {
      if (lines === undefined) {
        if (/^(MAIL|RCPT)/i.test(line)) return `250 2.1.0 taken: ${line}`
        if (!/^DATA$/i.test(line)) return undefined
        lines = []
        return '354 go on'
      }
      if (line !== '.') {
        lines.push(line)
        return ''
      }
      const all = lines
      lines = undefined
      mails.push(all.join('\n'))
      return [...all.map(one => `554-5.7.1 ${one}`), '554 5.7.1 spam'].join('\r\n')
    }
  }
  return scripted({ security: 'none', capabilities: ['8BITMIME'], handlers: [handlers()] })
}

/**
 * Puts the path, the headers and the body into its answer, as AWS does where it denies something; a login at the mount `taken` it takes, and gives a token. As a Patroni it
 * has the header with the password for its name.
 */
const httpThatEchoes = () =>
  listen(
    createHttp((request, response) => {
      const taken = request.url === '/v1/auth/taken/login'
      const { authorization = '' } = request.headers
      const patroni = {
        state: 'running',
        role: 'replica',
        patroni: { version: '4.1.4', scope: 'kb', name: authorization },
      }
      void text(request).then(body => {
        const { Content: content } = (/^\{.*\}$/s.test(body) ? JSON.parse(body) : {}) as {
          Content?: { Raw?: { Data?: string } }
        }
        if (content?.Raw?.Data !== undefined) mails.push(Buffer.from(content.Raw.Data, 'base64').toString())
        response
          .writeHead(taken ? 200 : request.url === '/leader' ? 503 : 403, {
            'content-type': 'application/json',
            ...(request.url?.startsWith('/v2/email') && { 'x-amzn-errortype': 'AccessDeniedException' }),
          })
          .end(
            JSON.stringify({
              errors: [`denied to ${body} ${JSON.stringify(request.headers)}`],
              message: `${request.url ?? ''} ${inspect(request.headers)} ${body}`,
              ...(taken && { auth: { client_token: canary('login'), lease_duration: 60, renewable: true } }),
              ...(request.url === '/leader' && patroni),
            }),
          )
      })
    }),
  )

/** A zone with errors in it, to be quoted. It hears names only. */
const dnsOfTheZone = async () => {
  const names = await startDnsDouble({
    'app.example': {
      records: [dnsText('v=spf1 odd@app.example -all'), mx(10, 'mx.app.example'), ns('ns.app.example')],
    },
    '_dmarc.app.example': { text: 'v=DMARC1; p=odd; rua=mailto:odd@other.example' },
  })
  asked = names.asked
  return names
}
/** What the name server was asked. */
let asked: readonly string[] = []

/** Where a server of each kind listens. */
type Ports = Readonly<Record<'postgres' | 'smtp' | 'http' | 'imap' | 'dns', number>>

let folder: string
const servers: Pick<Listening, 'port' | 'close'>[] = []
const texts: Record<string, string> = {}
let status: Status
let wrongs: readonly Wrong[] = []

/** Vaults with a login, each with a relay that needs it. */
const byLogin = (name: string, mount: string, http: number, smtp: number): string => `
- vault: { name: ${name}, url: "http://127.0.0.1:${http}", app_role: { role_id: { env: ROLE }, secret_id: { file: ${JSON.stringify(path.join(folder, 'secret_id'))} }, mount: ${mount} } }
- vault: { name: ${name} by pod, url: "http://127.0.0.1:${http}", kubernetes: { role: mailpath, jwt_file: ${JSON.stringify(path.join(folder, 'jwt'))}, mount: ${mount} } }
- smtp: { name: ${name}, host: 127.0.0.1, port: ${smtp}, security: none, user: probe, password: { vault: { target: ${name}, path: secret/data/x, key: PASS } } }
- smtp: { name: ${name} by pod, host: 127.0.0.1, port: ${smtp}, security: none, user: probe, password: { vault: { target: ${name} by pod, path: secret/data/x, key: PASS } } }
`

const addresses = 'from: { env: MAIL_FROM }, to: { env: MAIL_TO }, envelope_from: { env: MAIL_BOUNCES }'

/** One target of every probe for every kind of server, with a secret in every place that takes one. */
function configFor(name: string, { postgres, smtp, http, imap, dns }: Ports): string {
  const file = (of: string) => JSON.stringify(path.join(folder, of))
  const entries = `
- postgres: { name: ${name}, cluster: kb, url: "postgres://probe@127.0.0.1:${postgres}/db", password: { env: POSTGRES } }
- write_path: { name: ${name} url, cluster: kb, url: { dotenv: ${file('.env')}, key: URL_${name} } }
- write_path: { name: ${name} host, cluster: kb, host: 127.0.0.1, port: ${postgres}, user: probe, password: { file: ${file('postgres')} } }
- smtp: { name: ${name}, host: 127.0.0.1, port: ${smtp}, security: none, user: probe, password: { env: SMTP } }
- smtp: { name: ${name} by vault, host: 127.0.0.1, port: ${smtp}, security: none, user: probe, password: { vault: { target: ${name}, path: secret/data/x, key: PASS } } }
${['taken', 'refused'].map(mount => byLogin(`${name} ${mount}`, mount, http, smtp)).join('')}- haproxy: { name: ${name}, url: "http://127.0.0.1:${http}/metrics", user: probe, password: { env: HAPROXY } }
- pgbouncer: { name: ${name}, url: "postgres://probe@127.0.0.1:${postgres}/pgbouncer", password: { env: PGBOUNCER } }
- vault: { name: ${name}, url: "http://127.0.0.1:${http}", token: { env: VAULT }, secrets: [{ path: secret/data/x, keys: [PASS] }] }
- ses: { name: ${name}, access_key: { env: SES_ACCESS }, secret_key: { env: SES_SECRET }, session_token: { env: SES_TOKEN }, region: eu-west-1, endpoint: "http://127.0.0.1:${http}", from: { env: SES_FROM }, recipients: [{ env: SES_TO }], configuration_set: set, monitor: { access_key: { env: MONITOR_ACCESS }, secret_key: { env: MONITOR_SECRET }, session_token: { env: SES_TOKEN } } }
- outbox: { name: ${name}, cluster: kb, url: "postgres://probe@127.0.0.1:${postgres}/db", password: { env: OUTBOX }, table: mails, created: created_at, pending: sent_at is null }
- canary: { name: ${name}, smtp: ${name}, ${addresses}, mailbox: { host: 127.0.0.1, port: ${imap}, security: none, user: probe, password: { env: IMAP } } }
- canary: { name: ${name} by token, ses: ${name}, ${addresses}, mailbox: { host: 127.0.0.1, port: ${imap}, security: none, user: probe, token: { env: IMAP_TOKEN } } }
- dns: { name: ${name}, domain: { env: MAIL_FROM }, envelope: { env: MAIL_BOUNCES }, dkim: [s1], senders: [127.0.0.1], smtp: ${name}, ses: ${name}, servers: ["127.0.0.1:${dns}"] }
- patroni: { name: ${name}, cluster: kb, url: "http://127.0.0.1:${http}", user: probe, password: { env: PATRONI } }
`
  // What a server that echoes says has to be seen, also on a machine that is busy; the others would only be waited for.
  return name === 'echoes' ? entries.replaceAll(': { name:', ': { timeout: 15s, name:') : entries
}

interface Wrong {
  readonly kind: string
  readonly field: string
  readonly form: string
  readonly plain: boolean
  readonly variable: string
  readonly value: string
  readonly target: unknown
}

/** Every place of every probe that takes a reference, with something that does not belong there; at servers that echo. */
function wrongTargets({ postgres, smtp, http, imap, dns }: Ports): Wrong[] {
  const at = { cluster: 'kb', host: '127.0.0.1', port: postgres, user: 'probe', database: 'db' }
  const password = { env: 'PLAIN' }
  const url = `postgres://probe@127.0.0.1:${postgres}/db`
  const vault = { url: `http://127.0.0.1:${http}`, secrets: [{ path: 'secret/data/x' }] }
  const login = { role_id: password, secret_id: password }
  const keys = { access_key: 'AKIAQ7Q7Q7Q7Q7Q7Q7Q7', secret_key: { env: 'SES_SECRET' } }
  const letter = { smtp: 'echoes', from: 'a@app.example', to: 'b@mailbox.example' }
  const mailbox = { host: '127.0.0.1', port: imap, security: 'none', user: 'probe' }
  const table = { table: 'mails', created: 'created_at', pending: 'sent_at is null' }
  const bases = {
    postgres: [{ cluster: 'kb', url, password, pg_settings: { PGSSLMODE: 'prefer' } }],
    write_path: [
      { ...at, password, pg_settings: { PGSSLMODE: 'prefer' } },
      { cluster: 'kb', url, password },
    ],
    smtp: [
      { host: '127.0.0.1', port: smtp, security: 'none', user: 'probe', password },
      { host: '127.0.0.1', port: smtp, security: 'none', user: 'probe', token: password, auth: 'xoauth2' },
      { url: password },
    ],
    vault: [
      { ...vault, token: password },
      { ...vault, app_role: login },
    ],
    patroni: [{ cluster: 'kb', url: `http://127.0.0.1:${http}`, user: 'probe', password }],
    haproxy: [{ url: `http://127.0.0.1:${http}/metrics`, user: 'probe', password }],
    pgbouncer: [{ url, password, pg_settings: { PGSSLMODE: 'prefer' } }],
    ses: [
      { ...keys, region: 'eu-west-1', endpoint: `http://127.0.0.1:${http}`, monitor: keys },
      // Without the token no role is asked for.
      { credentials: { web_identity: { role_arn: 'a', token_file: path.join(folder, 'gone') } }, region: 'eu-west-1' },
    ],
    outbox: [
      { ...at, ...table, password, pg_settings: { PGSSLMODE: 'prefer' } },
      { cluster: 'kb', ...table, url, password },
    ],
    canary: [
      { ...letter, mailbox: { ...mailbox, password } },
      { ...letter, mailbox: { ...mailbox, token: password } },
    ],
    dns: [{ domain: 'app.example', servers: [`127.0.0.1:${dns}`] }],
    settings: [{ from: { dotenv: path.join(folder, '.env') }, expect: { ANY: { present: true } } }],
    drift: [{ sources: { a: password, b: password } }],
    mail: [{}],
  }
  const forms = Object.entries(wrongForms(canary('wrong')))
  return referencePlaces().flatMap((place, which) =>
    forms.map(([form, value], n): Wrong => {
      const field = place.path.join('.')
      const variable = `WRONG_${which}_${n}`
      const target = targetWith(bases, place, `wrong ${field}: ${form}`, variable)
      if (target === undefined) throw new Error(`there is no base of ${place.kind} for ${field}`)
      return { kind: place.kind, field, form, plain: place.plain, variable, value, target }
    }),
  )
}

function yamlOf(kinds: readonly (readonly [string, Ports])[], telling: number): string {
  const sections = new Map<string, string[]>()
  const all = kinds.flatMap(([name, ports]) =>
    configFor(name, ports)
      .split('\n')
      .filter(line => line !== ''),
  )
  const others = [
    `- ses: { name: ses, access_key: { env: ACCESS }, secret_key: { env: SECRET }, region: { env: EXPECTED } }`,
    `- settings: { name: settings, from: { dotenv: ${JSON.stringify(path.join(folder, '.env'))} }, expect: { SMTP_HOST: other, APP_PASSWORD: { present: true }, GONE: { present: true }, BY_KUBERNETES: { present: true, from: { kubernetes: { namespace: a, secret: b, key: c } } } } }`,
    `- packages: { name: packages, folder: ${JSON.stringify(folder)}, require: [nothing, odd], forbid: [{ file: .env, pattern: APP_PASSWORD }] }`,
    `- drift: { name: values, sources: { env: { env: DRIFT }, other: { env: SMTP }, k8s: { kubernetes: { namespace: a, secret: b, key: c } }, systemd: { credential: postgres } } }`,
    `- drift: { name: hosts, compare: host, sources: { env: { env: DRIFT_URL }, other: { env: DRIFT_HOST }, none: { env: DRIFT } } }`,
    `- smtp: { name: tells, timeout: 15s, host: 127.0.0.1, port: ${telling}, security: none }`,
    `- canary: { name: tells, timeout: 15s, smtp: tells, ${addresses} }`,
    `- mail: { name: app, provider: { env: SMTP } }`,
  ]
  const wrong = wrongs.map(({ kind, target }) => `- ${kind}: ${JSON.stringify(target)}`)
  for (const line of [...all, ...others, ...wrong]) {
    const [, kind = '', entry = ''] = /^- (\w+): (.*)$/.exec(line) ?? []
    sections.set(kind, [...(sections.get(kind) ?? []), `  - ${entry}`])
  }
  const http = kinds.find(([name]) => name === 'echoes')?.[1].http ?? 0
  const head = `interval: 20s\ntimeout: 4s\nkubernetes: { url: "http://127.0.0.1:${http}", token: { env: KUBERNETES } }\n`
  return head + [...sections].map(([kind, entries]) => `${kind}:\n${entries.join('\n')}\n`).join('')
}

/** Everything that is kept of a check that reads a Secret by way of a kubeconfig with this user. */
async function byKubeconfig(user: object, at: number): Promise<string> {
  const kubeconfig = path.join(folder, `kubeconfig-${at}`)
  const port = servers[2]?.port ?? 0
  const contents = {
    'current-context': 'a',
    contexts: [{ name: 'a', context: { cluster: 'b', user: 'c' } }],
    clusters: [{ name: 'b', cluster: { server: `http://127.0.0.1:${port}` } }],
    users: [{ name: 'c', user }],
  }
  await writeFile(kubeconfig, JSON.stringify(contents))
  const secret = '{ kubernetes: { namespace: a, secret: b, key: c } }'
  const text = `kubernetes: { kubeconfig: ${JSON.stringify(kubeconfig)} }\nsmtp: [{ name: a, host: ${secret} }]\n`
  const { checks, kubernetes } = parseConfig(text, 'mailpath.yml')
  const references = createReferences({ env: {}, vaults: [], kubernetes })
  const quiet = createLog('error', 'json', () => undefined)
  const monitor = createMonitor({ checks, mail: [] }, references, quiet)
  await monitor.runAll(new AbortController().signal)
  return inspect(monitor.status(), { depth: 12 })
}

/** The answers for all of them, eight at a time. */
async function ofEach(checks: readonly Check[], get: (check: Check) => Promise<string>): Promise<string> {
  const left = [...checks]
  const answers: string[] = []
  const work = async (): Promise<void> => {
    for (let check = left.pop(); check; check = left.pop()) answers.push(await get(check))
  }
  await Promise.all(Array.from({ length: 8 }, work))
  return answers.join('\n')
}

beforeAll(async () => {
  folder = tempFolder('mailpath-blot-')
  const start = async (starting: Promise<Pick<Listening, 'port' | 'close'>>): Promise<number> => {
    const server = await starting
    servers.push(server)
    return server.port
  }
  const same = async (starting: () => Promise<Listening>) => ({
    postgres: await start(starting()),
    smtp: await start(starting()),
    http: await start(starting()),
    imap: await start(starting()),
    dns: await start(starting()),
  })
  const kinds = [
    [
      'echoes',
      {
        postgres: await start(postgresThatEchoes()),
        smtp: await start(smtpThatEchoes()),
        http: await start(httpThatEchoes()),
        imap: await start(imapThatEchoes()),
        dns: await start(dnsOfTheZone()),
      },
    ],
    ['refused', await same(refusedPort)],
    ['silent', await same(silent)],
    ['garbage', await same(garbage)],
    ['closes', await same(closesAtOnce)],
  ] as const
  const urls = kinds.map(
    ([name, ports]) =>
      `URL_${name}=postgres://probe:${encodeURIComponent(canary('url'))}@127.0.0.1:${ports.postgres}/db`,
  )
  await writeFile(
    path.join(folder, '.env'),
    [...urls, `SMTP_HOST=${canary('setting')}`, `APP_PASSWORD=${canary('setting')}`].join('\n'),
  )
  await writeFile(path.join(folder, 'postgres'), canary('postgres'))
  await chmod(path.join(folder, 'postgres'), 0o600)
  await writeFile(path.join(folder, 'secret_id'), canary('secret id'))
  await writeFile(path.join(folder, 'jwt'), canary('jwt'))

  await mkdir(path.join(folder, 'node_modules', 'odd'), { recursive: true })
  await writeFile(
    path.join(folder, 'node_modules', 'odd', 'package.json'),
    JSON.stringify({ version: canary('version') }),
  )

  wrongs = wrongTargets(kinds[0][1])
  const config = parseConfig(yamlOf(kinds, await start(smtpThatTells())), 'mailpath.yml')
  const env = {
    ...Object.fromEntries(wrongs.map(({ variable, value }) => [variable, value])),
    PLAIN: 'plain',
    POSTGRES: canary('postgres'),
    SMTP: canary('smtp'),
    VAULT: canary('vault'),
    HAPROXY: canary('haproxy'),
    PGBOUNCER: canary('pgbouncer'),
    KUBERNETES: canary('kubernetes'),
    PATRONI: canary('patroni'),
    OUTBOX: canary('outbox'),
    SES_TOKEN: canary('session token'),
    IMAP: canary('imap'),
    IMAP_TOKEN: canary('imap token'),
    ...ofSes,
    ...ofMail,
    ACCESS: canary('access'),
    SECRET: canary('secret'),
    EXPECTED: canary('expected'),
    ROLE: canary('role'),
    DRIFT: canary('drift'),
    DRIFT_URL: `postgres://u:${encodeURIComponent(canary('drift'))}@canary-drift.invalid/db`,
    DRIFT_HOST: 'canary-drift-2.invalid',
    CREDENTIALS_DIRECTORY: folder,
  }
  const lines: string[] = []
  const log = createLog('debug', 'json', line => lines.push(line))
  const monitor = createMonitor(
    // All their checks run. Each path more is assessed after each of the hundreds of runs, and says the same of the others.
    { ...config, mail: config.mail.slice(0, 2) },
    createReferences({ env, vaults: config.vaults, kubernetes: config.kubernetes }),
    log,
  )
  const exporter = () => exporterAtRest
  const server = await listen(
    // On a busy machine a connection would end while the next request is on its way.
    createHttp({ keepAliveTimeout: 600_000 }, createRouter({ monitor, configFile: 'mailpath.yml', exporter, log })),
  )
  servers.push(server)
  const get = async (at: string, accept = '*/*') =>
    (await fetch(new URL(at, `http://127.0.0.1:${server.port}`), { headers: { accept } })).text()
  // The first runs: a login that was refused is not tried in the next.
  texts['transcripts'] = await ofEach(monitor.checks(), ({ probe, target }) =>
    get(link('/probe', { probe, target, debug: 'true' })),
  )
  texts['check --debug'] = transcriptsText(await monitor.runAll(new AbortController().signal))
  texts['list of failures'] = await get(link('/failures'))
  texts['failures'] = await ofEach(monitor.checks(), ({ probe, target }) => get(link('/failures', { probe, target })))
  status = monitor.status()
  for (const format of reportFormats)
    texts[`check as ${format}`] = report(status, { format, colour: format === 'table' })
  texts['by kubeconfig'] = (
    await Promise.all([{ token: bearer }, { exec: { args: [bearer] } }].map(byKubeconfig))
  ).join('\n')
  texts['metrics'] = await get('/metrics')
  texts['OpenMetrics'] = await get('/metrics', 'application/openmetrics-text')
  texts['page'] = await get('/')
  texts['API'] = await get('/api/v1/status')
  for (const format of ['html', 'json', 'markdown'])
    texts[`incidents as ${format}`] = await get(`/incidents?format=${format}`)
  const past = monitor.past()
  texts['state file'] = past ? stateText(past) : ''
  texts['what is not found'] = await get(`/${encodeURIComponent(canary('url'))}`)
  texts['log'] = lines.join('')
  texts['everything that is kept'] = inspect(
    { checks: status.checks.map(({ config: _, ...check }) => check), mail: status.mail, records: status.records },
    { depth: 12 },
  )
}, 360_000)

afterAll(async () => {
  await Promise.all(servers.map(server => server.close()))
  await removeFolder(folder)
})

/** What is looked at of the incidents. */
interface Past {
  readonly incidents: readonly {
    readonly roots: readonly { readonly code: string }[]
    readonly blocking: readonly { readonly probe: string; readonly code: string }[]
  }[]
}

const sesSettings = ['access_key', 'secret_key', 'region']

/** Where a secret could be. */
const places = [
  'check as table',
  'check as markdown',
  'check as json',
  'check --debug',
  'metrics',
  'OpenMetrics',
  'page',
  'API',
  'incidents as html',
  'incidents as json',
  'incidents as markdown',
  'state file',
  'transcripts',
  'list of failures',
  'failures',
  'log',
  'what is not found',
  'by kubeconfig',
  'everything that is kept',
]

describe('a secret', () => {
  it('was used by every probe that takes one, and every one of them failed', () => {
    expect(status.checks.length).toBe(5 * 22 + 9 + wrongs.length)
    const fine = status.checks.filter(check => check.verdict === 'ok').map(check => check.id)
    // Any value will do there, and as any password of a Patroni that only says what it was sent.
    const anyIs = /^(settings\/wrong expect|patroni\/(echoes$|wrong password))/
    expect(fine.filter(id => !anyIs.test(id))).toEqual([])
    // The servers did say it: what is blotted out was really there.
    expect(texts['API']).toContain('wrong password <secret>')
    expect(texts['API']).toContain('535')
    expect(texts['API']).toMatch(/<secret>[^"]* of kb, replica, running/)
    for (const who of ['echoes refused', 'echoes refused by pod'])
      expect(
        texts['API']?.match(new RegExp(`vault ${who} [^}]*: no login: HTTP 403: denied to [^}]*<secret>`)),
      ).not.toBeNull()
    for (const who of ['echoes taken', 'echoes taken by pod'])
      expect(
        texts['API']?.match(new RegExp(`${who}: the token is not valid or may not read it [^}]*<secret>`)),
      ).not.toBeNull()
    // What was the root, and which hundred of all that blocked mail are kept, follows from who answered first.
    const [past] = (JSON.parse(texts['incidents as json'] ?? '') as Past).incidents
    expect(past?.roots.length).toBeGreaterThan(0)
    for (const where of ['incidents as html', 'incidents as markdown', 'state file'])
      for (const { code } of past?.roots ?? []) expect(texts[where]).toContain(code)
    // These have all that blocks mail, and not only the root.
    expect(new Set(past?.blocking.map(({ probe }) => probe)).size).toBeGreaterThan(1)
    for (const { code } of past?.blocking ?? []) expect(texts['state file']).toContain(code)
    expect(texts['transcripts']?.match(/^TRANSCRIPT/gm)).toHaveLength(status.checks.length)
    expect(texts['transcripts']).toMatch(/auth +< 535 5\.7\.8 AUTH PLAIN <secret>/)
    expect(texts['failures']).toMatch(/&lt; 535 5\.7\.8 AUTH PLAIN &lt;secret&gt;/)
    expect(texts['by kubeconfig']).toContain('403, not an answer of a Kubernetes API server')
    expect(texts['by kubeconfig']).toContain('exec plugin')
    expect(texts['API']).toMatch(/dns_spf_invalid[^}]*odd@app\.example/)
    expect(texts['transcripts']).toMatch(/wrong login [^\n]*<secret>/)
    expect(texts['transcripts']).toMatch(/554[- ]5\.7\.1 X-Mailpath-Canary: v1 <secret>/)
  })

  it('in a wrong place is refused for its shape, with what was expected', () => {
    const plain = wrongs.filter(one => one.plain)
    expect(new Set(plain.map(({ kind, field }) => `${kind} ${field}`)).size).toBeGreaterThan(10)
    for (const { kind, field, form } of plain) {
      const reasons = status.checks.find(check => check.id === `${kind}/wrong ${field}: ${form}`)?.reasons ?? []
      const said = reasons.map(({ code, text }) => `${code} ${text}`).join('\n')
      if (kind === 'canary')
        expect(said).toMatch(/(?:^|\n)canary_(not_sent|mailbox_unresolved) .*(\w+): env WRONG_\d+_\d+: expected /)
      else if (kind === 'ses' && sesSettings.includes(field)) expect(said).toMatch(/^ses_(malformed|stub)/)
      else if (kind === 'ses') expect(said).toMatch(/^ses_(unreadable|permission_missing|role_unusable)/)
      else if (kind === 'smtp' && field === 'user')
        expect(said).toMatch(/^smtp_password_unresolved .*user: env WRONG.*: expected /)
      else if (field === 'url')
        expect(said).toMatch(/^(reference_unresolved|\w+_url_(not_understood|refused)|outbox_unreadable) url[: ]/)
      else
        expect(said).toMatch(
          new RegExp(
            `^reference_unresolved ${field.replace('*', '\\w+')}: (env WRONG_\\d+_\\d+: expected |it |its |not )`,
          ),
        )
    }
  })

  it('is looked for in all that was asked for', () => expect(Object.keys(texts).sort()).toEqual([...places].sort()))

  it.each(places)('is not in: %s', name => {
    const text = texts[name] ?? ''
    expect(text.length).toBeGreaterThan(0)
    for (const form of forms) expect(text.includes(form), `${form} is in ${name}`).toBe(false)
    expect(text).not.toMatch(/canary-/)
    for (const token of mails.map(tokenOf)) {
      expect(token.length).toBeGreaterThan(20)
      expect(text.includes(token), `the token of a mail is in ${name}`).toBe(false)
    }
  })

  it('is in no question to a name server', () => {
    expect(asked).toContain('TXT app.example')
    expect(asked.join('\n')).not.toMatch(/canary/)
  })

  it('of a mail is one that servers did get', () => {
    // Of the relay that takes it, and of the SES that answers.
    expect(new Set(mails.map(tokenOf)).size).toBeGreaterThanOrEqual(2)
  })

  it('is not in the message about a config that holds it', () => {
    const bad = `
postgres: [{ name: a, cluster: b, url: "postgres://u:canary-x@h/d", password: canary-y }]
smtp: [{ name: a, host: "canary-z@h", password: canary-w, security: canary-v }]
vault: [{ name: a, url: "https://canary-t:canary-u@h", token: [canary-s] }]
dns: [{ name: a, domain: "canary-r@h/d", helo: "canary-q:p@h", servers: ["canary-p"], dkim: ["canary-o/d"], senders: ["u:canary-n@h"], envelope: "u:canary-m@h", expect: { dmarc: canary-l } }]
canary-key-is-shown: 1
`
    let text = ''
    try {
      parseConfig(bad, 'mailpath.yml')
    } catch (error) {
      text = String(error)
    }
    expect(text).toContain('a secret must not stand in this file')
    // There is a section of that name.
    expect(text.replaceAll(/canary-key-is-shown|, canary(?=,)/g, '')).not.toMatch(/canary/)
  })
})
