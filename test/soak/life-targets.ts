/** What the daemon of the soak watches: servers that work, and the faults that befall them one after the other. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { certificates } from '../servers/certificates.ts'
import { startCluster } from '../servers/postgres.ts'
import { removeFolder, tempFolder } from '../servers/processes.ts'
import { startSmtp, type Smtp } from '../servers/smtp.ts'
import { startVaultDouble } from '../servers/vault-double.ts'
import type { Counts } from './flat.ts'
import { countBackends } from './open.ts'

export interface Fault {
  readonly name: string
  readonly begin: () => unknown
  readonly end: () => unknown
}

export interface LifeTargets {
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  /** The configuration; one number gives another one than the next. */
  readonly config: (turn: number) => string
  readonly faults: readonly Fault[]
  /** What is open at the servers: sessions, connections, tokens. */
  readonly open: () => Promise<Counts>
  readonly stop: () => Promise<void>
}

/** Ten checks each. */
const blocks = 4
const user = 'postmaster'
const password = 'password-of-the-relay'
const secretPath = 'secret/data/app/smtp'
const settings = `SMTP_HOST=localhost\nSMTP_USER=${user}\nSMTP_PASS=${password}\n`
/** No resolver has it (RFC 6761). */
const deadName = 'relay.soak.invalid'
/** So that logins end within the soak. Seconds. */
const tokenSeconds = 60

/** The checks run so often. */
export async function startLifeTargets(intervalSeconds: number): Promise<LifeTargets> {
  const folder = tempFolder('mailpath-life-')
  const caFile = path.join(folder, 'ca.pem')
  const dotenv = path.join(folder, '.env')
  const { ca, good } = await certificates()
  await writeFile(caFile, ca)
  await writeFile(dotenv, settings)
  const cluster = await startCluster({ standbys: 1, settings: { max_connections: '200' } })
  const [primary, standby] = cluster.nodes
  if (!primary || !standby) throw new Error('the cluster needs two nodes')
  const relayOptions = { security: 'starttls', certificate: good, users: { [user]: password } } as const
  let relay: Smtp = await startSmtp(relayOptions)
  const smtpPort = relay.port
  const vault = await startVaultDouble({
    token: 'token-of-the-soak',
    tls: good,
    secrets: { [secretPath]: { SMTP_PASS: password } },
    logins: { approle: { role_id: 'role', secret_id: 'secret-id' } },
  })
  vault.loginTtl = tokenSeconds
  vault.loginMaxTtl = 2 * tokenSeconds
  const { backend, monitor } = cluster.logins

  const times = { interval: `${intervalSeconds}s`, timeout: `${1000 * intervalSeconds - 100}ms` }
  function block(n: number) {
    const inVault = { vault: { target: `vault-${n}`, path: secretPath, key: 'SMTP_PASS' } }
    const relayAt = { host: 'localhost', port: smtpPort, ca_file: caFile, user }
    const write = (name: string) => ({
      ...{ name: `${name}-${n}`, cluster: `kb-${n}`, password: { env: 'BACKEND_PASSWORD' } },
      url: `postgres://${backend.user}@127.0.0.1:${primary?.port ?? 0}/${cluster.database}`,
    })
    const node = (name: string, port: number) => ({
      ...{ name: `${name}-${n}`, cluster: `kb-${n}`, password: { env: 'MONITOR_PASSWORD' } },
      url: `postgres://${monitor.user}@127.0.0.1:${port}/postgres`,
    })
    const url = `https://localhost:${vault.port}`
    const byRole = { app_role: { role_id: { env: 'ROLE_ID' }, secret_id: { env: 'SECRET_ID' } } }
    return {
      postgres: [node('primary', primary?.port ?? 0), node('standby', standby?.port ?? 0)],
      write_path: [write('backend'), write('worker')],
      smtp: [
        { name: `relay-${n}`, ...relayAt, password: { env: 'SMTP_PASSWORD' } },
        { name: `relay-by-vault-${n}`, ...relayAt, password: inVault },
      ],
      vault: [
        { name: `vault-${n}`, url, ca_file: caFile, ...byRole, secrets: [{ path: secretPath, keys: ['SMTP_PASS'] }] },
      ],
      settings: [{ name: `app-${n}`, from: { dotenv }, expect: { SMTP_HOST: 'localhost' } }],
      drift: [{ name: `pass-${n}`, sources: { '.env': { dotenv, key: 'SMTP_PASS' }, Vault: inVault } }],
      packages: [{ name: `app-${n}`, folder: path.resolve(import.meta.dirname, '../..'), require: ['nodemailer'] }],
    }
  }

  function config(turn: number): string {
    const sections: Record<string, object[]> = {}
    for (let n = 0; n < blocks; n++)
      for (const [kind, targets] of Object.entries(block(n))) sections[kind] = [...(sections[kind] ?? []), ...targets]
    // One that is there or not, and one that is another each time.
    const nowhere = { host: deadName, port: 25, interval: '5s', timeout: '4s' }
    const more = [
      { name: 'dead name', ...nowhere },
      ...(turn % 2 === 0 ? [] : [{ name: `turn ${turn % 4}`, ...nowhere }]),
    ]
    const smtp = [...(sections['smtp'] ?? []), ...more]
    return JSON.stringify({ ...times, ...sections, smtp })
  }

  const faults: Fault[] = [
    { name: 'none', begin: () => undefined, end: () => undefined },
    { name: 'the primary crashes', begin: () => primary.kill(), end: () => primary.start() },
    { name: 'the relay says 454', begin: () => relay.refuse(454), end: () => relay.refuse(undefined) },
    { name: 'Vault is sealed', begin: () => (vault.state = 'sealed'), end: () => (vault.state = 'active') },
    {
      name: 'no relay listens',
      begin: () => relay.close(),
      end: async () => {
        relay = await startSmtp({ ...relayOptions, port: smtpPort })
      },
    },
    { name: 'commits wait', begin: () => cluster.stickSyncCommit(), end: () => cluster.unstickSyncCommit() },
    { name: 'Vault says nothing', begin: () => vault.answer('silent'), end: () => vault.answer(undefined) },
    { name: 'the primary stands still', begin: () => primary.pause(), end: () => primary.resume() },
    { name: 'an empty .env', begin: () => writeFile(dotenv, ''), end: () => writeFile(dotenv, settings) },
    { name: 'Vault forgets its tokens', begin: () => vault.revoke(), end: () => undefined },
    { name: 'Vault cuts its answers', begin: () => vault.answer('truncated'), end: () => vault.answer(undefined) },
  ]

  return {
    folder,
    env: {
      BACKEND_PASSWORD: backend.password,
      MONITOR_PASSWORD: monitor.password,
      SMTP_PASSWORD: password,
      ROLE_ID: 'role',
      SECRET_ID: 'secret-id',
    },
    config,
    faults,
    async open() {
      const now = Date.now()
      vault.requests.length = 0
      return {
        ...(await countBackends(cluster.nodes)),
        'open at the relay': relay.connections,
        'open at Vault': vault.connections,
        'tokens at Vault': vault.issued.filter(({ endsAt }) => endsAt > now).length,
      }
    },
    async stop() {
      await Promise.all([relay.close(), vault.close()])
      await cluster.stop()
      await removeFolder(folder)
    },
  }
}
