import { existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { parse } from 'yaml'
import { clusterName, stub, targets } from '../demo/config.ts'
import { secrets, smtpUser, startPlatform, type Platform } from '../demo/platform.ts'
import { certificates } from '../servers/certificates.ts'
import type { Listening } from '../servers/hostile.ts'
import { startSmtp, type Smtp } from '../servers/smtp.ts'
import type { PostgresNode } from '../servers/postgres.ts'
import { one, healCluster } from './cluster-stage.ts'
import type { Stage } from './fault.ts'
import { configurationSet, createSes, keys, recipient, sender, type SesService } from './ses-service.ts'

/** What can be healed without touching the rest. */
export type Part = 'application' | 'database' | 'kubernetes' | 'outbox' | 'password' | 'relay' | 'ses' | 'vault'

/** The whole platform of the demo, healthy, with db-postgres-01 as its primary. */
export interface PairsStage extends Stage {
  readonly platform: Platform
  readonly first: PostgresNode
  /** The relay: its port stays, what listens on it is swapped, be it for nobody. */
  readonly relay: RelayService
  /** Mail leaves by it in the stage that sends by SES. */
  readonly ses: SesService
  /** Takes what is installed away, or brings it back. */
  readonly install: (name: string, installed: boolean) => Promise<void>
  /** Mails that have waited for so many minutes. */
  readonly leaveWaiting: (mails: number, minutes: number) => Promise<void>
  /** The right to read the outbox. */
  readonly grantOutbox: (granted: boolean) => Promise<void>
  /** The right to write to the heartbeat table, which the path by DATABASE_URL does. */
  readonly grantHeartbeat: (granted: boolean) => Promise<void>
  readonly healParts: (parts: Iterable<Part>) => Promise<void>
}

interface RelayService {
  /** The healthy server; throws where something else listens. */
  readonly server: () => Smtp
  readonly swap: (start?: (port: number) => Promise<Listening>) => Promise<void>
  readonly heal: () => Promise<void>
}

/** In Vault, listed by its target, and taken by nothing. */
export const unusedPath = 'secret/data/keybuzz/billing'
/** In Vault: the secret key of the application, where mail leaves by SES. */
export const sesPath = 'secret/data/keybuzz/ses'
const heartbeatTable = 'mailpath_heartbeat'
const outboxTable = 'mail_queue'
/** Of the target of the outbox. */
export const outboxName = 'queue'
/** Of these areas: a whole platform is slow on a busy machine. */
export const times = { intervalMs: 3_000, timeoutMs: 2_800 }

/** Mail leaves out of an outbox: by the relay, and SES is not set up; or by SES alone. */
export async function startPairsStage(by: 'relay' | 'ses' = 'relay'): Promise<PairsStage> {
  const platform = await startPlatform()
  try {
    return await stageOver(platform, by)
  } catch (error) {
    await platform.stop()
    throw error
  }
}

async function stageOver(platform: Platform, by: 'relay' | 'ses'): Promise<PairsStage> {
  const { cluster, app, vault, kubernetes } = platform
  const first = cluster.node(one)
  const relay = serviceOf(platform.smtp)
  const install = mover(app.folder)
  const user = cluster.logins.backend.user
  const grantHeartbeat = async (granted: boolean): Promise<void> => {
    const change = granted
      ? `grant all on ${heartbeatTable} to ${user}`
      : `revoke all on ${heartbeatTable} from ${user}`
    await first.query(change, [], cluster.database)
  }
  await first.query(
    `create table ${heartbeatTable} (target text primary key, beat timestamptz not null)`,
    [],
    cluster.database,
  )
  // It would take out of the outbox of the demo what waits there, and write while nodes are healed.
  await platform.sender.close()
  const ses = await createSes()
  const outbox = await createOutbox(platform, first)
  const env: Record<string, string | undefined> = { ...healthyEnv[by], SMTP_PORT: app.env.get('SMTP_PORT') }
  const healers: Record<Part, () => Promise<void>> = {
    async application() {
      for (const [name, value] of Object.entries(env)) app.env.set(name, value)
      platform.pointDatabaseUrl(first)
      app.deploy({ stub: false })
      await install('nodemailer', true)
    },
    async database() {
      const signal = path.join(first.dataDir, 'standby.signal')
      if (existsSync(signal)) {
        await first.stop()
        await rm(signal)
      }
      await healCluster(cluster, first)
      await grantHeartbeat(true)
    },
    kubernetes() {
      kubernetes.forbid = false
      return Promise.resolve()
    },
    password() {
      vault.keep(secrets.smtpPass)
      return Promise.resolve()
    },
    relay: relay.heal,
    async vault() {
      await vault.down()
      await vault.up('active')
      if (!vault.double) return
      vault.double.secrets[unusedPath] = { STRIPE_KEY: 'not-for-mail' }
      vault.double.secrets[sesPath] = { AWS_SES_SECRET_KEY: keys.app.secret }
    },
    ses: () => certificates().then(({ good }) => ses.restart(good)),
    outbox: outbox.heal,
  }
  const healParts = async (parts: Iterable<Part>): Promise<void> => {
    // The outbox is in the database.
    const [last, others] = [[...parts].filter(isOutbox), [...parts].filter(part => !isOutbox(part))]
    for (const some of [others, last]) await Promise.all(some.map(part => healers[part]()))
  }
  const heal = (): Promise<void> => healParts(Object.keys(healers) as Part[])
  await heal()
  return {
    platform,
    first,
    relay,
    ses,
    install,
    grantHeartbeat,
    leaveWaiting: outbox.leaveWaiting,
    grantOutbox: outbox.grant,
    healParts,
    config: configOf(platform, { first, by, sesPort: ses.port }),
    env: {},
    // The other areas hold secrets of the demo, which its own tests look for.
    ...(by === 'ses' && { secrets: [keys.app.id, keys.app.secret, recipient, sender.address] }),
    heal,
    async stop() {
      await relay.swap()
      await ses.swap()
      await platform.stop()
    },
  }
}

const isOutbox = (part: Part): boolean => part === 'outbox'

/** Undefined is not set. */
const byRelay = {
  SMTP_HOST: '127.0.0.1',
  EMAIL_PROVIDER: undefined,
  AWS_SES_ACCESS_KEY: undefined,
  AWS_SES_SECRET_KEY: undefined,
  AWS_SES_REGION: undefined,
}
const healthyEnv = {
  relay: byRelay,
  ses: {
    ...byRelay,
    EMAIL_PROVIDER: 'ses',
    MAIL_FROM: sender.address,
    CANARY_ADDRESS: recipient,
    AWS_SES_ACCESS_KEY: keys.app.id,
    AWS_SES_REGION: 'eu-west-1',
  },
}

type Sections = Record<string, Record<string, unknown>[] | undefined>

interface Setup {
  readonly first: PostgresNode
  readonly by: 'relay' | 'ses'
  readonly sesPort: number
}

/** That of the demo, where mail needs every write path, and SES is a way out once it is set up. */
function configOf(platform: Platform, { first, by, sesPort }: Setup): string {
  const { cluster } = platform
  const sections = parse(platform.config()) as Sections
  const of = (key: string) => ({ dotenv: platform.app.env.path, key })
  const each = (section: string, more: (entry: Record<string, unknown>) => object) =>
    sections[section]?.map(entry => ({ ...entry, ...more(entry) }))
  return platform.config({
    canary: undefined,
    postgres: each('postgres', () => ({ max_lag: '3s' })),
    write_path: each('write_path', ({ name }) => ({
      ...(name === targets.databaseUrl && { heartbeat: { table: heartbeatTable } }),
      // One thing out of Kubernetes is as good as four.
      ...(name === targets.secret && { host: first.host, port: first.port, user: cluster.logins.backend.user }),
    })),
    smtp: each('smtp', () => ({ envelope: { from: 'app@example.com', to: 'probe@example.org' } })),
    vault: each('vault', ({ secrets: listed }) => ({
      secrets: [
        ...(listed as object[]),
        { path: unusedPath, keys: ['STRIPE_KEY'] },
        ...(by === 'ses' ? [{ path: sesPath, keys: ['AWS_SES_SECRET_KEY'] }] : []),
      ],
    })),
    ses: each('ses', ({ access_key, secret_key, region }) => ({
      interval: `${times.intervalMs}ms`,
      implemented: true,
      access_key,
      secret_key:
        by === 'ses' ? { vault: { target: targets.vault, path: sesPath, key: 'AWS_SES_SECRET_KEY' } } : secret_key,
      region,
      endpoint: `https://127.0.0.1:${sesPort}`,
      ca_file: sections['smtp']?.[0]?.['ca_file'],
      from: of('MAIL_FROM'),
      configuration_set: configurationSet,
      recipients: [of('CANARY_ADDRESS')],
    })),
    outbox: [outboxOf(platform, first, sections['postgres']?.[0]?.['password'])],
    settings: each('settings', ({ expect }) => ({
      expect: { ...(expect as object), EMAIL_PROVIDER: { optional: true } },
    })),
    mail: each('mail', () => ({
      write_path: [targets.haproxy, targets.databaseUrl, targets.secret],
      ...(by === 'ses' && { fallback: 'none' }),
    })),
  })
}

const outboxOf = ({ cluster }: Platform, { host, port }: PostgresNode, password: unknown): Record<string, unknown> => ({
  name: outboxName,
  interval: `${times.intervalMs}ms`,
  cluster: clusterName,
  host,
  port,
  user: cluster.logins.monitor.user,
  password,
  database: cluster.database,
  table: outboxTable,
  created: 'created_at',
  pending: 'sent_at is null',
  sent: 'sent_at',
  late_after: '1m',
  stuck_after: '5m',
  limit: 10,
})

/** An outbox in the database of the application, with nothing in it that waits. */
async function createOutbox({ cluster }: Platform, node: PostgresNode) {
  const run = (sql: string, params: readonly unknown[] = []) => node.query(sql, params, cluster.database)
  const { user } = cluster.logins.monitor
  await run(`create table ${outboxTable} (created_at timestamptz not null, sent_at timestamptz, recipient text)`)
  const grant = async (granted: boolean): Promise<void> => {
    const columns = `select (created_at, sent_at) on ${outboxTable}`
    await run(granted ? `grant ${columns} to ${user}` : `revoke ${columns} from ${user}`)
  }
  return {
    grant,
    leaveWaiting: async (mails: number, minutes: number): Promise<void> => {
      const rows = `select now() - make_interval(mins => $2), null, '${recipient}' from generate_series(1, $1)`
      await run(`insert into ${outboxTable} ${rows}`, [mails, minutes])
    },
    heal: async (): Promise<void> => {
      await run(`truncate ${outboxTable}`)
      await grant(true)
    },
  }
}

function serviceOf(healthy: Smtp): RelayService {
  const { port } = healthy
  let server: Smtp | undefined = healthy
  let current: Listening | undefined = healthy
  const swap: RelayService['swap'] = async start => {
    await current?.close()
    server = current = undefined
    current = await start?.(port)
  }
  return {
    server() {
      if (!server) throw new Error('the healthy relay does not listen')
      return server
    },
    swap,
    async heal() {
      await swap()
      const { good: certificate } = await certificates()
      const users = { [smtpUser]: secrets.smtpPass }
      server = current = await startSmtp({ port, security: 'starttls', certificate, users })
    },
  }
}

const mover =
  (folder: string): PairsStage['install'] =>
  async (name, installed) => {
    const [place, aside] = [path.join(folder, 'node_modules', name), path.join(folder, `aside-${name}`)]
    if (existsSync(place) !== installed) await (installed ? rename(aside, place) : rename(place, aside))
  }

/** The deployed file that must not be a stub. */
export const deployedFile = ({ platform }: PairsStage): string => path.join(platform.app.folder, stub.file)
