/** What the soak runs against: every probe over every kind of failure, on real servers, and nothing that works. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { certificates } from '../servers/certificates.ts'
import {
  closesAtOnce,
  cutOff,
  drip,
  garbage,
  refusedPort,
  scripted,
  silent,
  type Listening,
} from '../servers/hostile.ts'
import { startKubernetesDouble } from '../servers/kubernetes-double.ts'
import { startCluster, type PostgresNode } from '../servers/postgres.ts'
import { removeFolder, tempFolder } from '../servers/processes.ts'
import { startSmtp } from '../servers/smtp.ts'
import { accessKeyOf, startSesDouble } from '../servers/ses-double.ts'
import { startVaultDouble } from '../servers/vault-double.ts'

export interface Targets {
  /** The configuration as YAML. */
  readonly config: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** By what they are to the reader of a failure: `silent postgres`. */
  readonly servers: ReadonlyMap<string, Listening>
  readonly nodes: readonly PostgresNode[]
  /** Empties what the servers write down for tests: it grows in this very heap. */
  readonly forget: () => void
  readonly stop: () => Promise<void>
}

/** Targets by probe, as in the configuration. */
type Sections = Record<string, Record<string, unknown>[]>

/** What a server of a protocol says first, to be dripped, or cut off after so many bytes. */
interface Opening {
  readonly words: Buffer
  readonly cutAt: number
}

const notice = 'SNOTICE\0C00000\0Mhello\0\0'
const openings = {
  postgres: { words: Buffer.from(`N\0\0\0${String.fromCharCode(notice.length + 4)}${notice}`), cutAt: 12 },
  // Yes to SSLRequest, then the head of a TLS record of 16 KiB.
  'postgres tls': { words: Buffer.from('S\x16\x03\x03\x40\0\x02\0\x3f\xfc', 'latin1'), cutAt: 1 },
  smtp: { words: Buffer.from('220-mail.keybuzz.io ESMTP\r\n'), cutAt: 10 },
  http: { words: Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"initialized":'), cutAt: 50 },
} as const satisfies Record<string, Opening>
type Protocol = keyof typeof openings
const protocols = Object.keys(openings) as Protocol[]

const hostiles: Readonly<Record<string, (opening: Opening) => Promise<Listening>>> = {
  refused: () => refusedPort(),
  silent: () => silent(),
  drips: ({ words }) => drip(words, 20, { after: 'repeat' }),
  garbage: () => garbage(),
  closes: () => closesAtOnce(),
  resets: () => closesAtOnce({ how: 'rst' }),
  cut: ({ words, cutAt }) => cutOff(cutAt, { greeting: words.toString('latin1') }),
}

/** What never comes to an end by itself is cut off after this long: most of a turn. What does is given its time. */
const shortly = { timeout: '250ms' }
const endless = ['silent', 'drips', 'garbage']
const login = { user: 'probe', password: { env: 'PASSWORD' } }
const cluster = 'kb'

/** An account of SES at this port. */
const sesAt = (port: number) => ({
  ...{ access_key: { env: 'SES_KEY' }, secret_key: { env: 'SES_SECRET' }, region: 'eu-west-1' },
  ...{ from: 'no-reply@app.example.com', recipients: ['canary@example.net'], endpoint: `http://127.0.0.1:${port}` },
})
const sesKey = { id: accessKeyOf(), secret: 'q8Zt0pLm3Vx7Rk1Wc5Yd9Hb2Nf6Js4Ga/Ue+To0P' }
const table = { cluster, table: 'mails', created: 'created_at', pending: 'sent_at is null', sent: 'sent_at' }

/** Every probe that connects, in every way in which it does. */
function overHostile(name: string, ports: Readonly<Record<Protocol, number>>): Sections {
  const url = (mode: string, port: number): string => `postgres://probe@127.0.0.1:${port}/db?sslmode=${mode}`
  const times = endless.includes(name) ? shortly : {}
  const at = (protocol: Protocol) => ({ host: '127.0.0.1', port: ports[protocol] })
  const password = { env: 'PASSWORD' }
  const token = { env: 'TOKEN' }
  return {
    postgres: [{ name, ...times, cluster, url: url('prefer', ports.postgres), password }],
    write_path: [
      { name, ...times, cluster, url: url('disable', ports.postgres), password },
      { name: `${name} tls`, ...times, cluster, url: url('require', ports['postgres tls']), password },
      { name: `${name} address`, ...times, cluster, ...at('postgres') },
    ],
    smtp: ['none', 'starttls', 'tls'].map(security => ({
      ...{ name: `${name} ${security}`, ...times, ...at('smtp'), security, ...login },
    })),
    outbox: [{ name, ...times, ...table, url: url('disable', ports.postgres), password }],
    ses: [{ name, ...times, ...sesAt(ports.http) }],
    vault: ['http', 'https'].map(scheme => ({
      ...{ name: `${name} ${scheme}`, ...times, url: `${scheme}://127.0.0.1:${ports.http}`, token },
    })),
  }
}

/** Real Postgres nodes: refused logins, a standby, and a commit that waits for ever. */
async function startPostgres(env: Record<string, unknown>) {
  const nodes = await startCluster({ standbys: 1, names: ['primary', 'standby'] })
  const [primary, standby] = [nodes.node('primary'), nodes.node('standby')]
  const { backend, plain } = nodes.logins
  await nodes.stickSyncCommit()
  const urls = {
    WRONG_PASSWORD: primary.url({ ...plain, password: 'wrong' }),
    WRONG_BACKEND: primary.url({ ...backend, password: 'wrong' }, nodes.database),
    NO_MONITOR: standby.url(plain),
    NO_DATABASE: primary.url(backend, 'nowhere'),
    AT_STANDBY: standby.url(backend, nodes.database),
    STUCK: primary.url(backend, nodes.database),
  }
  Object.assign(env, urls)
  const sections: Sections = {
    postgres: [
      { name: 'wrong password', cluster, url: { env: 'WRONG_PASSWORD' } },
      { name: 'standby', cluster, url: { env: 'NO_MONITOR' } },
    ],
    outbox: [
      { name: 'wrong password', ...table, url: { env: 'WRONG_BACKEND' } },
      { name: 'no table', ...table, url: { env: 'AT_STANDBY' } },
      {
        name: 'no predicate',
        ...table,
        table: 'pg_catalog.pg_class',
        url: { env: 'STUCK' },
        pending: 'sent_at is nul',
      },
    ],
    write_path: [
      { name: 'wrong password', cluster, url: { env: 'WRONG_BACKEND' } },
      { name: 'no database', cluster, url: { env: 'NO_DATABASE' } },
      { name: 'standby', cluster, url: { env: 'AT_STANDBY' }, sessions: 2 },
      // Long enough to come as far as the commit on a busy machine.
      { name: 'stuck commit', timeout: '1s', cluster, url: { env: 'STUCK' } },
    ],
  }
  return { nodes, sections }
}

/** Relays and Vaults that speak their protocol and refuse, or break off later than at the first word. */
async function startRefusing(env: object, caFile: string) {
  const { good } = await certificates()
  const relay = await startSmtp({ security: 'starttls', certificate: good, users: { probe: 'right' } })
  const tlsThenNothing = await scripted({
    capabilities: ['STARTTLS'],
    handlers: [line => (line === 'STARTTLS' ? '220 2.0.0 Ready' : line.startsWith('EHLO') ? undefined : '')],
  })
  const dripsEhlo = await scripted({ dripEhloMs: 20 })
  const cutsAuth = await scripted({
    handlers: [(line, socket) => (line.startsWith('AUTH') ? (socket.destroy(), '') : undefined)],
  })
  const sealed = await startVaultDouble({ token: 'token', state: 'sealed' })
  const truncating = await startVaultDouble({ token: 'token' })
  truncating.answer('truncated')
  const secretWrong = await startSesDouble({ keys: [{ ...sesKey, secret: sesKey.secret.toLowerCase() }] })
  const denied = await startSesDouble({ keys: [{ ...sesKey, allows: [] }] })
  const throttling = await startSesDouble({ keys: [sesKey] })
  throttling.misbehave('throttled', 'GetEmailIdentity')
  const cutting = await startSesDouble({ keys: [sesKey] })
  cutting.misbehave('cut')
  const kubernetes = await startKubernetesDouble({ token: 'token' })
  kubernetes.misbehaviour = 'silent'
  let turn = 0
  // Another one each time, or it would be held off after the first 535.
  Object.defineProperty(env, 'NEVER_RIGHT', { enumerable: true, get: () => `wrong ${++turn}` })

  const local = (port: number, more: object) => ({ host: '127.0.0.1', port, security: 'none', ...login, ...more })
  const trusted = { security: 'starttls', ca_file: caFile }
  const byVault = { vault: { target: 'sealed', path: 'secret/data/x', key: 'PASS' } }
  const sections: Sections = {
    smtp: [
      { name: '535', ...local(relay.port, { ...trusted, password: { env: 'NEVER_RIGHT' } }) },
      { name: '535 held off', ...local(relay.port, trusted) },
      { name: 'certificate not trusted', ...local(relay.port, { security: 'starttls' }) },
      { name: 'password in a sealed vault', ...local(relay.port, { ...trusted, password: byVault }) },
      { name: 'STARTTLS then silence', ...local(tlsThenNothing.port, { ...shortly, security: 'starttls' }) },
      { name: 'EHLO dripped', ...local(dripsEhlo.port, shortly) },
      { name: 'AUTH cut', ...local(cutsAuth.port, {}) },
    ],
    vault: [
      { name: 'sealed', url: `http://127.0.0.1:${sealed.port}`, token: { env: 'TOKEN' } },
      { name: 'truncated', url: `http://127.0.0.1:${truncating.port}` },
    ],
    ses: [
      { name: 'wrong secret', ...sesAt(secretWrong.port) },
      { name: 'denied', ...sesAt(denied.port) },
      { name: 'throttling', ...sesAt(throttling.port) },
      { name: 'cut by SES', ...sesAt(cutting.port) },
    ],
    settings: [
      {
        name: 'kubernetes silent',
        ...shortly,
        from: { kubernetes: { namespace: 'a', secret: 'b' } },
        expect: { A: 'b' },
      },
    ],
  }
  const accounts = { secretWrong, denied, throttling, cutting }
  const servers = { relay, tlsThenNothing, dripsEhlo, cutsAuth, sealed, truncating, kubernetes, ...accounts }
  const forget = (): void => {
    for (const { commands } of [tlsThenNothing, dripsEhlo, cutsAuth]) commands.length = 0
    for (const { requests } of [sealed, truncating, ...Object.values(accounts)]) requests.length = 0
    const asked = kubernetes.requests as unknown[]
    asked.length = 0
  }
  return {
    servers,
    sections,
    forget,
    kubernetes: { url: `http://127.0.0.1:${kubernetes.port}`, token: { env: 'TOKEN' } },
  }
}

/** References that give nothing, and what reads files itself. */
function unreadable(folder: string): Sections {
  const missing = path.join(folder, 'missing')
  const url = 'postgres://probe@127.0.0.1:1/db'
  const tokenOf = (file: string) => ({ url: 'http://127.0.0.1:1', token: { file } })
  return {
    postgres: [{ name: 'no password file', cluster, url, password: { file: missing } }],
    write_path: [{ name: 'no .env', cluster, url: { dotenv: path.join(missing, '.env'), key: 'DATABASE_URL' } }],
    smtp: [{ name: 'a folder for a port', host: 'localhost', port: { file: folder } }],
    vault: [{ name: 'a device for a token', ...tokenOf('/dev/null') }],
    ses: [
      { name: 'no .env', access_key: { env: 'NO' }, secret_key: { dotenv: missing, key: 'A' }, region: { env: 'NO' } },
      {
        name: 'no .aws',
        access_key: { ini: missing, section: 'default', key: 'aws_access_key_id' },
        secret_key: { ini: folder, section: 'default', key: 'aws_secret_access_key' },
        region: 'eu-west-1',
      },
    ],
    settings: [{ name: 'no .env', from: { dotenv: missing }, expect: { SMTP_HOST: { present: true } } }],
    packages: [
      { name: 'no folder', folder: missing, require: ['nodemailer'], forbid: [{ file: 'a.js', pattern: 'x' }] },
    ],
    mail: [{ name: 'app', provider: { file: missing } }],
  }
}

function merged(all: readonly Sections[]): Sections {
  const sections: Sections = {}
  for (const [kind, entries] of all.flatMap(one => Object.entries(one)))
    sections[kind] = [...(sections[kind] ?? []), ...entries]
  return sections
}

export async function startTargets(): Promise<Targets> {
  const folder = tempFolder('mailpath-soak-')
  const caFile = path.join(folder, 'ca.pem')
  await writeFile(caFile, (await certificates()).ca)
  const env: Record<string, string | undefined> = {
    PASSWORD: 'password-of-the-soak',
    TOKEN: 'token-of-the-soak',
    SES_KEY: sesKey.id,
    SES_SECRET: sesKey.secret,
  }
  const servers = new Map<string, Listening>()
  const postgres = await startPostgres(env)
  const refusing = await startRefusing(env, caFile)
  for (const [name, server] of Object.entries(refusing.servers)) servers.set(name, server)
  const over: Sections[] = []
  for (const [name, start] of Object.entries(hostiles)) {
    const ports = {} as Record<Protocol, number>
    for (const protocol of protocols) {
      const server = await start(openings[protocol])
      servers.set(`${name} ${protocol}`, server)
      ports[protocol] = server.port
    }
    over.push(overHostile(name, ports))
  }
  const sections = merged([...over, postgres.sections, refusing.sections, unreadable(folder)])
  return {
    // The interval is never waited for. It is long, so that nothing goes stale between two turns.
    config: JSON.stringify({ interval: '10m', timeout: '5s', kubernetes: refusing.kubernetes, ...sections }),
    env,
    servers,
    nodes: postgres.nodes.nodes,
    forget: refusing.forget,
    async stop() {
      await Promise.all([...servers.values()].map(server => server.close()))
      await postgres.nodes.stop()
      await removeFolder(folder)
    },
  }
}
