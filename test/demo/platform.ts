import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { certificates } from '../servers/certificates.ts'
import { startKubernetesDouble, type KubernetesKnobs } from '../servers/kubernetes-double.ts'
import type { Listening } from '../servers/hostile.ts'
import { startCluster, type Cluster, type PostgresNode } from '../servers/postgres.ts'
import { freePort, removeFolder, tempFolder } from '../servers/processes.ts'
import { startRouter, type Router } from '../servers/router.ts'
import { startSmtp, type Smtp } from '../servers/smtp.ts'
import { accessKeyOf, startSesDouble, verifiedIdentity, type SesKnobs } from '../servers/ses-double.ts'
import { createApp, type App } from './app.ts'
import {
  configText,
  kubernetesSecret,
  livelyTimes,
  sesSender,
  withSections,
  type Places,
  type Times,
} from './config.ts'
import { startNames, type Names } from './names.ts'
import { canaryAddress, startPost, type Post } from './post.ts'
import { prepareOutbox, startSender, type Sender } from './sender.ts'
import { createVault, type VaultService } from './vault.ts'

/** A mail platform on this machine, for an exporter to be put in front of. */
export interface Platform {
  /** Holds everything but the data of Postgres, and goes with `stop()`. */
  readonly folder: string
  readonly configFile: string
  readonly cluster: Cluster
  /** Stands in for HAProxy; the write endpoint. */
  readonly router: Router
  readonly smtp: Smtp
  readonly vault: VaultService
  readonly kubernetes: KubernetesKnobs & Listening
  readonly ses: SesService
  readonly app: App
  readonly sender: Sender
  /** What becomes of mail behind the relay, and the mailbox of the canary. */
  readonly post: Post
  /** What name servers say of the domain that mail is sent from. */
  readonly names: Names
  /** Has the exporter send a canary at once. */
  sendCanary(): void
  /** The text of the configuration, with sections (`vault`, `mail`, …) replaced or, where undefined, left out. */
  config(sections?: Readonly<Record<string, unknown>>): string
  /** Makes DATABASE_URL of the app's .env name this node. */
  pointDatabaseUrl(node: PostgresNode): void
  /** The node it names; undefined where somebody else has written it. */
  databaseUrlNode(): PostgresNode | undefined
  /** Makes the Kubernetes Secret name this node. */
  pointSecret(node: PostgresNode): void
  secretNode(): PostgresNode | undefined
  /** Sets SES up as the second way out: in the application, and in the file of the exporter. False takes it out again. */
  useSes(inUse: boolean): void
  /** What is called once the file of the exporter has changed. */
  onReload: () => void
  stop(): Promise<void>
}

type SesService = SesKnobs & Listening & { readonly url: string }

interface PlatformOptions {
  /** A line for each part that has started, with its time. */
  onProgress?: (line: string) => void
  /** Of the exporter. */
  times?: Times
}

/** The values that must never be seen in any output. */
export const secrets = {
  backend: 'demo-backend-5f0c2ab1',
  monitor: 'demo-monitor-93d17e60',
  plain: 'demo-plain-7be4c0d8',
  smtpPass: 'demo-smtp-pass-c8a41f27',
  vaultToken: 'hvs.demo-vault-token-1d6e93b5',
  kubernetesToken: 'demo-kubernetes-token-e20b74fa',
  canary: 'demo-canary-41f6b0e9',
  sesSecretKey: 'demo/ses/secret/key/6b21/0f7c/93ae/d415e',
} as const
const sesAccessKey = accessKeyOf()

/** Logs in at the relay, with `secrets.smtpPass`. */
export const smtpUser = 'postmaster@keybuzz.io'

/**
 * Starts everything but the exporter, in the state of the incident: DATABASE_URL names a standby, so that the sender marks
 * no mail as sent; Vault is down, the relay has never been logged in to, SES is absent and a stub. Takes about three seconds.
 */
export async function startPlatform({
  onProgress = () => undefined,
  times = livelyTimes,
}: PlatformOptions = {}): Promise<Platform> {
  const parts = startParts(onProgress)
  try {
    return await assemble(parts, onProgress, times)
  } catch (error) {
    await parts.stop()
    throw error
  }
}

async function assemble(parts: Parts, onProgress: (line: string) => void, times: Times): Promise<Platform> {
  const folder = tempFolder('mailpath-demo-')
  parts.onStop(() => removeFolder(folder))
  const { good, ca } = await certificates()
  const post = await parts.start(
    startPost(secrets.canary, good),
    ({ port }) => `mailbox of the canary on 127.0.0.1:${port}, with IMAP (the test server of this project)`,
  )
  const smtp = await parts.start(
    startSmtp({
      security: 'starttls',
      certificate: good,
      users: { [smtpUser]: secrets.smtpPass },
      onMail: mail => post.take(mail),
    }),
    ({ port }) => `SMTP relay on 127.0.0.1:${port}, with STARTTLS and AUTH (smtp-server)`,
  )
  const kubernetes = await parts.start(
    startKubernetesDouble({ tls: good, token: secrets.kubernetesToken }),
    ({ port }) => `double of the Kubernetes API on 127.0.0.1:${port}`,
  )
  const vault = await parts.start(
    freePort().then(port => createVault({ port, tls: good, token: secrets.vaultToken, smtpPass: secrets.smtpPass })),
    ({ port }) => `double of Vault on 127.0.0.1:${port}: down, as it was for three weeks`,
  )
  const ses = await parts.start(
    startSesDouble({ tls: good, region: sesSender.region, keys: [{ id: sesAccessKey, secret: secrets.sesSecretKey }] }),
    ({ port }) => `double of SES on 127.0.0.1:${port}: the app does not use it yet`,
  )
  const bounces = { MailFromDomain: `bounce.${sesSender.domain}`, MailFromDomainStatus: 'SUCCESS' }
  const identity = verifiedIdentity('DOMAIN')
  ses.identities = {
    [sesSender.domain]: { ...identity, MailFromAttributes: { ...bounces, BehaviorOnMxFailure: 'USE_DEFAULT_VALUE' } },
  }
  ses.statistics = [{ at: Date.now() - 3_600_000, attempts: 1_200, bounces: 6, complaints: 0, rejects: 0 }]
  const names = await parts.start(
    startNames(),
    ({ port }) =>
      `name server on 127.0.0.1:${port} with the records of ${sesSender.domain} (the test server of this project)`,
  )
  const router = await parts.start(startRouter(), ({ port }) => `router standing in for HAProxy on 127.0.0.1:${port}`)
  const cluster = await startCluster({
    logins: {
      backend: { user: 'kb_backend', password: secrets.backend },
      monitor: { user: 'mailpath', password: secrets.monitor },
      plain: { user: 'mailpath_plain', password: secrets.plain },
    },
    onProgress: line => onProgress(`Postgres ${line}`),
  })
  parts.onStop(() => cluster.stop())
  const primary = await cluster.primary()
  await prepareOutbox(primary, cluster.database, cluster.logins.monitor.user)
  const platform = assembled({ folder, ca, post, names, smtp, kubernetes, ses, vault, router, cluster }, times, () =>
    parts.stop(),
  )
  parts.onStop(() => platform.sender.close())
  await platform.sender.backlog(primary, 20)
  return platform
}

type Started = Pick<
  Platform,
  'folder' | 'post' | 'names' | 'smtp' | 'kubernetes' | 'ses' | 'vault' | 'router' | 'cluster'
> & {
  readonly ca: string
}

function assembled({ ca, ...started }: Started, times: Times, stop: () => Promise<void>): Platform {
  const { folder, smtp, cluster, router } = started
  const app = createApp(path.join(folder, 'keybuzz-backend'), {
    SMTP_HOST: '127.0.0.1',
    SMTP_PORT: String(smtp.port),
    SMTP_USER: smtpUser,
  })
  const places = writeFiles({ ...started, app }, ca)
  const configFile = path.join(folder, 'mailpath.yml')
  let [sesInUse, canaries] = [false, 0]
  const writeConfig = (): void => {
    writeFileSync(configFile, configText(places, { sesInUse, times, canaries }))
    platform.onReload()
  }
  const config: Platform['config'] = (sections = {}) => withSections(configText(places, { times }), sections)
  const platform: Platform = {
    ...started,
    configFile,
    app,
    sender: senderOf({ ...started, app }),
    config,
    ...pointers({ ...started, app }),
    useSes(inUse) {
      setUpSes(app, inUse)
      sesInUse = inUse
      writeConfig()
    },
    sendCanary() {
      canaries += 1
      writeConfig()
    },
    onReload: () => undefined,
    stop,
  }
  const [primary, , third] = cluster.nodes
  if (!primary || !third) throw new Error('the cluster has too few nodes')
  writeConfig()
  router.route([primary])
  platform.pointSecret(primary)
  platform.pointDatabaseUrl(third)
  return platform
}

/** Mails are put into the outbox through HAProxy. The sender writes to where DATABASE_URL leads. */
function senderOf({ cluster, router, vault, app }: Omit<Started, 'ca'> & { readonly app: App }): Sender {
  const { database } = cluster
  const { user, password } = cluster.logins.backend
  return startSender({
    database,
    putUrl: () => `postgres://${user}:${password}@127.0.0.1:${router.port}/${database}`,
    sendUrl: () => app.env.get('DATABASE_URL'),
    canHandOver: () =>
      vault.smtpPass() === secrets.smtpPass || (!app.stub && app.env.get('AWS_SES_ACCESS_KEY') !== undefined),
  })
}

function setUpSes(app: App, inUse: boolean): void {
  const settings = {
    AWS_SES_ACCESS_KEY: sesAccessKey,
    AWS_SES_SECRET_KEY: secrets.sesSecretKey,
    AWS_SES_REGION: sesSender.region,
  }
  for (const [name, value] of Object.entries(settings)) app.env.set(name, inUse ? value : undefined)
  app.deploy({ stub: !inUse })
}

/** The secrets and the authority as files, and where everything is. */
function writeFiles(started: Omit<Started, 'ca'> & { readonly app: App }, ca: string): Places {
  const { folder, cluster, router, smtp, vault, kubernetes, ses, app, post, names } = started
  const caFile = path.join(folder, 'ca.pem')
  writeFileSync(caFile, ca)
  const secretFile = (name: string): string => path.join(folder, 'secrets', name)
  mkdirSync(path.join(folder, 'secrets'), { mode: 0o700 })
  const files = {
    pg_password: secrets.monitor,
    kb_password: secrets.backend,
    vault_token: secrets.vaultToken,
    kubernetes_token: secrets.kubernetesToken,
    canary_password: secrets.canary,
  }
  for (const [name, value] of Object.entries(files)) writeFileSync(secretFile(name), `${value}\n`, { mode: 0o600 })
  return {
    nodes: cluster.nodes,
    database: cluster.database,
    backendUser: cluster.logins.backend.user,
    monitorUser: cluster.logins.monitor.user,
    writePort: router.port,
    smtpPort: smtp.port,
    smtpUser,
    vaultUrl: `https://127.0.0.1:${vault.port}`,
    kubernetesUrl: `https://127.0.0.1:${kubernetes.port}`,
    caFile,
    secret: secretFile,
    appFolder: app.folder,
    envFile: app.env.path,
    sesUrl: ses.url,
    imapPort: post.port,
    canaryAddress,
    dnsPort: names.port,
  }
}

type Pointers = Pick<Platform, 'pointDatabaseUrl' | 'databaseUrlNode' | 'pointSecret' | 'secretNode'>

function pointers({ cluster, kubernetes, app }: Pick<Platform, 'cluster' | 'kubernetes' | 'app'>): Pointers {
  const { backend } = cluster.logins
  const name = `${kubernetesSecret.namespace}/${kubernetesSecret.secret}`
  const byPort = (port: string | undefined): PostgresNode | undefined =>
    cluster.nodes.find(node => String(node.port) === port)
  return {
    pointDatabaseUrl: node => {
      app.env.set('DATABASE_URL', node.url(backend, cluster.database).replace(/^postgres:/, 'postgresql:'))
    },
    databaseUrlNode: () => byPort(/@127\.0\.0\.1:(\d+)\//.exec(app.env.get('DATABASE_URL') ?? '')?.[1]),
    pointSecret: ({ host, port }) => {
      const login = { PGUSER: backend.user, PGPASSWORD: backend.password }
      kubernetes.secrets[name] = { PGHOST: host, PGPORT: String(port), ...login }
    },
    secretNode: () => byPort(kubernetes.secrets[name]?.['PGPORT']),
  }
}

interface Parts {
  /** Waits for the part, says so, and closes it with the rest. */
  start<T extends { close(): Promise<void> }>(starting: Promise<T>, describe: (part: T) => string): Promise<T>
  onStop(close: () => Promise<void>): void
  /** Closes all of them, the last one first. Throws the first error, when all have been tried. */
  stop(): Promise<void>
}

function startParts(onProgress: (line: string) => void): Parts {
  const closers: (() => Promise<void>)[] = []
  return {
    async start(starting, describe) {
      const began = Date.now()
      const part = await starting
      closers.unshift(() => part.close())
      onProgress(`${describe(part)} (${Date.now() - began} ms)`)
      return part
    },
    onStop: close => {
      closers.unshift(close)
    },
    async stop() {
      const errors: unknown[] = []
      for (const close of closers.splice(0)) await close().catch((error: unknown) => errors.push(error))
      if (errors.length > 0) throw errors[0]
    },
  }
}
