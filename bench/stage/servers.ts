/** The real servers all are measured against: one Postgres cluster, an HAProxy, a relay and a Vault double. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { certificates } from '../../test/servers/certificates.ts'
import { haproxyBinary, startHaproxy } from '../../test/servers/haproxy.ts'
import { startCluster, type Cluster } from '../../test/servers/postgres.ts'
import { rewindBinaries } from '../../test/servers/postgres-binaries.ts'
import { removeFolder, tempFolder } from '../../test/servers/processes.ts'
import { startSmtp } from '../../test/servers/smtp.ts'
import { startVaultDouble } from '../../test/servers/vault-double.ts'

export interface Servers {
  readonly cluster: Cluster
  /** Where writes go: HAProxy, or the primary itself where there is none. */
  readonly writePort: number
  readonly smtpPort: number
  readonly vaultPort: number
  /** Holds what the configuration refers to, and the logs. */
  readonly folder: string
  readonly caFile: string
  readonly dotenv: string
  readonly app: string
  /** Environment of our exporter: what its references lead to. */
  readonly env: Readonly<Record<string, string>>
  stop: () => Promise<void>
}

export const smtpUser = 'postmaster'
export const secretPath = 'secret/data/app/smtp'

/** An application's folder: its settings, and a package it needs. */
async function writeApp(folder: string, smtpPort: number): Promise<{ dotenv: string; app: string }> {
  const dotenv = path.join(folder, '.env')
  await writeFile(
    dotenv,
    `SMTP_HOST=localhost\nSMTP_PORT=${smtpPort}\nSMTP_USER=${smtpUser}\nSMTP_PASS=smtp-password\n`,
  )
  // The project itself: it has nodemailer installed.
  return { dotenv, app: path.resolve(import.meta.dirname, '../..') }
}

export async function startServers(): Promise<Servers> {
  const folder = tempFolder('mailpath-bench-')
  const caFile = path.join(folder, 'ca.pem')
  const { ca, good } = await certificates()
  await writeFile(caFile, ca)
  // Of Debian where there is one: the peers of today know that version.
  const binDir = rewindBinaries()
  const cluster = await startCluster({
    standbys: 1,
    settings: { max_connections: '1000', autovacuum: 'off' },
    ...(binDir !== undefined && { binDir }),
  })
  const primary = await cluster.primary()
  const haproxy = haproxyBinary() === undefined ? undefined : await startHaproxy({ servers: [primary], check: 'none' })
  const smtp = await startSmtp({ security: 'starttls', certificate: good, users: { [smtpUser]: 'smtp-password' } })
  const token = 'token-of-the-benchmark'
  const vault = await startVaultDouble({ token, secrets: { [secretPath]: { SMTP_PASS: 'smtp-password' } } })
  const { backend, monitor } = cluster.logins
  return {
    cluster,
    writePort: haproxy?.write ?? primary.port,
    smtpPort: smtp.port,
    vaultPort: vault.port,
    folder,
    caFile,
    ...(await writeApp(folder, smtp.port)),
    env: {
      BACKEND_PASSWORD: backend.password,
      MONITOR_PASSWORD: monitor.password,
      SMTP_PASSWORD: 'smtp-password',
      VAULT_TOKEN: token,
    },
    async stop() {
      await Promise.all([smtp.close(), vault.close(), haproxy?.stop()])
      await cluster.stop()
      await removeFolder(folder)
    },
  }
}
