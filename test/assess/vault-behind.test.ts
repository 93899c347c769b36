import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'
import { createReferences } from '../../src/references/index.ts'
import { createLog } from '../../src/core/log.ts'
import { checkId } from '../../src/core/probe.ts'
import { createMonitor } from '../../src/monitor/index.ts'
import { file, never } from '../references/resolve.ts'
import { startKubernetesDouble } from '../servers/kubernetes-double.ts'
import { startSmtp } from '../servers/smtp.ts'
import { startVaultDouble } from '../servers/vault-double.ts'

const path = 'secret/data/keybuzz/smtp'

/** An application whose mail needs one relay, and the relay's password a Vault that is logged in to. */
async function start(auth: (api: number) => string | Promise<string>) {
  const smtp = await startSmtp({ security: 'none', users: { me: 'hunter2' } })
  const vault = await startVaultDouble({
    token: 'none of ours',
    secrets: { [path]: { PASS: 'hunter2' } },
    logins: {
      approle: { role_id: 'role-of-us', secret_id: 'secret-of-us' },
      kubernetes: { role: 'mailpath', jwt: 'jwt-of-us' },
    },
  })
  const api = await startKubernetesDouble({
    token: 'token-of-us',
    secrets: { 'mail/role': { SECRET_ID: 'secret-of-us' } },
  })
  onTestFinished(async () => {
    await Promise.all([smtp, vault, api].map(server => server.close()))
  })
  const config = parseConfig(
    `interval: 20s
timeout: 8s
kubernetes: { url: "http://127.0.0.1:${api.port}", token: { env: TOKEN } }
vault:
  - { name: vault-01, url: "http://127.0.0.1:${vault.port}", ${await auth(api.port)} }
smtp:
  - name: relay
    host: 127.0.0.1
    port: ${smtp.port}
    security: none
    user: me
    password: { vault: { target: vault-01, path: ${path}, key: PASS } }
mail: [{ name: app, write_path: [] }]
`,
    'mailpath.yml',
  )
  const env: Record<string, string> = { TOKEN: 'token-of-us', ROLE_ID: 'role-of-us' }
  const references = createReferences({ env, vaults: config.vaults, kubernetes: config.kubernetes })
  const monitor = createMonitor(
    config,
    references,
    createLog('error', 'json', () => undefined),
  )
  let rounds = 0
  const outcome = async () => {
    // What was fetched is shared for a second: this round is to fetch for itself.
    if (rounds++ > 0) await sleep(1_050)
    await monitor.runAll(never)
    const [mail] = monitor.status().mail
    const root = mail?.root && `${checkId(mail.root)} ${mail.root.reason.code}`
    return { verdict: mail?.verdict, root, blockers: mail?.blockers.map(({ reason }) => reason.code) }
  }
  return { vault, api, env, outcome }
}

const fine = { verdict: 'ok', root: undefined, blockers: [] }
const because = (code: string) => ({
  verdict: 'unknown',
  root: `vault/vault-01 ${code}`,
  blockers: [code, 'smtp_password_unresolved'],
})

const byAppRole = () =>
  'app_role: { role_id: { env: ROLE_ID }, secret_id: { kubernetes: { namespace: mail, secret: role, key: SECRET_ID } } }'
const byKubernetes = async () => `kubernetes: { role: mailpath, jwt_file: ${await file('jwt-of-us', 'token')} }`

describe.each<[string, () => string | Promise<string>]>([
  ['AppRole', byAppRole],
  ['Kubernetes', byKubernetes],
])('a Vault with a login by %s is the root of the relay that needs it', (_, auth) => {
  it.each(['before the first login', 'with a token at hand'])('when it is sealed %s', async when => {
    const { vault, outcome } = await start(auth)
    if (when === 'with a token at hand') expect(await outcome()).toEqual(fine)
    vault.state = 'sealed'
    expect(await outcome()).toEqual(because('vault_sealed'))
    vault.state = 'active'
    expect(await outcome()).toEqual(fine)
  })

  it('when it refuses the login', async () => {
    const { vault, outcome } = await start(auth)
    vault.logins = { approle: { role_id: 'x' }, kubernetes: { role: 'x' } }
    expect(await outcome()).toEqual(because('vault_login_failed'))
  })
})

it('a Vault whose SecretID Kubernetes does not give is the root, and heals with it', async () => {
  const { api, env, outcome } = await start(byAppRole)
  api.forbid = true
  expect(await outcome()).toEqual(because('vault_token_unresolved'))
  api.forbid = false
  delete env['ROLE_ID']
  expect(await outcome()).toEqual(because('vault_token_unresolved'))
  env['ROLE_ID'] = 'role-of-us'
  expect(await outcome()).toEqual(fine)
})
