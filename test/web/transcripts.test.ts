/** What `/probe?debug=true` tells of real servers. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'
import { createReferences } from '../../src/references/index.ts'
import { defaultHello } from '../../src/probes/smtp/hello.ts'
import { certificates } from '../servers/certificates.ts'
import { scripted } from '../servers/hostile.ts'
import { startKubernetesDouble } from '../servers/kubernetes-double.ts'
import { startCluster, type Cluster } from '../servers/postgres.ts'
import { removeFolder, tempFolder } from '../servers/processes.ts'
import { startSmtp } from '../servers/smtp.ts'
import { startVaultDouble } from '../servers/vault-double.ts'
import { ask, serving, type Served } from './serving.ts'

type Env = Readonly<Record<string, string>>

const served = (yaml: string, env: Env): Promise<Served> => {
  const { checks, vaults, kubernetes } = parseConfig(yaml, 'mailpath.yml')
  return serving({ checks, references: createReferences({ env, vaults, kubernetes }) })
}

/** The answer, without the times. */
async function told(yaml: string, env: Env, query: string): Promise<string> {
  const web = await served(yaml, env)
  const { status, headers, body } = await ask(web, { path: `/probe?${query}&debug=true` })
  expect([status, headers['content-type']]).toEqual([200, 'text/plain; charset=utf-8'])
  for (const secret of Object.values(env)) expect(body).not.toContain(secret)
  return body
    .replace(/^ +\d+\.\d /gm, '')
    .replace(/\d+\.\d ms/g, 'a time')
    .replace(/ +/g, ' ')
}

/** That these stand in the text, one after the other. */
function expectInOrder(text: string, parts: readonly string[]): void {
  let at = 0
  for (const part of parts) {
    const found = text.indexOf(part, at)
    expect(found, `${part} comes next in ${text.slice(at)}`).toBeGreaterThanOrEqual(at)
    at = found + part.length
  }
}

describe('the transcript of Postgres', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await startCluster({ standbys: 1 })
  }, 60_000)
  afterAll(() => cluster.stop())

  const pathTo = async (port: number): Promise<string> => {
    const { user, password } = cluster.logins.backend
    const url = `postgres://${user}@localhost:${port}/${cluster.database}`
    const yaml = `write_path: [{ name: app, cluster: kb, url: "${url}", password: { env: PASSWORD } }]`
    return told(yaml, { PASSWORD: password }, 'probe=write_path&target=app')
  }

  it('has every statement and what came back, on a primary', async () => {
    const { port } = await cluster.primary()
    const text = await pathTo(port)
    expect(text).toMatch(/^write_path\/app: ok\nlocalhost:\d+: a write was committed/)
    expectInOrder(text, [
      'run at 20',
      'TRANSCRIPT',
      ' references password: env PASSWORD was fetched',
      'dns localhost is ',
      `connect connected to 127.0.0.1:${port}`,
      'startup SSLRequest was answered with "N"',
      'startup logging in as kb_backend, database keybuzz_backend, in the clear',
      'login done after',
      'landing > set local statement_timeout = 0; select * from (select pg_is_in_recovery() as in_recovery,',
      'landing < in_recovery = false\n read_only = false',
      `server_port = ${port}`,
      'xid > set local statement_timeout = 0; set local synchronous_commit = off; ',
      "commit > set local statement_timeout = 0; set local lock_timeout = 3000; select pg_advisory_xact_lock(1835100524); select pg_logical_emit_message(true, 'mailpath', '')",
      'commit < pg_logical_emit_message = "0/',
      'commit done after',
      'METRICS',
      'mailpath_write_path_writable{target="app",postgres_cluster="kb"} 1',
    ])
    expect(text).not.toContain('REASONS')
  })

  it('ends where a standby refuses, with the reason and its remedy', async () => {
    const [standby] = await cluster.standbys()
    const text = await pathTo(standby?.port ?? 0)
    expectInOrder(text, [
      'write_path/app: fail\n',
      'REASONS\nwrite_path_read_only (fail, critical)\n localhost:',
      'cannot execute pg_current_xact_id() during recovery',
      'Do this: ',
      'landing < in_recovery = true\n read_only = true',
      'xid > begin; set local statement_timeout = 0; savepoint attempt; select pg_current_xact_id()',
      'xid < 25006 cannot execute pg_current_xact_id() during recovery',
      'xid > rollback to attempt; commit',
      'METRICS',
      'mailpath_write_path_writable{target="app",postgres_cluster="kb"} 0',
    ])
    expect(text).not.toContain('pg_logical_emit_message')
  })

  it('has the request to cancel a commit that hangs', async () => {
    await cluster.stickSyncCommit()
    onTestFinished(() => cluster.unstickSyncCommit())
    const { user, password } = cluster.logins.backend
    const { port } = await cluster.primary()
    const url = `postgres://${user}@127.0.0.1:${port}/${cluster.database}`
    const yaml = `write_path: [{ name: app, cluster: kb, timeout: 500ms, url: "${url}", password: { env: PASSWORD } }]`
    expectInOrder(await told(yaml, { PASSWORD: password }, 'probe=write_path&target=app'), [
      'TRANSCRIPT',
      'commit > set local statement_timeout = 0; set local lock_timeout',
      'commit asking the server to cancel what process ',
      'no answer within 0.5 s',
    ])
  })

  it('says who was refused, and not with which password', async () => {
    const { port } = await cluster.primary()
    const url = `postgres://${cluster.logins.monitor.user}@127.0.0.1:${port}/postgres`
    const yaml = `postgres: [{ name: db-1, cluster: kb, url: "${url}", password: { env: PASSWORD } }]`
    expectInOrder(await told(yaml, { PASSWORD: 'a-wrong-password' }, 'probe=postgres&target=db-1'), [
      'postgres/db-1: fail',
      'logging in as mailpath, database postgres',
      'login failed with 28P01 after',
    ])
  })
})

describe('the transcript of a relay', () => {
  const password = 'horse/battery'
  const dialogue = (port: number, fields: string, given = password): Promise<string> => {
    const yaml = `smtp: [{ name: relay, host: 127.0.0.1, port: ${port}, user: probe, password: { env: PASSWORD }, ${fields} }]`
    return told(yaml, { PASSWORD: given }, 'probe=smtp&target=relay')
  }

  it('has the dialogue, and of the login only that there was one', async () => {
    const { good, ca } = await certificates()
    const relay = await startSmtp({ security: 'starttls', certificate: good, users: { probe: password } })
    onTestFinished(() => relay.close())
    const folder = tempFolder('mailpath-ca-')
    onTestFinished(() => removeFolder(folder))
    await writeFile(path.join(folder, 'ca.pem'), ca)
    const envelope = 'envelope: { from: probe@example.com, to: sink@example.com }'
    const text = await dialogue(relay.port, `ca_file: ${path.join(folder, 'ca.pem')}, ${envelope}`)
    expectInOrder(text, [
      'smtp/relay: ok',
      'greeting < 220 mail.keybuzz.io ESMTP',
      `ehlo > EHLO ${defaultHello()}`,
      'ehlo < 250-mail.keybuzz.io Nice to meet you',
      '\n < 250 STARTTLS',
      'starttls > STARTTLS',
      'starttls < 220 ',
      'TLSv1.3, TLS_',
      'it verifies',
      'auth > AUTH PLAIN (hidden)',
      'auth < 235 ',
      'envelope > MAIL FROM:<probe@example.com>',
      'envelope < 250 ',
      'envelope > RCPT TO:<sink@example.com>',
      'envelope > RSET',
      'quit > QUIT',
      'quit < 221 ',
    ])
    expect(text).not.toContain(Buffer.from('probe').toString('base64').slice(0, -1))
  })

  it('has the answer to a login that was refused', async () => {
    const relay = await startSmtp({ security: 'none', users: { probe: password } })
    onTestFinished(() => relay.close())
    expectInOrder(await dialogue(relay.port, 'security: none', 'wrong-password'), [
      'REASONS\nsmtp_auth_failed (fail, ',
      'auth > AUTH PLAIN (hidden)\n',
      'auth < 535 ',
      'quit > QUIT',
    ])
  })

  it.each(['LOGIN', 'CRAM-MD5'])(
    'hides what %s says in several lines, and what it could be guessed from',
    async mechanism => {
      const challenge = Buffer.from('<1896.697170952@postoffice.example>').toString('base64')
      const answers: string[] = []
      const relay = await scripted({
        security: 'none',
        capabilities: [`AUTH ${mechanism}`],
        handlers: [
          line => {
            if (/^(EHLO|QUIT)/.test(line)) return undefined
            if (!line.startsWith('AUTH')) answers.push(line)
            const isLast = answers.length === (mechanism === 'LOGIN' ? 2 : 1)
            return isLast ? `535 5.7.8 no: ${line}` : `334 ${challenge}`
          },
        ],
      })
      onTestFinished(() => relay.close())
      const text = await dialogue(relay.port, 'security: none')
      expectInOrder(text, [
        `auth > AUTH ${mechanism}\n`,
        'auth < 334 (hidden)',
        'auth > (hidden)',
        'auth < 535 5.7.8 no: ',
      ])
      expect(answers.length).toBeGreaterThan(0)
      for (const hidden of [challenge, Buffer.from(password).toString('base64')]) expect(text).not.toContain(hidden)
    },
  )
})

describe('the transcript of a Vault', () => {
  it('has method, path and status of each request', async () => {
    const vault = await startVaultDouble({
      token: 'the-vault-token',
      secrets: { 'secret/data/smtp': { PASS: 'a-secret' } },
    })
    onTestFinished(() => vault.close())
    const yaml = `vault: [{ name: v, url: "http://127.0.0.1:${vault.port}", token: { env: TOKEN }, secrets: [{ path: secret/data/smtp, keys: [PASS] }, { path: secret/data/other }] }]`
    const at = `127.0.0.1:${vault.port}/v1`
    expectInOrder(await told(yaml, { TOKEN: 'the-vault-token', value: 'a-secret' }, 'probe=vault&target=v'), [
      'vault/v: fail',
      `health GET ${at}/sys/health: HTTP 200, `,
      'login env TOKEN was fetched',
      `login POST ${at}/sys/wrapping/lookup: HTTP 400, `,
      `token GET ${at}/auth/token/lookup-self: HTTP 200, `,
      `secrets GET ${at}/secret/data/smtp: HTTP 200, `,
      `secrets GET ${at}/secret/data/other: HTTP 404, `,
    ])
  })

  it('and of Kubernetes is in that of the check whose references lead there, or who shared the request', async () => {
    const vault = await startVaultDouble({
      token: 'the-vault-token',
      secrets: { 'secret/data/smtp': { PASS: 'a-secret' } },
    })
    onTestFinished(() => vault.close())
    const kubernetes = await startKubernetesDouble({
      token: 'the-kube-token',
      secrets: { 'kb/smtp': { PASS: 'a-secret' } },
    })
    onTestFinished(() => kubernetes.close())
    const secret = '{ kubernetes: { namespace: kb, secret: smtp, key: PASS } }'
    const yaml = `
kubernetes: { url: "http://127.0.0.1:${kubernetes.port}", token: { env: KUBE } }
vault: [{ name: v, url: "http://127.0.0.1:${vault.port}", token: { env: TOKEN } }]
drift: [{ name: d, sources: { vault: { vault: { target: v, path: secret/data/smtp, key: PASS } }, k8s: ${secret}, again: ${secret} } }]`
    const env = { TOKEN: 'the-vault-token', KUBE: 'the-kube-token', value: 'a-secret' }
    const text = await told(yaml, env, 'probe=drift&target=d')
    expect(text).toMatch(/^drift\/d: ok/)
    expect(text).toContain(`vault: GET 127.0.0.1:${vault.port}/v1/secret/data/smtp: HTTP 200`)
    expect(text).toContain(`k8s: GET 127.0.0.1:${kubernetes.port}/api/v1/namespaces/kb/secrets/smtp: HTTP 200`)
    expect(text).toContain('again: shared with another that asked a time before')
    expect(text).toContain('k8s: kubernetes kb/smtp#PASS was fetched')
  })
})
