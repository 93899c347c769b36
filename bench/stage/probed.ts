/** What each of the probes looks at: a real server where there is one, and a count of what it is asked. */
import { startDnsStage } from '../../test/faults/dns-stage.ts'
import { domain, envelope, hello, host as sender } from '../../test/faults/dns-records.ts'
import { certificates } from '../../test/servers/certificates.ts'
import { dovecotBinary, dovecotInstall, startDovecot } from '../../test/servers/dovecot.ts'
import { haproxyBinary, haproxyInstall, startHaproxy } from '../../test/servers/haproxy.ts'
import { startKubernetesDouble } from '../../test/servers/kubernetes-double.ts'
import { nsdBinary, nsdInstall } from '../../test/servers/nsd.ts'
import { patroniBinary, patroniInstall, startPatroni } from '../../test/servers/patroni.ts'
import { administrator, pgbouncerBinary, pgbouncerInstall, startPgbouncer } from '../../test/servers/pgbouncer.ts'
import { postfixBinary, postfixInstall, startPostfix } from '../../test/servers/postfix.ts'
import { accessKeyOf, startSesDouble, verifiedIdentity } from '../../test/servers/ses-double.ts'
import { startSmtp } from '../../test/servers/smtp.ts'
import { httpRequests, questions, startRelay, statements } from './relay.ts'
import { secretPath, type Servers } from './servers.ts'

/** Some kinds run less often than the file says, unless their target says so, too. */
export interface Times {
  readonly interval: string
  readonly timeout: string
}

/** A server that is ready, and targets that lead to it. */
export interface Probed {
  /** Sections of the configuration, with so many targets. */
  readonly config: (targets: number, times: Times) => Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string>>
  /** Requests, statements, questions or mails so far. */
  readonly asked: () => number
  /** The process of the server, where it is a real one; its children count, too, if they are part of it. */
  readonly process?: { readonly pid: number; readonly withChildren: boolean }
  readonly stop: () => Promise<unknown>
}

export interface Kind {
  /** The probe whose runs are counted. */
  readonly probe: string
  readonly missing?: () => string | undefined
  readonly start: (servers: Servers) => Promise<Probed>
}

const many = <T extends object>(
  count: number,
  times: Times,
  one: (n: number) => T,
): (T & { readonly name: string })[] =>
  Array.from({ length: count }, (_, n) => ({ ...one(n), ...times, name: `target-${n}` }))

const without = (binary: () => string | undefined, install: string) => () =>
  binary() === undefined ? `not installed: ${install}` : undefined

const here = (port: number): string => `http://127.0.0.1:${port}`

async function patroni(): Promise<Probed> {
  const server = await startPatroni()
  const relay = await startRelay(Number(new URL(server.url).port), httpRequests)
  return {
    config: (count, times) => ({
      patroni: many(count, times, n => ({ cluster: `cluster-${n}`, url: here(relay.port) })),
    }),
    asked: relay.asked,
    // What it starts is its Postgres.
    process: { pid: server.process.pid, withChildren: false },
    stop: () => Promise.all([relay.close(), server.stop()]),
  }
}

async function haproxy({ cluster }: Servers): Promise<Probed> {
  const server = await startHaproxy({ servers: [await cluster.primary()], check: 'none' })
  const relay = await startRelay(Number(new URL(server.statistics.metrics).port), httpRequests)
  return {
    config: (count, times) => ({ haproxy: many(count, times, () => ({ url: `${here(relay.port)}/metrics` })) }),
    asked: relay.asked,
    process: { pid: server.process.pid, withChildren: true },
    stop: () => Promise.all([relay.close(), server.stop()]),
  }
}

async function pgbouncer({ cluster }: Servers): Promise<Probed> {
  const server = await startPgbouncer({ to: await cluster.primary(), logins: [] })
  const relay = await startRelay(server.port, statements)
  const { user, password } = administrator
  const url = `postgres://${user}@127.0.0.1:${relay.port}/pgbouncer?sslmode=disable`
  return {
    config: (count, times) => ({
      pgbouncer: many(count, times, () => ({ url, password: { env: 'PGBOUNCER_PASSWORD' } })),
    }),
    env: { PGBOUNCER_PASSWORD: password },
    asked: relay.asked,
    process: { pid: server.process.pid, withChildren: false },
    stop: () => Promise.all([relay.close(), server.stop()]),
  }
}

async function outbox({ cluster }: Servers): Promise<Probed> {
  const relay = await startRelay((await cluster.primary()).port, questions)
  const { user } = cluster.logins.backend
  const target = {
    ...{ url: `postgres://${user}@127.0.0.1:${relay.port}/${cluster.database}?sslmode=disable` },
    ...{ password: { env: 'BACKEND_PASSWORD' }, driver: 'libpq', table: 'outbound_email', created: 'created_at' },
    ...{ pending: "status = 'queued'", late_after: '12h', stuck_after: '24h' },
  }
  return {
    config: (count, times) => ({ outbox: many(count, times, n => ({ ...target, cluster: `cluster-${n}` })) }),
    asked: relay.asked,
    stop: relay.close,
  }
}

async function vault({ vaultPort }: Servers): Promise<Probed> {
  const relay = await startRelay(vaultPort, httpRequests)
  const target = { url: here(relay.port), token: { env: 'VAULT_TOKEN' }, secrets: [{ path: secretPath }] }
  return {
    config: (count, times) => ({ vault: many(count, times, () => target) }),
    asked: relay.asked,
    stop: relay.close,
  }
}

async function ses(): Promise<Probed> {
  const [id, secret, from] = [accessKeyOf(), 'q8Zt0pLm3Vx7Rk1Wc5Yd9Hb2Nf6Js4Ga/Ue+To0P', 'app@app.example.com']
  const double = await startSesDouble({ keys: [{ id, secret }] })
  double.identities = { ...double.identities, 'app.example.com': verifiedIdentity('DOMAIN') }
  const target = { access_key: id, secret_key: { env: 'SES_SECRET' }, region: 'eu-west-1', from, endpoint: double.url }
  return {
    config: (count, times) => ({ ses: many(count, times, () => target) }),
    env: { SES_SECRET: secret },
    asked: () => double.requests.length,
    stop: () => double.close(),
  }
}

async function kubernetes({ caFile }: Servers): Promise<Probed> {
  const token = 'token-of-the-service-account'
  const { good } = await certificates()
  const double = await startKubernetesDouble({ token, tls: good, secrets: { 'mail/app': { SMTP_HOST: 'relay' } } })
  const from = { kubernetes: { namespace: 'mail', secret: 'app' } }
  return {
    config: (count, times) => ({
      kubernetes: { url: `https://127.0.0.1:${double.port}`, token: { env: 'KUBERNETES_TOKEN' }, ca_file: caFile },
      settings: many(count, times, () => ({ from, expect: { SMTP_HOST: 'relay' } })),
    }),
    env: { KUBERNETES_TOKEN: token },
    asked: () => double.requests.length,
    stop: () => double.close(),
  }
}

async function dns(): Promise<Probed> {
  const stage = await startDnsStage()()
  const target = {
    ...{ domain, envelope, senders: [sender.name], helo: hello, dkim: ['s1', 's2'] },
    ...{ servers: [stage.way.address], mta_sts: false },
  }
  return {
    config: (count, times) => ({ dns: many(count, times, () => target) }),
    asked: () => stage.way.asked(''),
    process: { pid: stage.nsd.process.pid, withChildren: true },
    stop: stage.stop,
  }
}

async function canary({ caFile }: Servers): Promise<Probed> {
  const [to, password] = ['canary@example.test', 'password-of-the-canary']
  const { good } = await certificates()
  const dovecot = await startDovecot({ users: { [to]: password } })
  let mails = 0
  const relay = await startSmtp({
    security: 'starttls',
    certificate: good,
    onMail({ data }) {
      mails++
      void dovecot.deliver(data.toString('latin1')).catch(() => undefined)
    },
  })
  const mailbox = { host: '127.0.0.1', port: dovecot.ports.imaps, user: to, password: { env: 'CANARY_PASSWORD' } }
  const target = { smtp: 'relay', from: 'app@example.test', to, mailbox: { ...mailbox, ca_file: caFile } }
  return {
    config: (count, times) => ({
      smtp: [{ name: 'relay', host: '127.0.0.1', port: relay.port, ca_file: caFile, interval: '1h' }],
      canary: many(count, times, () => target),
    }),
    env: { CANARY_PASSWORD: password },
    asked: () => mails,
    process: { pid: dovecot.process.pid, withChildren: true },
    stop: () => Promise.all([relay.close(), dovecot.stop()]),
  }
}

async function postfix({ caFile }: Servers): Promise<Probed> {
  const server = await startPostfix()
  const relay = await startRelay(server.ports.starttls)
  const { user, password } = server.login
  const login = { user: `${user}@localhost`, password: { env: 'POSTFIX_PASSWORD' } }
  return {
    config: (count, times) => ({
      smtp: many(count, times, () => ({ host: '127.0.0.1', port: relay.port, ca_file: caFile, ...login })),
    }),
    env: { POSTFIX_PASSWORD: password },
    asked: relay.asked,
    process: { pid: server.process.pid, withChildren: true },
    stop: () => Promise.all([relay.close(), server.stop()]),
  }
}

export const probed = {
  patroni: { probe: 'patroni', missing: without(patroniBinary, patroniInstall), start: patroni },
  haproxy: { probe: 'haproxy', missing: without(haproxyBinary, haproxyInstall), start: haproxy },
  pgbouncer: { probe: 'pgbouncer', missing: without(pgbouncerBinary, pgbouncerInstall), start: pgbouncer },
  outbox: { probe: 'outbox', start: outbox },
  vault: { probe: 'vault', start: vault },
  ses: { probe: 'ses', start: ses },
  kubernetes: { probe: 'settings', start: kubernetes },
  dns: { probe: 'dns', missing: without(nsdBinary, nsdInstall), start: dns },
  canary: { probe: 'canary', missing: without(dovecotBinary, dovecotInstall), start: canary },
  postfix: { probe: 'smtp', missing: without(postfixBinary, postfixInstall), start: postfix },
} as const satisfies Readonly<Record<string, Kind>>
