import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closesAtOnce, garbage, refusedPort, scripted, silent, type Listening } from '../servers/hostile.ts'
import { startKubernetesDouble } from '../servers/kubernetes-double.ts'
import { startPatroniDouble } from '../servers/patroni-double.ts'
import { accessKeyOf, startSesDouble } from '../servers/ses-double.ts'
import { startCluster, type Cluster } from '../servers/postgres.ts'
import { freePort, startProcess, tempFolder, waitFor } from '../servers/processes.ts'
import { startVaultDouble } from '../servers/vault-double.ts'
import { canTrace } from './optional.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const tsx = fileURLToPath(import.meta.resolve('tsx'))
const tracing = await canTrace()

/** Tells each connection that JavaScript opens, and each name it looks up; loaded before the exporter. */
const recorder = (file: string): string =>
  `data:text/javascript,${encodeURIComponent(`
    import dgram from 'node:dgram'
    import dns from 'node:dns'
    import fs from 'node:fs'
    import net from 'node:net'
    const tell = text => fs.appendFileSync(${JSON.stringify(file)}, text + '\\n')
    const { connect } = net.Socket.prototype
    net.Socket.prototype.connect = function (...args) {
      const [{ host = 'localhost', port, path }] = Array.isArray(args[0]) ? args[0] : typeof args[0] === 'object' ? args : [{ port: args[0], host: args[1] }]
      tell(path == null ? host + ':' + port : 'unix ' + path)
      return connect.apply(this, args)
    }
    for (const name of ['connect', 'send']) dgram.Socket.prototype[name] = () => tell('udp')
    for (const api of [dns, dns.promises, dns.Resolver.prototype, dns.promises.Resolver.prototype])
      for (const name of ['lookup', 'resolve', 'resolve4', 'resolve6', 'resolveTxt', 'resolveSrv', 'reverse']) {
        const original = api[name]
        if (original) api[name] = function (...args) { if (!net.isIP(args[0])) tell('name ' + args[0]); return original.apply(this, args) }
      }
  `)}`

let postgres: Cluster
const servers: Listening[] = []
/** Nothing in the configuration leads here. */
let trap: Listening
let config: string
let folder: string
let configured: string[]

const up = async <T extends Listening>(starting: Promise<T>): Promise<T> => {
  const server = await starting
  servers.push(server)
  return server
}

beforeAll(async () => {
  folder = tempFolder('mailpath-connections-')
  config = path.join(folder, 'mailpath.yml')
  const envFile = path.join(folder, '.env')
  await writeFile(envFile, 'SMTP_HOST=mail\n')
  await writeFile(path.join(folder, 'token'), 'unused-token')
  // Commits wait for a standby that is not there, so that cancel requests are sent.
  postgres = await startCluster({ standbys: 0, synchronous: true })
  trap = await up(silent())
  const [mail, slow, closing, noise, nobody] = await Promise.all([
    up(scripted()),
    up(silent()),
    up(closesAtOnce()),
    up(garbage()),
    up(refusedPort()),
  ])
  const secrets = { 'secret/data/app': { SMTP_PASS: 'unused-password' } }
  const vault = await up(startVaultDouble({ token: 'unused-token', secrets }))
  const elsewhere = await up(startVaultDouble({ token: 'unused-token' }))
  elsewhere.answer(`redirect:http://${trap.host}:${trap.port}`)
  const awsKey = { id: accessKeyOf(), secret: 'q8Zt0pLm3Vx7Rk1Wc5Yd9Hb2Nf6Js4Ga/Ue+To0P' }
  await writeFile(path.join(folder, 'aws'), `[app]\nid = ${awsKey.id}\nsecret = ${awsKey.secret}\n`)
  const ses = await up(startSesDouble({ keys: [awsKey] }))
  const sesElsewhere = await up(startSesDouble({ keys: [awsKey] }))
  const patroni = await up(startPatroniDouble())
  const { host, port } = trap
  const headers = { Location: `http://${host}:${port}/` }
  sesElsewhere.misbehave({ status: 307, type: 'text/plain', body: '', headers })
  patroni.members = [{ name: 'p1', role: 'leader', state: 'running', api_url: `http://${host}:${port}/`, host, port }]
  const kubernetes = await up(
    startKubernetesDouble({ token: 'unused-token', secrets: { 'mail/db': { PGHOST: '127.0.0.1' } } }),
  )
  const node = postgres.nodes[0]
  if (!node) throw new Error('the cluster has no node')
  const { user, password } = postgres.logins.backend
  await writeFile(path.join(folder, 'password'), password)
  const at = ({ port }: { readonly port: number }): string => `127.0.0.1:${port}`
  const login = `password: { file: ${folder}/password }`
  const ini = (name: string): string => `{ ini: ${folder}/aws, section: app, key: ${name} }`
  const keys = `region: eu-west-1, access_key: ${ini('id')}, secret_key: ${ini('secret')}`
  const key = `password: { vault: { target: good, path: secret/data/app, key: SMTP_PASS } }`
  await writeFile(
    config,
    `interval: 1s
timeout: 900ms
kubernetes: { url: "http://${at(kubernetes)}", token: { file: ${folder}/token } }
postgres:
  - { name: good, cluster: kb, url: "postgres://${user}@${at(node)}/postgres", ${login} }
  - { name: closes, cluster: kb, url: "postgres://${user}@${at(closing)}/postgres", ${login} }
patroni: [{ name: p1, cluster: kb, url: "http://${at(patroni)}" }]
write_path:
  - { name: stuck, cluster: kb, url: "postgres://${user}@${at(node)}/${postgres.database}", ${login} }
  - name: secret
    cluster: kb
    host: { kubernetes: { namespace: mail, secret: db, key: PGHOST } }
    port: ${nobody.port}
smtp:
  - { name: good, host: 127.0.0.1, port: ${mail.port}, security: none, user: a, ${key} }
  - { name: slow, host: 127.0.0.1, port: ${slow.port} }
  - { name: noise, host: 127.0.0.1, port: ${noise.port}, security: tls }
vault:
  - { name: good, url: "http://${at(vault)}", token: { file: ${folder}/token }, secrets: [{ path: secret/data/app, keys: [SMTP_PASS] }] }
  - { name: elsewhere, url: "http://${at(elsewhere)}", token: { file: ${folder}/token } }
ses:
  - { name: app, interval: 1s, verify: false, access_key: { env: AWS_ACCESS_KEY_ID }, secret_key: { env: AWS_SECRET_ACCESS_KEY }, region: eu-west-1 }
  - { name: asked, interval: 1s, ${keys}, endpoint: "http://${at(ses)}", from: app@app.example.com, recipients: [a@example.net] }
  - { name: elsewhere, interval: 1s, ${keys}, endpoint: "http://${at(sesElsewhere)}" }
outbox:
  - { name: mails, interval: 1s, cluster: kb, url: "postgres://${user}@${at(node)}/${postgres.database}", ${login}, table: mails, created: created_at, pending: sent_at is null }
settings: [{ name: app, from: { dotenv: ${envFile} }, expect: { SMTP_HOST: mail } }]
packages: [{ name: app, folder: ${folder}, require: [nodemailer] }]
`,
  )
  const all = [node, closing, nobody, mail, slow, noise, vault, elsewhere, kubernetes, patroni, ses, sesElsewhere]
  configured = all.map(at).sort()
}, 120_000)
afterAll(async () => {
  await Promise.all(servers.map(server => server.close()))
  await postgres.stop()
})

/** What an environment can say of where to go: none of it is for us. */
const misleading = (): NodeJS.ProcessEnv => {
  const url = `http://${trap.host}:${trap.port}`
  const proxies = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'].flatMap(name => [name, name.toLowerCase()])
  return {
    ...Object.fromEntries(proxies.map(name => [name, url])),
    NODE_USE_ENV_PROXY: '1',
    VAULT_ADDR: url,
    VAULT_TOKEN: 'another-token',
    PGHOST: trap.host,
    PGPORT: String(trap.port),
    KUBERNETES_SERVICE_HOST: trap.host,
    KUBERNETES_SERVICE_PORT: String(trap.port),
    AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    AWS_ENDPOINT_URL: url,
    AWS_ENDPOINT_URL_SESV2: url,
    AWS_CONTAINER_CREDENTIALS_FULL_URI: url,
    AWS_EC2_METADATA_SERVICE_ENDPOINT: url,
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
  }
}

describe('the exporter, in rounds with targets that fail and targets that do not', () => {
  it(
    `talks to the configured addresses and to no other${tracing ? ', also by strace' : ''}`,
    { timeout: 180_000 },
    async () => {
      const [told, trace] = [path.join(folder, 'told'), path.join(folder, 'trace')]
      const port = await freePort()
      const own = ['--import', recorder(told), '--import', tsx, main, `--config.file=${config}`]
      const node = [process.execPath, ...own, `--web.listen-address=127.0.0.1:${port}`]
      const under = tracing ? ['strace', '-f', '-qq', '-e', 'trace=connect,sendto,sendmsg', '-o', trace] : []
      const [command = '', ...args] = [...under, ...node]
      const running = startProcess('mailpath-exporter', command, args, {
        env: { ...process.env, ...misleading() },
      })
      try {
        await waitFor(() => hasRun(port, 3), { timeoutMs: 120_000, everyMs: 500, what: 'every check has run 3 times' })
      } catch (error) {
        throw new Error(`${String(error)}\n${running.log()}`)
      } finally {
        await running.stop(tracing ? 'SIGKILL' : 'SIGTERM')
      }
      const lines = [...new Set((await readFile(told, 'utf8')).split('\n'))].filter(line => line !== '')
      // The channel between tsx and its loader.
      expect(lines.filter(line => !/^unix .*\/tsx-/.test(line)).sort()).toEqual(configured)
      if (tracing) expect(await traced(trace)).toEqual(configured)
      expect(trap.accepted).toBe(0)
      expect(running.log()).toMatch(/"target":"good","to":"ok"/)
    },
  )
})

async function hasRun(port: number, times: number): Promise<boolean> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const runs = [...text.matchAll(/^mailpath_check_runs_total\{.*\} (\d+)$/gm)].map(([, count]) => Number(count))
  return runs.length > 10 && runs.every(count => count >= times)
}

/** Every address of the trace that is not a local socket of the system. */
async function traced(file: string): Promise<string[]> {
  if (!existsSync(file)) return []
  const addresses = (await readFile(file, 'utf8')).split('\n').flatMap(line => {
    const [, family] = /sa_family=(AF_\w+)/.exec(line) ?? []
    if (family === undefined) return []
    const [, port, address] = /sin_port=htons\((\d+)\), sin_addr=inet_addr\("([\d.]+)"\)/.exec(line) ?? []
    if (address !== undefined) return [`${address}:${port ?? ''}`]
    // That of tsx, and of the system's cache of names.
    if (/sun_path="[^"]*(\/tsx-\d+\/|nscd\/socket)/.test(line)) return []
    return [line]
  })
  return [...new Set(addresses)].sort()
}
