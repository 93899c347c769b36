/** A mail platform of real servers, of which only Vault is a double. */
import { utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { createApp } from '../demo/app.ts'
import { vaultPath } from '../demo/config.ts'
import { createVault, type VaultService } from '../demo/vault.ts'
import { certificates, type Certificates } from '../servers/certificates.ts'
import { startHaproxy, type Haproxy } from '../servers/haproxy.ts'
import { startPostfix, type Postfix } from '../servers/postfix.ts'
import { startCluster, type Cluster, type PostgresNode } from '../servers/postgres.ts'
import { freePort, removeFolder, tempFolder } from '../servers/processes.ts'

/** What must not be in any notification. */
export const secrets = {
  smtpPassword: 'chain-smtp-2f6d11c7',
  wrongPassword: 'chain-wrong-90b3aa5e',
  vaultToken: 'hvs.chain-token-c41d7f08',
  backend: 'chain-backend-77e0d2b4',
  monitor: 'chain-monitor-1a9c35f6',
} as const

export interface Platform {
  readonly folder: string
  readonly configFile: string
  readonly cluster: Cluster
  readonly vault: VaultService
  /** Makes DATABASE_URL of the application name this node. */
  readonly pointDatabaseUrl: (node: PostgresNode) => void
  /** HAProxy leads to this node from now on. */
  readonly route: (node: PostgresNode) => Promise<void>
  /** The certificate that the relay shows from now on. */
  readonly showCertificate: (which: 'good' | 'expired') => Promise<void>
  /** Everything works, and every name leads to the primary. */
  readonly heal: () => Promise<void>
  readonly stop: () => Promise<void>
}

const login = { user: 'probe', password: secrets.smtpPassword }

/** Starts all of it, healthy. */
export async function startPlatform(): Promise<Platform> {
  const stops: (() => Promise<void>)[] = []
  const stop = async (): Promise<void> => {
    for (const one of stops.splice(0).reverse()) await one()
  }
  const start = async <T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
    const part = await starting
    stops.push(() => part.stop())
    return part
  }
  try {
    const logins = {
      backend: { user: 'app', password: secrets.backend },
      monitor: { user: 'mailpath', password: secrets.monitor },
    }
    const parts = [start(startCluster({ logins })), start(startPostfix({ login }))] as const
    // Both have to have started or failed, before what has started can be stopped.
    await Promise.allSettled(parts)
    const [cluster, postfix] = await Promise.all(parts)
    const { good: tls } = await certificates()
    const vault = createVault({
      port: await freePort(),
      tls,
      token: secrets.vaultToken,
      smtpPass: secrets.smtpPassword,
    })
    stops.push(() => vault.close())
    await vault.up('active')
    const haproxy = await start(startHaproxy({ servers: [await cluster.primary()] }))
    const folder = tempFolder('mailpath-chain-')
    stops.push(() => removeFolder(folder))
    return { ...(await assemble({ folder, cluster, postfix, vault, haproxy })), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

interface Parts extends Pick<Platform, 'folder' | 'cluster' | 'vault'> {
  readonly postfix: Postfix
  readonly haproxy: Haproxy
}

async function assemble({ folder, cluster, postfix, vault, haproxy }: Parts): Promise<Omit<Platform, 'stop'>> {
  const app = createApp(path.join(folder, 'app'), {})
  const pointDatabaseUrl = (node: PostgresNode): void =>
    app.env.set('DATABASE_URL', node.url(cluster.logins.backend, cluster.database))
  let routed = await cluster.primary()
  const route = async (node: PostgresNode): Promise<void> => {
    if (node !== routed) await haproxy.route([node])
    routed = node
  }
  const showCertificate: Platform['showCertificate'] = which => show(postfix, which)
  pointDatabaseUrl(routed)
  const configFile = path.join(folder, 'mailpath.yml')
  writeFileSync(configFile, configOf({ folder, cluster, postfix, vault, haproxy }, app.env.path))
  return {
    folder,
    configFile,
    cluster,
    vault,
    pointDatabaseUrl,
    route,
    showCertificate,
    async heal() {
      vault.keep(secrets.smtpPassword)
      await vault.up('active')
      await showCertificate('good')
      const primary = await cluster.primary()
      await route(primary)
      pointDatabaseUrl(primary)
      await cluster.heal()
    },
  }
}

/** Mail needs HAProxy and DATABASE_URL, and the password out of Vault. JSON is YAML. */
function configOf({ folder, cluster, postfix, vault, haproxy }: Parts, envFile: string): string {
  const file = (name: string, text: string): string => {
    const place = path.join(folder, name)
    writeFileSync(place, text, { mode: 0o600 })
    return place
  }
  const { backend, monitor } = cluster.logins
  const ca_file = file('ca.pem', postfix.ca)
  return JSON.stringify({
    interval: '1s',
    timeout: '900ms',
    postgres: cluster.nodes.map(({ name, host, port }) => ({
      name,
      cluster: 'main',
      url: `postgres://${monitor.user}@${host}:${port}/postgres`,
      password: { file: file('monitor', monitor.password) },
    })),
    write_path: [
      {
        name: 'haproxy-write',
        cluster: 'main',
        url: `postgres://${backend.user}@127.0.0.1:${haproxy.write}/${cluster.database}`,
        password: { file: file('backend', backend.password) },
      },
      { name: 'DATABASE_URL', cluster: 'main', url: { dotenv: envFile, key: 'DATABASE_URL' } },
    ],
    smtp: [
      {
        name: 'relay',
        host: '127.0.0.1',
        port: postfix.ports.starttls,
        ca_file,
        user: postfix.login.user,
        password: { vault: { target: 'vault-01', path: vaultPath, key: 'SMTP_PASS' } },
      },
    ],
    vault: [
      {
        name: 'vault-01',
        url: `https://127.0.0.1:${vault.port}`,
        ca_file,
        token: { file: file('token', secrets.vaultToken) },
        secrets: [{ path: vaultPath, keys: ['SMTP_PASS'] }],
      },
    ],
    mail: [{ name: 'app' }],
  })
}

/** Postfix with another certificate, and told so. */
async function show({ folder, process }: Postfix, which: keyof Pick<Certificates, 'good' | 'expired'>): Promise<void> {
  const { cert, key } = (await certificates())[which]
  const file = path.join(folder, 'etc/good.pem')
  writeFileSync(file, `${key.trim()}\n${cert.trim()}\n`)
  const aMinuteAgo = new Date(Date.now() - 60_000)
  // Postfix waits for seconds before it trusts a file written just now.
  utimesSync(file, aMinuteAgo, aMinuteAgo)
  process.signal('SIGHUP')
}
