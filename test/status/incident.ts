/**
 * The platform of incident.md, well and in the outage: what each of its checks saw.
 */
import { parseConfig } from '../../src/config/load.ts'
import { checkId, type Probe } from '../../src/core/probe.ts'
import type { ExporterState } from '../../src/exposition/samples.ts'
import type { Status } from '../../src/monitor/ledger.ts'
import { probes } from '../../src/probes/index.ts'
import type { CanarySeen } from '../../src/probes/canary/seen.ts'
import type { KubernetesSeen } from '../../src/probes/kubernetes/observe.ts'
import type { MailSeen } from '../../src/probes/mail/index.ts'
import type { OutboxSeen } from '../../src/probes/outbox/observe.ts'
import type { PackagesSeen } from '../../src/probes/packages/observe.ts'
import type { NodeFacts, PostgresSeen } from '../../src/probes/postgres/observe.ts'
import type { SesSeen } from '../../src/probes/ses/seen.ts'
import type { SettingSeen, SettingsSeen } from '../../src/probes/settings/observe.ts'
import type { SmtpSeen } from '../../src/probes/smtp/observe.ts'
import type { VaultSeen } from '../../src/probes/vault/observe.ts'
import type { WritePathSeen } from '../../src/probes/write_path/observe.ts'
import { canarySeen, mailAt } from './canary.ts'
import { dnsSeen } from './dns.ts'
import { judged, landingOn, primaryFacts, rung, standbyFacts, statusFrom, wrote, type Looked } from './looked.ts'
import { leafOf } from '../clients/certificate-leaf.ts'

/** 2026-01-14 03:12:07 UTC */
export const at = Date.UTC(2026, 0, 14, 3, 12, 7)

const envFile = '/opt/keybuzz/keybuzz-backend/.env'

const config = parseConfig(
  `
postgres:
  - { name: db-postgres-01, cluster: keybuzz, url: "postgres://mailpath@10.0.0.120:5432/postgres" }
  - { name: db-postgres-02, cluster: keybuzz, url: "postgres://mailpath@10.0.0.121:5432/postgres" }
  - { name: db-postgres-03, cluster: keybuzz, url: "postgres://mailpath@10.0.0.122:5432/postgres" }
write_path:
  - { name: haproxy-write, cluster: keybuzz, url: "postgres://kb_backend@10.0.0.10:5432/keybuzz_backend" }
  - { name: backend DATABASE_URL, cluster: keybuzz, url: { dotenv: ${envFile}, key: DATABASE_URL } }
  - name: secret PGHOST
    cluster: keybuzz
    host: { kubernetes: { namespace: keybuzz, secret: keybuzz-db, key: PGHOST } }
smtp:
  - name: mail.keybuzz.io
    host: mail.keybuzz.io
    user: postmaster@keybuzz.io
    password: { vault: { target: vault-01, path: secret/data/keybuzz/smtp, key: SMTP_PASS } }
vault:
  - name: vault-01
    url: https://vault-01:8200
    token: { file: /run/secrets/vault_token }
    secrets: [{ path: secret/data/keybuzz/smtp, keys: [SMTP_PASS] }]
ses:
  - name: backend SES
    access_key: { env: AWS_SES_ACCESS_KEY }
    secret_key: { env: AWS_SES_SECRET_KEY }
    region: { env: AWS_SES_REGION }
    implemented: false
dns:
  - { name: keybuzz.io, domain: keybuzz.io, dkim: [s1], senders: [192.0.2.10], smtp: mail.keybuzz.io }
outbox:
  - name: outbound mail
    cluster: keybuzz
    url: { dotenv: ${envFile}, key: DATABASE_URL }
    user: mailpath
    password: { file: /run/secrets/pg_password }
    table: outbound_emails
    created: created_at
    pending: sent_at is null and attempts < 5
    sent: sent_at
    failed: sent_at is null and attempts >= 5
canary:
  - name: app to outside
    smtp: mail.keybuzz.io
    from: canary@keybuzz.io
    to: canary@box.example.net
    mailbox:
      host: imap.example.net
      user: canary@box.example.net
      password: { file: /run/secrets/canary_imap }
    expect: { dkim: pass, dmarc: pass }
settings:
  - name: backend-01
    from: { dotenv: ${envFile} }
    expect:
      SMTP_HOST: mail-core-01
      SMTP_PORT: "587"
      SMTP_USER: postmaster@keybuzz.io
      SMTP_PASS: { from: { vault: { target: vault-01, path: secret/data/keybuzz/smtp, key: SMTP_PASS } } }
      EMAIL_PROVIDER: { equals: smtp, default: smtp }
      AWS_SES_ACCESS_KEY: { optional: true }
packages:
  - name: keybuzz-backend
    folder: /opt/keybuzz/keybuzz-backend
    require: [nodemailer, "@aws-sdk/client-ses"]
    forbid: [{ file: dist/outboundEmail.service.js, pattern: "SES not implemented" }]
mail:
  - name: keybuzz-backend
    provider: { dotenv: ${envFile}, key: EMAIL_PROVIDER, default: smtp }
    write_path: [backend DATABASE_URL, haproxy-write]
`,
  'incident.yml',
)

/** Facts of db-postgres-0n. */
function factsOf(n: number, primary: boolean, fields: Partial<NodeFacts> = {}): NodeFacts {
  const own = {
    version: '15.18',
    postmaster_start: `2026-01-0${n}T00:00:00.000000`,
    system_identifier: '7301234567890123456',
    wal_lsn: 83_886_080,
    connections: 40 + n,
    max_connections: 200,
    slots: [{ name: 'standby_2', active: true, wal_status: 'reserved', safe_wal_size: null, kept: 16_777_216 }],
    archive_failing: false,
    archived_seconds: 40,
  }
  const streaming = {
    received_timeline: 7,
    upstream_host: '10.0.0.120',
    receiver_silent_seconds: 1.5,
    last_replay_seconds: 3,
  }
  return primary
    ? primaryFacts(n - 1, { ...own, wal_file_timeline: '00000007', ...fields })
    : standbyFacts(n - 1, { ...own, ...streaming, ...fields })
}

export const node = (n: number, primary: boolean, fields?: Partial<NodeFacts>): PostgresSeen => ({
  address: `10.0.0.${119 + n}:5432`,
  failure: undefined,
  facts: factsOf(n, primary, fields),
})

export const landing = (n: number, primary: boolean, fields?: Partial<NodeFacts>) =>
  landingOn(factsOf(n, primary, fields), { backend_pid: 4242 })

const written = wrote([landing(1, true)], { ladder: [rung('xid', 0.0006), rung('commit', 0.0024)] })
const refused = wrote([landing(3, false)], {
  address: '10.0.0.122:5432',
  ladder: [rung('xid', 0.0005, 'cannot assign TransactionIds during recovery')],
})
const pointed = (peer: string): WritePathSeen => ({
  ...written,
  address: `${peer}:5432`,
  addressOnly: { peer, port: 5432 },
  landings: [],
  ladder: [],
})

const loggedIn: SmtpSeen = {
  at,
  address: 'mail.keybuzz.io:587',
  replies: [
    { step: 'greeting', code: 220, text: '220 mail-core-01 ESMTP Postfix' },
    { step: 'auth', code: 235, text: '235 2.7.0 Authentication successful' },
  ],
  extensions: { clear: ['STARTTLS'], now: ['AUTH PLAIN LOGIN'] },
  injected: false,
  tls: {
    version: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    chain: {
      certificates: [
        {
          name: 'mail.keybuzz.io',
          issuer: 'mail.keybuzz.io',
          notBefore: at - 30 * 86_400_000,
          notAfter: at + 60 * 86_400_000,
          selfSigned: true,
        },
      ],
      anchored: true,
      names: 'mail.keybuzz.io',
      leaf: leafOf('mail.keybuzz.io', 'mail.keybuzz.io'),
    },
    expected: 'mail.keybuzz.io',
    problems: [],
  },
  user: 'postmaster@keybuzz.io',
  unresolved: undefined,
  authenticated: true,
  backOff: undefined,
  failure: undefined,
}
const noPassword: SmtpSeen = {
  ...loggedIn,
  replies: loggedIn.replies.slice(0, 1),
  user: undefined,
  authenticated: undefined,
  unresolved: 'password: vault vault-01 secret/data/keybuzz/smtp#SMTP_PASS: Vault is not initialised',
}

export const vaultSeen = (initialized: boolean): VaultSeen => ({
  address: 'vault-01:8200',
  health: {
    status: initialized ? 200 : 501,
    facts: {
      initialized,
      sealed: !initialized,
      removed: undefined,
      haHealthy: undefined,
      drSecondary: false,
      performanceStandby: false,
      standby: !initialized,
      version: '1.15.4',
      clockAheadSeconds: 0,
    },
  },
  leader: undefined,
  unsealing: undefined,
  login: undefined,
  byLogin: false,
  servedMsAgo: undefined,
  token: initialized ? { kind: 'valid', ttlSeconds: Infinity, expiresAt: Infinity, uses: Infinity } : undefined,
  secrets: initialized
    ? [{ path: 'secret/data/keybuzz/smtp', kind: 'ok', text: '', keys: { SMTP_PASS: 'present' } }]
    : [],
  failure: undefined,
})

const apiServerSeen: KubernetesSeen = {
  answer: { kind: 'ok', address: '10.0.0.1:6443', text: '' },
  waited: '',
}

const noSes: SesSeen = {
  settings: {
    access_key: { state: 'absent', source: 'env AWS_SES_ACCESS_KEY' },
    secret_key: { state: 'absent', source: 'env AWS_SES_SECRET_KEY' },
    region: { state: 'absent', source: 'env AWS_SES_REGION' },
  },
}

/** By the clock of the server, so many mails wait, the oldest for so many seconds. */
const outboxSeen = (pending: number, oldestPendingSeconds: number | undefined, address: string): OutboxSeen => ({
  address,
  rows: {
    pending,
    oldestPendingSeconds,
    lastSentSeconds: 42 + (oldestPendingSeconds ?? 0),
    sending: undefined,
    oldestSendingSeconds: undefined,
    failed: 0,
    standby: address !== '10.0.0.120:5432',
    now: at / 1000 - 4,
  },
})

/** The last canary arrived some seconds ago, or that long. */
const canaryThat = (secondsAgo: number, more: Partial<CanarySeen> = {}): CanarySeen =>
  canarySeen(
    {
      mails: [0, 300, 600].map(before => mailAt(at - (secondsAgo + before) * 1_000)),
      counts: { ...canarySeen().counts, sent: 288, arrived: { inbox: 286, junk: 1, other: 0 }, late: 2, lost: 1 },
      ...more,
    },
    at - 4_000,
  )

const setting = (name: string, state: SettingSeen['state'], rest: Partial<SettingSeen> = {}): SettingSeen => ({
  name,
  state,
  source: `dotenv ${envFile}`,
  expected: undefined,
  optional: false,
  why: undefined,
  ...rest,
})
const vaultSource = 'vault vault-01 secret/data/keybuzz/smtp#SMTP_PASS'
const settingsSeen = (broken: boolean): SettingsSeen => ({
  settings: [
    setting('SMTP_HOST', 'verified', { expected: 'mail-core-01' }),
    setting('SMTP_PORT', 'verified', { expected: '587' }),
    setting('SMTP_USER', 'verified', { expected: 'postmaster@keybuzz.io' }),
    broken
      ? setting('SMTP_PASS', 'unreadable', {
          source: vaultSource,
          why: 'Vault is not initialised',
        })
      : setting('SMTP_PASS', 'present', { source: vaultSource }),
    setting('EMAIL_PROVIDER', 'verified', { expected: 'smtp', source: 'default' }),
    setting('AWS_SES_ACCESS_KEY', 'absent', { optional: true }),
  ],
})

export const packagesSeen = (stub: boolean): PackagesSeen => ({
  packages: [
    { name: 'nodemailer', state: 'installed', version: '6.9.8' },
    { name: '@aws-sdk/client-ses', state: 'installed', version: '3.490.0' },
  ],
  files: [{ file: 'dist/outboundEmail.service.js', pattern: 'SES not implemented', state: stub ? 'found' : 'clean' }],
})

const smtpProvider: MailSeen = { provider: 'smtp' }

/** What each check saw, by its id. */
type Seen = Readonly<Record<string, unknown>>

export const healthySeen: Seen = {
  'postgres/db-postgres-01': node(1, true),
  'postgres/db-postgres-02': node(2, false),
  'postgres/db-postgres-03': node(3, false),
  'write_path/haproxy-write': written,
  'write_path/backend DATABASE_URL': { ...written, address: '10.0.0.120:5432' },
  'write_path/secret PGHOST': pointed('10.0.0.120'),
  'smtp/mail.keybuzz.io': loggedIn,
  'vault/vault-01': vaultSeen(true),
  'kubernetes/api-server': apiServerSeen,
  'ses/backend SES': noSes,
  'outbox/outbound mail': outboxSeen(0, undefined, '10.0.0.120:5432'),
  'dns/keybuzz.io': dnsSeen({ domain: 'keybuzz.io' }),
  'canary/app to outside': canaryThat(40),
  'settings/backend-01': settingsSeen(false),
  'packages/keybuzz-backend': packagesSeen(false),
  'mail/keybuzz-backend': smtpProvider,
}

/**
 * Facts of the audit: DATABASE_URL names a standby, Vault is down and with it SMTP_PASS, SES is a stub. The mails that were
 * written before wait in the outbox.
 */
export const incidentSeen: Seen = {
  ...healthySeen,
  'write_path/backend DATABASE_URL': refused,
  'smtp/mail.keybuzz.io': noPassword,
  'vault/vault-01': vaultSeen(false),
  'outbox/outbound mail': outboxSeen(318, 1_930, '10.0.0.122:5432'),
  'canary/app to outside': canaryThat(1_990, {
    handOver: {
      kind: 'not_sent',
      text: 'mail.keybuzz.io:587: password: vault vault-01 secret/data/keybuzz/smtp#SMTP_PASS: Vault is not initialised',
    },
  }),
  'settings/backend-01': settingsSeen(true),
  'packages/keybuzz-backend': packagesSeen(true),
}

/** The checks with what they saw, four seconds ago. A check that saw nothing has not run. */
export const platformThat = (saw: Seen): Looked[] =>
  config.checks.map(check => {
    const seen = saw[checkId(check)]
    if (seen === undefined) return { check, observation: undefined }
    const found = judged(probeOf(check.probe), check.config, seen, at - 4_000)
    const phases = { connect: 0.0011, login: 0.0127 }
    const unmet = found.verdict === 'ok' ? [] : check.needs
    return { check, observation: { ...found, startedAt: found.finishedAt - 31, phases, unmet } }
  })

export const mailPaths = config.mail

/** The Status that follows from what was seen. */
export const statusOf = (saw: Seen, now = at): Status =>
  statusFrom(platformThat(saw), { mail: mailPaths, now, startedAt: at - 60_000 })

function probeOf(kind: string): Probe {
  const probe = probes.find(one => one.kind === kind)
  if (!probe) throw new Error(`there is no probe ${kind}`)
  return probe
}

export const exporter: ExporterState = {
  version: '1.2.3',
  nodeVersion: '20.20.2',
  reload: { successful: true, successAt: at - 60_000 },
  logLinesDropped: 0,
  stateFile: { read: true, written: true, writtenAt: at - 60_000 },
  wakeups: [{ cluster: 'keybuzz', count: 1 }],
  requests: [{ handler: '/metrics', code: 200, count: 4, seconds: 0.25 }],
  connections: { open: 3, refused: { connections: 2, address: 0, gave_way: 5 } },
}
