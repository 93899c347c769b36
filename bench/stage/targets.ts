/** A configuration of any size, over the few servers there are: targets are entries of the file. */
import { secretPath, smtpUser, type Servers } from './servers.ts'

type Entry = Readonly<Record<string, unknown>> & { readonly name: string }
type Section = 'postgres' | 'write_path' | 'smtp' | 'vault' | 'settings' | 'packages' | 'drift' | 'mail'
export type Config = Readonly<Record<Section, Entry[]>> & { readonly interval: string; readonly timeout: string }

type Times = Pick<Config, 'interval' | 'timeout'>

export const emptyConfig = (times: Times): Config => ({
  ...times,
  ...{ postgres: [], write_path: [], smtp: [], vault: [], settings: [], packages: [], drift: [], mail: [] },
})

/**
 * Targets in blocks of ten: a Postgres node, three write paths, two relays, two Vaults and two others. Two blocks
 * are an application with a cluster of a primary and a standby, its settings, its packages and a secret kept twice.
 */
export function configOf(servers: Servers, targets: number, times: Times = { interval: '15s', timeout: '5s' }): Config {
  const config = emptyConfig(times)
  for (let at = 0; at < targets / 10; at++) addBlock(config, servers, at)
  return config
}

function addBlock(config: Config, servers: Servers, at: number): void {
  const application = Math.floor(at / 2)
  const second = at % 2 === 1
  const cluster = `cluster-${application}`
  const node = servers.cluster.nodes[at % 2]
  if (!node) throw new Error('the cluster needs two nodes')
  const { monitor, backend } = servers.cluster.logins
  const name = (kind: string, n = 0): string => `${kind}-${at}-${n}`
  config.postgres.push({
    name: name('db'),
    cluster,
    url: `postgres://${monitor.user}@127.0.0.1:${node.port}/postgres`,
    password: { env: 'MONITOR_PASSWORD' },
  })
  for (let n = 0; n < 3; n++)
    config.write_path.push({
      name: name('write', n),
      cluster,
      url: `postgres://${backend.user}@127.0.0.1:${servers.writePort}/${servers.cluster.database}`,
      password: { env: 'BACKEND_PASSWORD' },
    })
  const inVault = { vault: { target: name('vault'), path: secretPath, key: 'SMTP_PASS' } }
  for (let n = 0; n < 2; n++) {
    config.smtp.push({
      ...{ name: name('relay', n), host: '127.0.0.1', port: servers.smtpPort, ca_file: servers.caFile, user: smtpUser },
      password: n === 0 ? { env: 'SMTP_PASSWORD' } : inVault,
    })
    config.vault.push({
      ...{ name: name('vault', n), url: `http://127.0.0.1:${servers.vaultPort}`, token: { env: 'VAULT_TOKEN' } },
      secrets: [{ path: secretPath, keys: ['SMTP_PASS'] }],
    })
  }
  if (second) addSecrets(config, servers, name('app'), inVault)
  else addApplication(config, servers, at)
}

function addApplication(config: Config, { dotenv }: Servers, at: number): void {
  const own = (kind: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${kind}-${at}-${n}`)
  const settings = `settings-${at}`
  config.settings.push({
    name: settings,
    from: { dotenv },
    expect: { SMTP_HOST: 'localhost', SMTP_USER: smtpUser, SMTP_PASS: { present: true } },
  })
  config.mail.push({
    ...{ name: `mail-${at}`, write_path: own('write', 3), smtp: own('relay', 2), settings: [settings] },
    ...{ ses: [], packages: [] },
  })
}

function addSecrets(config: Config, { app, dotenv }: Servers, name: string, inVault: object): void {
  config.packages.push({ name, folder: app, require: ['nodemailer'] })
  config.drift.push({ name, sources: { '.env': { dotenv, key: 'SMTP_PASS' }, Vault: inVault } })
}
