/**
 * The outage of incident.md as a Status, made as the daemon makes it: what was seen is judged by the real probes and
 * assessed by the real assessment. Only the I/O is left out, so samples, settings and evidence are the real ones.
 */
import { wellKept } from '../assess/build.ts'
import { assess } from '../../src/assess/assess.ts'
import { parseConfig } from '../../src/config/load.ts'
import { checkId, type Finding, type Observation, type Probe, type Target } from '../../src/core/probe.ts'
import type { CheckRecord } from '../../src/monitor/records.ts'
import type { Status } from '../../src/monitor/ledger.ts'
import { probes } from '../../src/probes/index.ts'
import type { MailSeen } from '../../src/probes/mail/index.ts'
import type { PackagesSeen } from '../../src/probes/packages/observe.ts'
import type { NodeFacts, PostgresSeen } from '../../src/probes/postgres/observe.ts'
import type { SesSeen } from '../../src/probes/ses/observe.ts'
import type { SettingSeen, SettingsSeen } from '../../src/probes/settings/observe.ts'
import type { SmtpSeen } from '../../src/probes/smtp/observe.ts'
import type { KubernetesSeen } from '../../src/probes/kubernetes/observe.ts'
import type { VaultSeen } from '../../src/probes/vault/observe.ts'
import type { ExporterState } from '../../src/exposition/catalogue.ts'
import type { Landing, Rung, WritePathSeen } from '../../src/probes/write_path/observe.ts'

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

const node = (n: number, primary: boolean): PostgresSeen => ({
  address: `10.0.0.${119 + n}:5432`,
  failure: undefined,
  facts: nodeFacts(n, primary),
})

const nodeFacts = (n: number, primary: boolean): NodeFacts => ({
  in_recovery: !primary,
  read_only: !primary,
  read_only_source: 'default',
  version: '15.18',
  server_address: `10.0.0.${119 + n}`,
  server_port: 5432,
  postmaster_start: `2026-01-0${n}T00:00:00.000000`,
  system_identifier: '7301234567890123456',
  wal_lsn: 83_886_080,
  wal_file_timeline: primary ? '00000007' : null,
  receiver_running: !primary,
  receiver_status: primary ? null : 'streaming',
  received_timeline: primary ? null : 7,
  upstream_host: primary ? null : '10.0.0.120',
  upstream_port: primary ? null : 5432,
  receiver_silent_seconds: primary ? null : 1.5,
  replay_lag_bytes: primary ? null : 0,
  last_replay_seconds: primary ? null : 3,
  replay_paused: primary ? null : false,
  connections: 40 + n,
  max_connections: 200,
  monitor: true,
  synchronous: false,
  sync_standbys: 0,
  ...wellKept,
  slots: [{ name: 'standby_2', active: true, wal_status: 'reserved', safe_wal_size: null, kept: 16_777_216 }],
  archive_failing: false,
  archived_seconds: 40,
})

const landing = (n: number, primary: boolean): Landing => ({
  in_recovery: !primary,
  read_only: !primary,
  read_only_source: 'default',
  server_address: `10.0.0.${119 + n}`,
  server_port: 5432,
  postmaster_start: `2026-01-0${n}T00:00:00.000000`,
  system_identifier: '7301234567890123456',
  wal_file_timeline: primary ? '00000007' : null,
  backend_pid: 4242,
  backend_age_seconds: 0,
  role_valid_until: null,
  role_valid_seconds: null,
  pooled: false,
})

const rung = (name: Rung['rung'], seconds: number): Rung => ({
  rung: name,
  ok: true,
  hung: false,
  seconds,
  code: undefined,
  text: '',
  syncWait: false,
})
const written: WritePathSeen = {
  address: '10.0.0.10:5432',
  addressOnly: undefined,
  landings: [landing(1, true)],
  ladder: [rung('xid', 0.0006), rung('commit', 0.0024)],
  failure: undefined,
}
const refused: WritePathSeen = {
  ...written,
  address: '10.0.0.122:5432',
  landings: [landing(3, false)],
  ladder: [
    {
      ...rung('xid', 0.0005),
      ok: false,
      code: '25006',
      text: 'cannot assign TransactionIds during recovery',
    },
  ],
}
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

const vaultSeen = (initialized: boolean): VaultSeen => ({
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

const packagesSeen = (stub: boolean): PackagesSeen => ({
  packages: [
    { name: 'nodemailer', state: 'installed', version: '6.9.8' },
    { name: '@aws-sdk/client-ses', state: 'installed', version: '3.490.0' },
  ],
  files: [{ file: 'dist/outboundEmail.service.js', pattern: 'SES not implemented', state: stub ? 'found' : 'clean' }],
})

const smtpProvider: MailSeen = { provider: 'smtp' }

/** What each check saw, by its id. */
export type Seen = Readonly<Record<string, unknown>>

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
  'settings/backend-01': settingsSeen(false),
  'packages/keybuzz-backend': packagesSeen(false),
  'mail/keybuzz-backend': smtpProvider,
}

/** Facts of the audit: DATABASE_URL names a standby, Vault is down and with it SMTP_PASS, SES is a stub. */
export const incidentSeen: Seen = {
  ...healthySeen,
  'write_path/backend DATABASE_URL': refused,
  'smtp/mail.keybuzz.io': noPassword,
  'vault/vault-01': vaultSeen(false),
  'settings/backend-01': settingsSeen(true),
  'packages/keybuzz-backend': packagesSeen(true),
}

/** The Status that follows from what was seen four seconds ago; a check that is not among it has not run. */
export function statusOf(seen: Seen, now = at): Status {
  const plan = { checks: config.checks, mail: config.mail }
  const latest = new Map<string, Observation>()
  const records = new Map<string, CheckRecord>()
  for (const { probe, target, config: own, needs } of plan.checks) {
    const id = checkId({ probe, target })
    if (seen[id] === undefined) continue
    const finishedAt = at - 4_000
    const found = judged(probe, seen[id], own)
    const phases = { connect: 0.0011, login: 0.0127 }
    latest.set(id, {
      probe,
      target,
      config: own,
      seen: seen[id],
      startedAt: finishedAt - 31,
      finishedAt,
      phases,
      unmet: found.verdict === 'ok' ? [] : needs,
      ...found,
    })
    const ok = found.verdict === 'ok'
    records.set(id, {
      runs: 2,
      failures: found.verdict === 'fail' ? 1 : 0,
      failed: [],
      lastOkAt: ok ? finishedAt : finishedAt - 15_000,
      history: ['ok', found.verdict],
    })
  }
  return { ...assess(plan, undefined, latest, now), records, startedAt: at - 60_000 }
}

function judged(kind: string, seen: unknown, target: Target): Finding {
  const probe = probes.find(one => one.kind === kind)
  if (!probe) throw new Error(`there is no probe ${kind}`)
  return (probe as unknown as Probe).judge(seen, target)
}

export const exporter: ExporterState = {
  version: '1.2.3',
  nodeVersion: '20.20.2',
  lastReloadSuccessful: true,
  lastReloadSuccessAt: at - 60_000,
  logLinesDropped: 0,
  wakeups: [{ cluster: 'keybuzz', count: 1 }],
  requests: [{ handler: '/metrics', code: 200, count: 4, seconds: 0.25 }],
  connections: { open: 3, refused: { connections: 2, address: 0, gave_way: 5 } },
}
