import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { httpRequest } from '../../src/clients/http.ts'
import { waitFor } from '../servers/ports.ts'
import { removeFolder, tempFolder } from '../servers/processes.ts'
import { startSmtp } from '../servers/smtp.ts'
import type { Area, Expectation, Fault, Stage } from './fault.ts'

/** A Vault that is somebody's: everything happens in a mount of our own, with a token of our own, gone afterwards. */
interface RealStage extends Stage {
  /** A request with the token given in VAULT_TOKEN. Throws where it was not served. */
  readonly ask: (method: string, where: string, body?: object) => Promise<void>
  readonly mount: string
  /** The exporter's. */
  readonly tokens: ReturnType<typeof ownTokens>
}

type Row = Fault<RealStage>

const { VAULT_ADDR: url = '', VAULT_TOKEN: ownToken = '' } = process.env
const login = { user: 'postmaster@keybuzz.io', password: 'hunter2-hunter2' }

async function request(method: string, where: string, body?: object, more = {}): Promise<unknown> {
  const response = await httpRequest({
    method,
    url: `${url.replace(/\/+$/, '')}/v1/${where}`,
    headers: { 'X-Vault-Token': ownToken, ...more },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(5_000),
  })
  if (response.status >= 300) throw new Error(`${method} ${where}: HTTP ${response.status}: ${response.body}`)
  return response.body === '' ? undefined : JSON.parse(response.body)
}

const ask = async (method: string, where: string, body?: object): Promise<void> => {
  await request(method, where, body)
}

/** One token for the exporter at a time. */
function ownTokens(file: string) {
  let current = ''
  const revoke = async (): Promise<void> => {
    // It may have been revoked before.
    if (current !== '') await ask('POST', 'auth/token/revoke', { token: current }).catch(() => undefined)
  }
  return {
    get current() {
      return current
    },
    revoke,
    /** Another one, as these options have it. */
    async renew(options: object) {
      await revoke()
      const made = (await request('POST', 'auth/token/create', options)) as { auth: { client_token: string } }
      current = made.auth.client_token
      await writeFile(file, current)
    },
    /** A wrapping token, with another one in it. */
    async wrap() {
      await revoke()
      const made = (await request('POST', 'auth/token/create', { ttl: '48h' }, { 'X-Vault-Wrap-TTL': '600' })) as {
        wrap_info: { token: string }
      }
      current = made.wrap_info.token
      await writeFile(file, current)
    },
  }
}

async function startRealStage(): Promise<RealStage> {
  const folder = tempFolder('mailpath-faults-vault-real-')
  const mount = `mailpath-faults-${randomUUID()}`
  const tokenFile = path.join(folder, 'token')
  const tokens = ownTokens(tokenFile)
  const relay = await startSmtp({ security: 'none', users: { [login.user]: login.password } })
  const write = () => ask('POST', `${mount}/data/smtp`, { data: { SMTP_PASS: login.password } })
  const heal = async (): Promise<void> => {
    await ask('DELETE', `${mount}/metadata/smtp`)
    await write()
    await tokens.renew({ ttl: '48h' })
  }
  const stop = async (): Promise<void> => {
    await Promise.all([relay.close(), removeFolder(folder), tokens.revoke()])
    await ask('DELETE', `sys/policies/acl/${mount}`)
    await ask('DELETE', `sys/mounts/${mount}`)
  }
  try {
    await ask('POST', `sys/policies/acl/${mount}`, {
      policy: `path "${mount}/data/smtp" { capabilities = ["read"] }`,
    })
    await ask('POST', `sys/mounts/${mount}`, { type: 'kv', options: { version: '2' } })
    // A new mount of version 2 refuses for a moment.
    await waitFor(() => write().then(() => true), { what: 'the mount is ready' })
    await heal()
  } catch (error) {
    await stop().catch(() => undefined)
    throw error
  }
  return { config: configOf(tokenFile, mount, relay.port), env: {}, ask, mount, tokens, heal, stop }
}

const configOf = (tokenFile: string, mount: string, relay: number): string => `
vault:
  - name: vault-01
    url: ${url}
    token: { file: ${tokenFile} }
    secrets: [{ path: ${mount}/data/smtp, keys: [SMTP_PASS] }]
smtp:
  - name: relay
    host: 127.0.0.1
    port: ${relay}
    security: none
    user: ${login.user}
    password: { vault: { target: vault-01, path: ${mount}/data/smtp, key: SMTP_PASS } }
mail:
  - name: app
    write_path: []
`

const skip = url !== '' && ownToken !== '' ? undefined : 'set VAULT_ADDR and VAULT_TOKEN to a Vault to test with'

const row = (name: string, inject: Row['inject'], seen: Expectation): Row => ({
  name: `A real Vault: ${name}`,
  inject,
  seen,
  skip,
})
const withoutPassword = (code: string): Expectation => ({
  verdict: 'unknown',
  root: `vault/vault-01 ${code}`,
  reasons: ['smtp/relay smtp_password_unresolved'],
  samples: {
    'mailpath_vault_reachable{target="vault-01"}': 1,
    'mailpath_smtp_authenticated{target="relay"}': null,
  },
})

/** The double's doings again, to prove that the double is like the real one. */
export const realVault: Area<RealStage> = {
  name: 'Vault, a real server',
  start: startRealStage,
  faults: [
    row(
      'current version deleted',
      ({ ask, mount }) => ask('DELETE', `${mount}/data/smtp`),
      withoutPassword('vault_secret_deleted'),
    ),
    row(
      'current version destroyed',
      ({ ask, mount }) => ask('POST', `${mount}/destroy/smtp`, { versions: [1] }),
      withoutPassword('vault_secret_deleted'),
    ),
    row(
      'secret missing',
      ({ ask, mount }) => ask('DELETE', `${mount}/metadata/smtp`),
      withoutPassword('vault_secret_missing'),
    ),
    row(
      'key missing',
      ({ ask, mount }) => ask('POST', `${mount}/data/smtp`, { data: { OTHER: 'x' } }),
      withoutPassword('vault_secret_key_missing'),
    ),
    row('token revoked', ({ tokens }) => tokens.revoke(), withoutPassword('vault_token_rejected')),
    row('wrapping token', ({ tokens }) => tokens.wrap(), withoutPassword('vault_token_wrapped')),
    row(
      'token used up',
      ({ tokens }) => tokens.renew({ ttl: '48h', num_uses: 4 }),
      withoutPassword('vault_token_rejected'),
    ),
    row(
      'token that may not look itself up',
      ({ tokens, mount }) => tokens.renew({ ttl: '48h', policies: [mount], no_default_policy: true }),
      {
        verdict: 'warn',
        reasons: ['vault/vault-01 vault_token_lookup_denied'],
        samples: { 'mailpath_smtp_authenticated{target="relay"}': 1 },
      },
    ),
    row('token about to expire', ({ tokens }) => tokens.renew({ ttl: '1h' }), {
      verdict: 'warn',
      reasons: ['vault/vault-01 vault_token_expires_soon'],
      samples: { 'mailpath_smtp_authenticated{target="relay"}': 1 },
    }),
  ],
}
