import { execFile } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { variables } from '../../src/environment/variables.ts'
import { certificates } from '../servers/certificates.ts'
import { extend, listen, silent, type Listening } from '../servers/hostile.ts'
import { startCluster, type Cluster } from '../servers/postgres.ts'
import { freePort, removeFolder, startProcess, tempFolder, waitFor } from '../servers/processes.ts'
import { startSmtp } from '../servers/smtp.ts'
import { startVaultDouble } from '../servers/vault-double.ts'
import { hostileVariables } from './hostile-variables.ts'

// The program as it ships, since what counts is what has been loaded before the first line of ours.

const root = fileURLToPath(new URL('../../', import.meta.url))
const token = 'a-token-of-this-test'
const relayPassword = 'a-password-of-this-test'

interface Recorded extends Listening {
  /**
   * What clients sent, connection by connection; once, since a check may look twice. Of a login at Postgres the first
   * message: the rest has a nonce in it.
   */
  take(): string[]
}

let folder: string
let main: string
let config: string
let trap: Listening
let postgres: Cluster
let hostile: Readonly<Record<string, string>>
/** What references of the configuration name. */
let secrets: Record<string, string>
const wires: Recorded[] = []
const servers: Listening[] = []

/** In front of a server, to write down what it is sent. */
async function recorded(port: number, all: boolean): Promise<Recorded> {
  let sent: string[] = []
  const server = net.createServer(client => {
    const upstream = net.connect(port, '127.0.0.1')
    const at = sent.push('') - 1
    client.on('data', (chunk: Buffer) => {
      if (all || sent[at] === '') sent[at] = `${sent[at] ?? ''}${chunk.toString('latin1')}`
    })
    for (const socket of [client, upstream])
      socket.on('error', () => undefined).on('close', () => (client.destroy(), upstream.destroy()))
    client.pipe(upstream).pipe(client)
  })
  const wire = extend(await listen(server), {
    take: () => {
      const taken = sent
      sent = []
      return [...new Set(taken)].sort()
    },
  })
  wires.push(wire)
  return wire
}

beforeAll(async () => {
  folder = tempFolder('mailpath-environment-')
  const file = (name: string): string => path.join(folder, name)
  copyFileSync(path.join(root, 'package.json'), file('package.json'))
  symlinkSync(path.join(root, 'node_modules'), file('node_modules'))
  main = file('dist/main.js')
  const build = ['--import', import.meta.resolve('tsx'), path.join(root, 'build/main.ts'), file('dist')]
  const { good } = await certificates()
  const users = { app: relayPassword }
  const [, cluster, trapped, plain, foreign, vault] = await Promise.all([
    promisify(execFile)(process.execPath, build),
    startCluster({ standbys: 0 }),
    silent(),
    startSmtp({ security: 'none', users }),
    startSmtp({ security: 'tls', users, certificate: good }),
    startVaultDouble({ token, secrets: { 'secret/data/app': { KEY: 'value' } } }),
  ])
  postgres = cluster
  trap = trapped
  servers.push(trapped, plain, foreign, vault)
  const [node] = cluster.nodes
  if (!node) throw new Error('the cluster has no node')
  const { user, password } = cluster.logins.backend
  // A write of this role fails. With PGOPTIONS it would not.
  await node.query(`alter role ${user} set default_transaction_read_only = on`)
  const [database, relay, vaultWire] = [
    await recorded(node.port, false),
    await recorded(plain.port, true),
    await recorded(vault.port, true),
  ]
  secrets = { DB: password, MAIL: relayPassword, VAULT: token }
  const login = 'user: app, password: { env: MAIL }'
  config = file('mailpath.yml')
  writeFileSync(
    config,
    `interval: 60s
timeout: 30s
postgres:
  - { name: node, cluster: kb, url: "postgres://${user}@127.0.0.1:${database.port}/${cluster.database}?sslmode=disable", password: { env: DB } }
write_path:
  - { name: app, cluster: kb, url: "postgres://${user}@127.0.0.1:${database.port}/${cluster.database}?sslmode=disable", password: { env: DB }, driver: node-postgres }
smtp:
  - { name: plain, host: localhost, port: ${relay.port}, security: none, ${login} }
  - { name: foreign, host: localhost, port: ${foreign.port}, security: tls, ${login} }
vault:
  - { name: vault, url: "http://127.0.0.1:${vaultWire.port}", token: { env: VAULT }, secrets: [{ path: secret/data/app, keys: [KEY] }] }
`,
  )
  writeFileSync(file('authority.pem'), good.ca)
  writeFileSync(file('.pgpass'), `*:*:*:*:of the file\n`, { mode: 0o600 })
  writeFileSync(file('aliases'), `localhost other.example\n`)
  for (const place of ['modules/supports-color', '.node_modules/supports-color']) {
    mkdirSync(file(place), { recursive: true })
    writeFileSync(file(`${place}/index.js`), `require('node:fs').writeFileSync(${JSON.stringify(file('loaded'))}, '')`)
  }
  hostile = hostileVariables({ trap, folder, authority: file('authority.pem'), user })
}, 120_000)
afterAll(async () => {
  await Promise.all([...wires, ...servers].map(server => server.close()))
  await postgres.stop()
  await removeFolder(folder)
})

interface Ran {
  readonly code: number | null
  readonly printed: string
}

/** With no other variables than these. */
async function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  node: readonly string[] = [],
): Promise<Ran> {
  const running = startProcess('mailpath-exporter', process.execPath, [...node, main, ...args], {
    env: { ...secrets, ...env },
  })
  // Only for what hangs.
  const late = setTimeout(() => running.signal('SIGKILL'), 60_000)
  const code = await running.exited
  clearTimeout(late)
  return { code, printed: running.log() }
}

/** The audit and what was sent. Times are left out. */
async function audited(env: Readonly<Record<string, string>> = {}): Promise<Ran & { readonly sent: string[][] }> {
  const ran = await run(['check', `--config.file=${config}`, '--format=json'], { TMPDIR: folder, ...env })
  const printed = ran.printed
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'then')
    .replace(/\b\d+(\.\d+)? ?(ms|s|minutes|hours|days)\b/g, 'a while')
    .replace(/("duration_seconds": )[\d.]+/g, '$1a while')
    .replace(/: \d+\.\d+(e-\d+)?(?=[,\n])/g, ': a while')
  return { ...ran, printed, sent: wires.map(wire => wire.take()) }
}

describe('the environment', () => {
  let before: Awaited<ReturnType<typeof audited>>
  beforeAll(async () => {
    before = await audited()
  })

  it('is tried variable by variable', () => {
    const names = [...Object.keys(hostile), ...Object.keys(refusedVariables)]
    const known = variables.filter(({ effect }) => effect !== 'used').flatMap(one => one.names)
    // A channel of Node cannot be faked: it would have to be open.
    for (const pattern of known) {
      const covers = (name: string) =>
        pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
      expect([pattern, names.some(covers)]).toEqual([pattern, true])
    }
  })

  it('changes no verdict, no request and no text, and shows no secret', async () => {
    expect(before.code).toBe(2)
    expect(before.printed).toContain('default_transaction_read_only is on for the role')
    expect(before.printed).toMatch(/smtp_certificate|certificate/)
    expect(before.sent.every(one => one.length > 0)).toBe(true)
    const with_ = await audited(hostile)
    expect(with_).toEqual(before)
    expect(trap.accepted).toBe(0)
    for (const secret of Object.values(secrets)) expect(with_.printed).not.toContain(secret)
    for (const name of ['keys', 'loaded']) expect([name, existsSync(path.join(folder, name))]).toEqual([name, false])
  })

  it.each(['PGOPTIONS', 'NODE_PG_FORCE_NATIVE', 'NODE_TLS_REJECT_UNAUTHORIZED'])(
    '%s alone changes nothing either',
    async name => {
      expect(await audited({ [name]: hostile[name] ?? '' })).toEqual(before)
    },
  )

  it('has an authority to trust in NODE_EXTRA_CA_CERTS', async () => {
    const trusting = await audited({ NODE_EXTRA_CA_CERTS: path.join(folder, 'authority.pem') })
    expect(before.printed).toContain('smtp_certificate')
    expect(trusting.printed).not.toContain('smtp_certificate')
  })

  it('is whole where a reference names one of it', async () => {
    const file = path.join(folder, 'reference.yml')
    const { port } = wires[1] ?? { port: 0 }
    writeFileSync(
      file,
      `smtp: [{ name: a, host: localhost, port: ${port}, security: none, user: app, password: { env: PGPASSWORD } }]\n`,
    )
    const { printed } = await run(['check', `--config.file=${file}`, '--only=smtp'], { PGPASSWORD: relayPassword })
    wires[1]?.take()
    expect(printed).toMatch(/^ *warn|ok/m)
    expect(printed).not.toContain('smtp_auth')
  })
})

const refusedVariables = {
  NODE_DEBUG: 'http,https,tls,net,stream',
  NODE_DEBUG_NATIVE: 'TLS',
  OPENSSL_CONF: '/dev/null',
  OPENSSL_CONF_INCLUDE: '/dev',
  NODE_USE_SYSTEM_CA: '1',
  NODE_UNIQUE_ID: '1',
} as const

describe('what Node has obeyed before the exporter runs', () => {
  const start = (env: Readonly<Record<string, string>>, node: readonly string[] = []): Promise<Ran> =>
    run(['check', `--config.file=${config}`], env, node)

  it.each([
    ...Object.entries(refusedVariables),
    ['NODE_OPTIONS', '--tls-min-v1.0'],
    ['NODE_OPTIONS', '--max-old-space-size=200 --require="node:path"'],
  ])('%s=%s is refused in one line, and nothing is asked', async (name, value) => {
    const { code, printed } = await start({ [name]: value })
    expect(code).toBe(78)
    const [line = ''] = printed.split('\n').filter(one => one.startsWith('mailpath-exporter: '))
    expect(line).toContain(name)
    expect(line).toContain('Start it without')
    expect(wires.flatMap(wire => wire.take())).toEqual([])
    for (const secret of Object.values(secrets)) expect(printed).not.toContain(secret)
  })

  it.each(['--inspect=127.0.0.1:0', '--tls-keylog=/dev/null'])('node %s is refused', async option => {
    const { code, printed } = await start({}, [option])
    expect(code).toBe(78)
    expect(printed).toContain(`node was started with ${option.replace(/=.*/, '')}`)
  })

  it('lets through options of memory and of warnings, and tells of itself in any case', async () => {
    const env = { NODE_OPTIONS: '--max-old-space-size=200 --enable-source-maps "--no-warnings"' }
    expect(await run(['check-config', `--config.file=${config}`], env, ['--expose-gc'])).toMatchObject({ code: 0 })
    expect(await run(['--help'], { OPENSSL_CONF: '/dev/null' })).toMatchObject({ code: 0 })
  })
})

describe('a daemon', () => {
  let empty: string
  beforeEach(() => {
    empty = path.join(folder, 'empty.yml')
    writeFileSync(empty, `settings: [{ name: a, from: { dotenv: ${empty} }, expect: { A: { present: true } } }]\n`)
  })

  /** A daemon that serves, begun by `first` of a script. */
  async function serving(
    first = '',
    env: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly running: ReturnType<typeof startProcess>; readonly port: number }> {
    const port = await freePort()
    const script = path.join(folder, 'begin.cjs')
    writeFileSync(script, `${first}\nrequire(${JSON.stringify(main)})\n`)
    const args = ['serve', `--config.file=${empty}`, `--web.listen-address=127.0.0.1:${port}`]
    const running = startProcess('mailpath-exporter', process.execPath, [script, ...args], { env })
    onTestFinished(() => running.stop('SIGKILL'))
    await waitFor(
      () =>
        fetch(`http://127.0.0.1:${port}/-/healthy`).then(
          ({ ok }) => ok,
          () => false,
        ),
      {
        what: 'it serves',
        timeoutMs: 60_000,
      },
    )
    return { running, port }
  }

  it('serves with all these variables, and prints nothing but its log', async () => {
    const { running, port } = await serving('', hostile)
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200)
    for (const line of running.log().trim().split('\n')) expect(line).toMatch(/^\{"level":/)
  })

  it.each(['SIGUSR1', 'SIGUSR2'] as const)('%s does nothing', async signal => {
    const { running, port } = await serving()
    running.signal(signal)
    expect((await fetch(`http://127.0.0.1:${port}/metrics`)).status).toBe(200)
    expect(running.alive()).toBe(true)
    expect(running.log()).not.toMatch(/Debugger listening|inspector/)
  })

  it('SIGQUIT ends it in order', async () => {
    const { running } = await serving()
    running.signal('SIGQUIT')
    expect(await running.exited).toBe(0)
    expect(running.log()).toContain('"msg":"stopped"')
  })

  it.skipIf(!existsSync('/proc/net/tcp'))(
    'SIGUSR1 before the first line of ours opens the inspector for no longer than the start takes',
    async () => {
      const { running, port } = await serving(`process.kill(process.pid, 'SIGUSR1')`)
      // The port of Node's inspector may be another process's. Then it never opened.
      expect(running.log()).toMatch(/Debugger listening|address already in use/)
      expect(listening(running.pid)).toEqual([port])
    },
  )
})

/** The TCP ports that a process listens on. */
function listening(pid: number): number[] {
  const sockets = readdirSync(`/proc/${pid}/fd`).flatMap(fd => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? []
    } catch {
      return []
    }
  })
  const rows = ['tcp', 'tcp6'].flatMap(family =>
    readFileSync(`/proc/${pid}/net/${family}`, 'utf8').split('\n').slice(1),
  )
  return rows.flatMap(row => {
    const [, local = '', , state, , , , , , inode = ''] = row.trim().split(/\s+/)
    return state === '0A' && sockets.includes(inode) ? [parseInt(local.split(':')[1] ?? '', 16)] : []
  })
}
