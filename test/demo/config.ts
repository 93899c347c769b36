import { parseDocument } from 'yaml'
import type { PostgresNode } from '../servers/postgres.ts'
import { outboxTable } from './sender.ts'

type Place = Pick<PostgresNode, 'name' | 'host' | 'port'>

/** Where the parts of the platform are: what the exporter has to be told. */
export interface Places {
  readonly nodes: readonly Place[]
  readonly database: string
  readonly backendUser: string
  readonly monitorUser: string
  readonly writePort: number
  readonly smtpPort: number
  readonly smtpUser: string
  readonly vaultUrl: string
  readonly kubernetesUrl: string
  /** Paths of files and folders. */
  readonly caFile: string
  readonly secret: (name: string) => string
  readonly appFolder: string
  readonly envFile: string
  /** Of the double of SES. */
  readonly sesUrl: string
  /** Of the mailbox of the canary. */
  readonly imapPort: number
  readonly canaryAddress: string
  /** Of the name server. */
  readonly dnsPort: number
}

export interface Times {
  readonly intervalMs: number
  readonly timeoutMs: number
}

/** Short, so that a change is seen soon; what a starved machine does not answer in time is asked again. */
export const livelyTimes: Times = { intervalMs: 3_000, timeoutMs: 2_900 }
/** For `check`, which asks once, and in which nothing hangs: no answer is late because the machine is slow. */
export const patientTimes: Times = { intervalMs: 60_000, timeoutMs: 45_000 }
/** A mail of the outbox is late then. */
export const lateAfterMs = 5_000

export const clusterName = 'keybuzz'
/** The names of the targets that the scenarios look for. */
export const targets = {
  databaseUrl: 'backend DATABASE_URL',
  haproxy: 'haproxy-write',
  secret: 'secret PGHOST',
  smtp: 'mail.keybuzz.io',
  vault: 'vault-01',
  ses: 'backend SES',
  canary: 'keybuzz.io',
  outbox: 'outbound mail',
  dns: 'keybuzz.io',
  mail: 'keybuzz-backend',
} as const

/** The Secret in the double of Kubernetes, and the secret in the one of Vault. */
export const kubernetesSecret = { namespace: 'keybuzz', secret: 'keybuzz-db' } as const
export const vaultPath = 'secret/data/keybuzz/smtp'

/** What the deployed code must not hold. */
export const stub = { file: 'dist/modules/outbound/outboundEmail.service.js', pattern: 'SES not implemented' } as const

/** JSON is YAML, whatever stands in a path. */
const q = (text: string): string => JSON.stringify(text)

/** The domain the application sends from, and the region in which SES has verified it. */
export const sesSender = { domain: 'keybuzz.io', region: 'eu-west-1' } as const

interface ConfigOptions {
  sesInUse?: boolean
  times?: Times
  canaries?: number
}

/**
 * The configuration of the exporter for the platform at these places, in the shape of the example of the README.
 * `sesInUse`: the application sends by SES where the relay does not take its mail. `canaries`: how many canaries were asked
 * for at once. One that is another target than before is sent at the next reload, and not a minute after the one before.
 */
export function configText(
  at: Places,
  { sesInUse = false, times = livelyTimes, canaries = 0 }: ConfigOptions = {},
): string {
  return `# The configuration of the exporter of the demo. It goes when the demo ends: copy it, if you want to keep it.
interval: ${times.intervalMs / 1000}s
timeout: ${times.timeoutMs}ms

kubernetes: # a double
  url: ${at.kubernetesUrl}
  token: { file: ${q(at.secret('kubernetes_token'))} }
  ca_file: ${q(at.caFile)}

postgres: # one entry per node
${at.nodes.map(node => nodeText(at, node)).join('')}
${writePathText(at)}
${outboxText(at, times)}
${deliveryText(at, times, sesInUse)}
${canaryText(at, canaries)}
${dnsText(at, times)}
${applicationText(at, sesInUse)}`
}

const fromSecret = (key: string): string =>
  `{ kubernetes: { namespace: ${kubernetesSecret.namespace}, secret: ${kubernetesSecret.secret}, key: ${key} } }`
const dotenv = (at: Places, key: string, more = ''): string => `{ dotenv: ${q(at.envFile)}, key: ${key}${more} }`
const smtpPass = `{ vault: { target: ${targets.vault}, path: ${vaultPath}, key: SMTP_PASS } }`

const nodeText = (at: Places, { name, host, port }: Place): string => `  - name: ${name}
    cluster: ${clusterName}
    url: postgres://${at.monitorUser}@${host}:${port}/postgres
    password: { file: ${q(at.secret('pg_password'))} }
`

const writePathText = (at: Places): string => `write_path: # one entry per way in which something writes
  - name: ${targets.haproxy}
    cluster: ${clusterName}
    url: postgres://${at.backendUser}@127.0.0.1:${at.writePort}/${at.database}
    password: { file: ${q(at.secret('kb_password'))} }
  - name: ${targets.databaseUrl}
    cluster: ${clusterName}
    url: ${dotenv(at, 'DATABASE_URL')}
  - name: ${targets.secret}
    cluster: ${clusterName}
    host: ${fromSecret('PGHOST')}
    port: ${fromSecret('PGPORT')} # all nodes are on one host here
    user: ${fromSecret('PGUSER')}
    password: ${fromSecret('PGPASSWORD')}
    database: ${at.database}
`

const outboxText = (
  at: Places,
  { intervalMs }: Times,
): string => `outbox: # where the application keeps its mail until it is sent
  - name: ${targets.outbox}
    cluster: ${clusterName}
    interval: ${intervalMs / 1000}s
    url: postgres://${at.monitorUser}@127.0.0.1:${at.writePort}/${at.database}
    password: { file: ${q(at.secret('pg_password'))} }
    table: ${outboxTable}
    created: created_at
    pending: status = 'queued'
    sent: sent_at
    late_after: ${lateAfterMs / 1000}s
    stuck_after: 15s
`

const deliveryText = (at: Places, { intervalMs }: Times, sesInUse: boolean): string => `smtp:
  - name: ${targets.smtp}
    host: 127.0.0.1
    port: ${at.smtpPort}
    servername: mail.keybuzz.io
    ca_file: ${q(at.caFile)}
    user: ${at.smtpUser}
    password: ${smtpPass}

vault: # a double
  - name: ${targets.vault}
    url: ${at.vaultUrl}
    ca_file: ${q(at.caFile)}
    token: { file: ${q(at.secret('vault_token'))} }
    secrets: [{ path: ${vaultPath}, keys: [SMTP_PASS] }]

ses: # a double
  - name: ${targets.ses}
    interval: ${intervalMs / 1000}s
    access_key: ${dotenv(at, 'AWS_SES_ACCESS_KEY')}
    secret_key: ${dotenv(at, 'AWS_SES_SECRET_KEY')}
    region: ${dotenv(at, 'AWS_SES_REGION')}
    from: no-reply@${sesSender.domain}
    endpoint: ${at.sesUrl}
    ca_file: ${q(at.caFile)}
    implemented: ${sesInUse}${sesInUse ? '' : " # the app's SES sender is a stub: SES is then no second way out"}
`

const canaryText = (
  at: Places,
  canaries: number,
): string => `canary: # a mail of its own, once a minute: the only probe that sends mail
  - name: ${targets.canary}
    interval: 1m # the least
    timeout: 12s
    smtp: ${targets.smtp}
    from: no-reply@${sesSender.domain}
    to: ${at.canaryAddress}
    envelope_from: bounces+${canaries}@${sesSender.domain} # the demo changes it, so that a canary is sent at once
    mailbox: # the test server of the project
      host: 127.0.0.1
      port: ${at.imapPort}
      user: ${at.canaryAddress}
      password: { file: ${q(at.secret('canary_password'))} }
      ca_file: ${q(at.caFile)}
    late_after: 5s
    lost_after: 8s
`

const dnsText = (
  { dnsPort }: Places,
  { intervalMs }: Times,
): string => `dns: # what receivers find; a test server of the project stands in for the name servers of the world
  - name: ${targets.dns}
    interval: ${intervalMs / 1000}s
    domain: no-reply@${sesSender.domain}
    dkim: [s1]
    senders: [192.0.2.10]
    direct: true
    helo: mail.${sesSender.domain}
    expect: { dmarc: quarantine }
    servers: ["127.0.0.1:${dnsPort}"]
`

const applicationText = (
  at: Places,
  sesInUse: boolean,
): string => `settings: # the app's own settings, compared with what they should be
  - name: backend-01
    from: { dotenv: ${q(at.envFile)} }
    expect:
      SMTP_HOST: 127.0.0.1
      SMTP_PORT: ${q(String(at.smtpPort))}
      SMTP_USER: ${at.smtpUser}
      SMTP_PASS: { present: true, from: ${smtpPass} }
      EMAIL_PROVIDER: { equals: smtp, default: smtp }
      AWS_SES_ACCESS_KEY: { optional: true }
      AWS_SES_SECRET_KEY: { optional: true }
      AWS_SES_REGION: { optional: true }

packages: # what is installed in the app, and what must not be in its deployed code
  - name: keybuzz-backend
    folder: ${q(at.appFolder)}
    require: [nodemailer, "@aws-sdk/client-ses"]
    forbid: [{ file: ${stub.file}, pattern: ${stub.pattern} }]

mail: # one entry per application that sends mail
  - name: ${targets.mail}
    provider: ${dotenv(at, 'EMAIL_PROVIDER', ', default: smtp')}
    write_path: [${targets.databaseUrl}, ${targets.haproxy}]
    smtp: [${targets.smtp}]
${sesInUse ? '    fallback: ses\n' : ''}
`

/** The text with sections replaced; one that is undefined is left out. */
export function withSections(text: string, sections: Readonly<Record<string, unknown>>): string {
  const document = parseDocument(text)
  for (const [name, value] of Object.entries(sections)) {
    if (value === undefined) document.delete(name)
    else document.set(name, value)
  }
  return document.toString({ lineWidth: 0 })
}
