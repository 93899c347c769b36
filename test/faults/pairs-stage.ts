import { existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { parse } from 'yaml'
import { stub, targets } from '../demo/config.ts'
import { secrets, smtpUser, startPlatform, type Platform } from '../demo/platform.ts'
import { certificates } from '../servers/certificates.ts'
import type { Listening } from '../servers/hostile.ts'
import { startSmtp, type Smtp } from '../servers/smtp.ts'
import type { PostgresNode } from '../servers/postgres.ts'
import { one, healCluster } from './cluster-stage.ts'
import type { Stage } from './fault.ts'

/** What can be healed without touching the rest. */
export type Part = 'application' | 'database' | 'kubernetes' | 'password' | 'relay' | 'vault'

/** The whole platform of the demo, healthy, with db-postgres-01 as its primary. */
export interface PairsStage extends Stage {
  readonly platform: Platform
  readonly first: PostgresNode
  /** The relay: its port stays, what listens on it is swapped, be it for nobody. */
  readonly relay: RelayService
  /** Takes what is installed away, or brings it back. */
  readonly install: (name: string, installed: boolean) => Promise<void>
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
const heartbeatTable = 'mailpath_heartbeat'

export async function startPairsStage(): Promise<PairsStage> {
  const platform = await startPlatform()
  try {
    return await stageOver(platform)
  } catch (error) {
    await platform.stop()
    throw error
  }
}

async function stageOver(platform: Platform): Promise<PairsStage> {
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
  const env: Record<string, string | undefined> = { ...healthyEnv, SMTP_PORT: app.env.get('SMTP_PORT') }
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
      if (vault.double) vault.double.secrets[unusedPath] = { STRIPE_KEY: 'not-for-mail' }
    },
  }
  const healParts = async (parts: Iterable<Part>): Promise<void> => {
    await Promise.all([...parts].map(part => healers[part]()))
  }
  const heal = (): Promise<void> => healParts(Object.keys(healers) as Part[])
  await heal()
  return {
    platform,
    first,
    relay,
    install,
    grantHeartbeat,
    healParts,
    config: configOf(platform, first),
    env: {},
    heal,
    async stop() {
      await relay.swap()
      await platform.stop()
    },
  }
}

/** Undefined is not set. */
const healthyEnv = {
  SMTP_HOST: '127.0.0.1',
  EMAIL_PROVIDER: undefined,
  AWS_SES_ACCESS_KEY: undefined,
  AWS_SES_SECRET_KEY: undefined,
  AWS_SES_REGION: undefined,
}

type Sections = Record<string, Record<string, unknown>[] | undefined>

/** That of the demo, where mail needs every write path, and SES is a way out once it is set up. */
function configOf(platform: Platform, first: PostgresNode): string {
  const { cluster } = platform
  const sections = parse(platform.config()) as Sections
  const each = (section: string, more: (entry: Record<string, unknown>) => object) =>
    sections[section]?.map(entry => ({ ...entry, ...more(entry) }))
  return platform.config({
    postgres: each('postgres', () => ({ max_lag: '3s' })),
    write_path: each('write_path', ({ name }) => ({
      ...(name === targets.databaseUrl && { heartbeat: { table: heartbeatTable } }),
      // One thing out of Kubernetes is as good as four.
      ...(name === targets.secret && { host: first.host, port: first.port, user: cluster.logins.backend.user }),
    })),
    smtp: each('smtp', () => ({ envelope: { from: 'app@example.com', to: 'probe@example.org' } })),
    vault: each('vault', ({ secrets: listed }) => ({
      secrets: [...(listed as object[]), { path: unusedPath, keys: ['STRIPE_KEY'] }],
    })),
    ses: each('ses', () => ({ implemented: true, verify: false })),
    settings: each('settings', ({ expect }) => ({
      expect: { ...(expect as object), EMAIL_PROVIDER: { optional: true } },
    })),
    mail: each('mail', () => ({ write_path: [targets.haproxy, targets.databaseUrl, targets.secret] })),
  })
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
