import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { refusalsFile } from '../../src/clients/refusals-file.ts'
import type { References } from '../../src/monitor/look.ts'
import type { VaultTarget } from '../../src/probes/vault/target.ts'
import { createLogins } from '../../src/references/logins.ts'
import { loginKey } from '../../src/references/vault.ts'
import { listen } from '../servers/hostile.ts'
import { startKubernetesDouble } from '../servers/kubernetes-double.ts'
import { waitFor } from '../servers/ports.ts'
import { startVaultDouble } from '../servers/vault-double.ts'
import { canary, file, folder, never, referencesTo, whyNot } from './resolve.ts'

const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
const paths = Array.from({ length: 12 }, (_, i) => `secret/data/app/${i}`)
const role = { role_id: `${canary}-role`, secret_id: canary }

async function start() {
  const double = await startVaultDouble({
    token: 'none of ours',
    secrets: Object.fromEntries(paths.map(path => [path, { PASS: 'hunter2' }])),
    logins: { approle: role, 'k8s/production': { role: 'mailpath', jwt: canary } },
  })
  onTestFinished(() => double.close())
  const env: Record<string, string> = { ROLE: role.role_id, SECRET: role.secret_id }
  const url = `http://127.0.0.1:${double.port}`
  const app_role = { role_id: { env: 'ROLE' }, secret_id: { env: 'SECRET' }, mount: 'approle' }
  const target: VaultTarget = { name: 'vault-01', url, app_role }
  return { double, env, target, references: referencesTo({ env, vaults: [target] }) }
}

const read = (references: References, path = 'secret/data/app/0', signal = never): Promise<string> =>
  references.value({ vault: { target: 'vault-01', path, key: 'PASS' } }, signal)

const about = 'vault vault-01 secret/data/app/0#PASS: '

describe('the login by AppRole', () => {
  it('is one for all who need it, and for all rounds', async () => {
    const { double, references } = await start()
    for (let round = 0; round < 20; round++)
      expect(new Set(await Promise.all(paths.map(path => read(references, path))))).toEqual(new Set(['hunter2']))
    expect(double.granted).toEqual({ logins: 1, renewals: 0, refusals: 0 })
  })

  it('is renewed, or made again, before its token ends, and seldom', async () => {
    const ttl = 1.5
    const used = async (loginRenewable: boolean, loginMaxTtl: number) => {
      const { double, references } = await start()
      Object.assign(double, { loginTtl: ttl, loginMaxTtl, loginRenewable })
      const from = performance.now()
      // Two lives of a token and more.
      while (performance.now() - from < 3_500) {
        expect(await read(references)).toBe('hunter2')
        await sleep(20)
      }
      const { logins, renewals } = double.granted
      expect(logins + renewals).toBeLessThanOrEqual(2 * ((performance.now() - from) / 1000 / (ttl * (2 / 3)) + 1))
      return { loggedInAgain: logins > 1, renewed: renewals > 0 }
    }
    expect(await Promise.all([used(true, 3_600), used(true, 2), used(false, 3_600)])).toEqual([
      { loggedInAgain: false, renewed: true },
      // The last renewal before the end of all renewals gives a life too short to be of use.
      { loggedInAgain: true, renewed: true },
      { loggedInAgain: true, renewed: false },
    ])
  })

  it('is made once more when the token was revoked', async () => {
    const { double, references } = await start()
    await read(references)
    for (let time = 2; time < 4; time++) {
      double.revoke()
      const all = await Promise.allSettled(paths.map(path => read(references, path)))
      expect(double.granted.logins).toBe(2)
      // The second time it could as well be a right it does not have: a new token is not replaced at once.
      expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(time === 2 ? paths.length : 0)
    }
  })

  it('is not repeated for a path the token has no right to', async () => {
    const { double, references } = await start()
    double.deny('secret/data/app/1')
    for (let round = 0; round < 10; round++) {
      expect(await whyNot(read(references, 'secret/data/app/1'))).toContain('the token may not read it')
      expect(await read(references)).toBe('hunter2')
    }
    expect(double.granted.logins).toBe(1)
    // The same for a token that may not even look itself up.
    double.deny('auth/token/lookup-self')
    for (let round = 0; round < 10; round++) await whyNot(read(references, 'secret/data/app/1'))
    expect(double.granted.logins).toBe(1)
  })

  it('is not tried again after a refusal until the credentials change', async () => {
    const { double, env, references } = await start()
    env['SECRET'] = `${canary}-used-up`
    for (let round = 0; round < 5; round++)
      expect(await whyNot(read(references))).toBe(
        `${about}no login: HTTP 400: invalid role or secret ID; not tried again for 60 s, unless the credentials change`,
      )
    expect(double.granted).toEqual({ logins: 0, renewals: 0, refusals: 1 })
    env['SECRET'] = role.secret_id
    expect(await read(references)).toBe('hunter2')
  })

  it('leaves the token of the one before while that lives', async () => {
    const { double, env, references } = await start()
    Object.assign(double, { loginTtl: 3, loginRenewable: false })
    await read(references)
    env['SECRET'] = `${canary}-used-up`
    const refused = async () => {
      const login = await references.login('vault-01', never)
      return login.failure !== undefined && login
    }
    const login = await waitFor(refused, { what: 'the next login' })
    expect(login).toMatchObject({ token: double.issued[0]?.token, failure: { kind: 'refused' } })
    expect(await read(references)).toBe('hunter2')
    const ended = () => read(references).then(() => false, String)
    expect(await waitFor(ended, { what: 'the token has ended' })).toContain(
      'no login: HTTP 400: invalid role or secret ID',
    )
    expect(double.granted.refusals).toBe(1)
  })

  it('is kept over a reload that leaves it as it is, whatever the target is called', async () => {
    const { double, env, target } = await start()
    const logins = createLogins()
    const reload = (changed: Partial<VaultTarget>) => {
      const vaults = [{ ...structuredClone(target), ...changed }]
      logins.retain(new Set(vaults.map(loginKey)))
      return referencesTo({ env, vaults, logins })
    }
    for (const interval of [1_000, 2_000, 3_000]) expect(await read(reload({ interval }))).toBe('hunter2')
    expect(double.granted.logins).toBe(1)
    const held = double.issued[0]?.token
    expect(await read(reload({ url: `${target.url}/` }))).toBe('hunter2')
    expect(double.granted.logins).toBe(2)
    await waitFor(() => double.revoked.length === 1, { what: 'the token of the login that is gone was revoked' })
    expect(double.revoked).toEqual([held])
  })

  it.each(['Vault', 'OpenBao'] as const)(
    'locks nobody out of %s, whatever is reloaded or started anew',
    async brand => {
      const { double, env, target } = await start()
      double.brand = brand
      // What is remembered holds where the disk answers in time. The disk of a busy machine may not.
      const memory = refusalsFile(join(await folder(), 'remembered'), process.getuid?.() ?? 0, 30_000)
      env['SECRET'] = 'used-up'
      const nodes = ['vault-01', 'vault-02', 'vault-03'].map(name => ({ ...target, name, interval: 1_000 }))
      for (let start = 0; start < 6; start++) {
        const logins = createLogins(memory)
        for (let reload = 0; reload < 3; reload++) {
          // Another address, and yet the same cluster.
          const vaults = nodes.map((node, at) => ({ ...structuredClone(node), url: `${node.url}${'/'.repeat(at)}` }))
          const references = referencesTo({ env, vaults, logins })
          const all = await Promise.all(nodes.map(({ name }) => references.login(name, never)))
          for (const { failure } of all)
            expect(failure).toEqual({
              kind: 'refused',
              text: 'HTTP 400: invalid role or secret ID; not tried again for 60 s, unless the credentials change',
            })
        }
      }
      expect(double.granted.refusals).toBe(1)
      // Other credentials are tried at once, but not until the role is locked.
      for (let next = 0; next < 9; next++) {
        env['SECRET'] = `wrong-${next}`
        await referencesTo({ env, vaults: [target], logins: createLogins(memory) }).login('vault-01', never)
      }
      expect(double.granted.refusals).toBe(3)
    },
  )

  it('says that what was refused cannot be remembered', async () => {
    const { env, target } = await start()
    env['SECRET'] = 'used-up'
    const logins = createLogins({ read: () => Promise.resolve(undefined), write: () => Promise.resolve(false) })
    const { failure } = await referencesTo({ env, vaults: [target], logins }).login('vault-01', never)
    expect(failure?.text).toContain('each sends it again, and Vault locks the role at the fifth refusal')
  })

  it.each(['Vault', 'OpenBao'] as const)(
    'knows a role that is locked from a mount that is not there, by %s',
    async brand => {
      const { double, env, target } = await start()
      double.brand = brand
      for (let time = 0; time < 5; time++) {
        env['SECRET'] = `wrong-${time}`
        await referencesTo({ env, vaults: [target] }).login('vault-01', never)
      }
      env['SECRET'] = role.secret_id
      const why = async (changed: Partial<VaultTarget>) =>
        (await referencesTo({ env, vaults: [{ ...target, ...changed }] }).login('vault-01', never)).failure
      expect(await why({})).toEqual({ kind: 'locked', text: 'HTTP 403: permission denied; tried again after 60 s' })
      const app_role = { role_id: { env: 'ROLE' }, secret_id: { env: 'SECRET' }, mount: 'aprole' }
      expect((await why({ app_role }))?.kind).toBe('refused')
      expect(await why({ namespace: 'team' })).toEqual({
        kind: 'no_namespace',
        text: 'HTTP 404: namespace not found',
      })
    },
  )

  it('sends no wrapping token, and leaves it as it is', async () => {
    const { double, env, target } = await start()
    env['SECRET'] = 'hvs.wrapped'
    double.wrapping.add('hvs.wrapped')
    const references = referencesTo({
      env,
      vaults: [target, { name: 'vault-02', url: target.url, token: { env: 'SECRET' } }],
    })
    for (const name of ['vault-01', 'vault-02'])
      expect((await references.login(name, never)).failure).toMatchObject({ kind: 'wrapped' })
    const asked = references.value({ vault: { target: 'vault-02', path: 'secret/data/app/0', key: 'PASS' } }, never)
    expect(await whyNot(asked)).toContain('no token: it is a wrapping token')
    expect(double.wrapping.has('hvs.wrapped')).toBe(true)
    expect(double.granted).toEqual({ logins: 0, renewals: 0, refusals: 0 })
  })

  it('is made again before the uses of its token are used up, and revokes the token it leaves', async () => {
    const { double, references } = await start()
    double.loginUses = 5
    for (let round = 0; round < 10; round++)
      expect(new Set(await Promise.all(paths.map(path => read(references, path))))).toEqual(new Set(['hunter2']))
    // 120 requests, 4 with each token.
    expect(double.granted.logins).toBe(30)
    await waitFor(() => double.issued.length <= 1, { what: 'the tokens before were revoked' })
  })

  it('is made again at once for a token that was revoked soon after the one before', async () => {
    const { double, references } = await start()
    for (let time = 0; time < 2; time++) {
      expect(await read(references)).toBe('hunter2')
      // A token is replaced at once, but not twice within 5 s.
      if (time > 0) await sleep(5_000)
      double.revoke()
    }
    expect(await read(references)).toBe('hunter2')
    expect(double.granted.logins).toBe(3)
  })

  it('is ended with the exporter', async () => {
    const { double, env, target } = await start()
    const logins = createLogins()
    await read(referencesTo({ env, vaults: [target], logins }))
    await logins.end(AbortSignal.timeout(700))
    expect([double.revoked.length, double.issued.length]).toEqual([1, 0])
    await read(referencesTo({ env, vaults: [target], logins }))
    double.answer('silent')
    const from = performance.now()
    await logins.end(AbortSignal.timeout(100))
    expect(performance.now() - from).toBeLessThan(600)
  })

  it('goes on for the others when the one who began it leaves', async () => {
    const { double, references } = await start()
    double.answer('silent', '/v1/auth/')
    const stop = new AbortController()
    const one = read(references, paths[0], stop.signal)
    await waitFor(() => double.requests.length === 1, { what: 'the login' })
    const two = references.login('vault-01', AbortSignal.timeout(400))
    stop.abort(new Error('no answer within 0.1 s'))
    expect(await whyNot(one)).toContain(`vault-01: 127.0.0.1:${double.port}: no answer within 0.1 s`)
    expect(double.connections).toBe(1)
    expect(await two).toMatchObject({ token: undefined, failure: { kind: 'unanswered' } })
    await waitFor(() => double.connections === 0, { what: 'the login ended' })
    double.answer(undefined)
    expect(await read(references)).toBe('hunter2')
  })

  it('says what is missing for it, also where that comes out of Kubernetes', async () => {
    const { target, env } = await start()
    const api = await startKubernetesDouble({ token: canary, secrets: { 'mail/role': { SECRET_ID: role.secret_id } } })
    onTestFinished(() => api.close())
    const kubernetes = { url: `http://127.0.0.1:${api.port}`, token: { env: 'SECRET' } }
    const secret_id = { kubernetes: { namespace: 'mail', secret: 'role', key: 'SECRET_ID' } }
    const app_role = { role_id: { env: 'ROLE' }, secret_id, mount: 'approle' }
    const references = referencesTo({ env, kubernetes, vaults: [{ ...target, app_role }] })
    api.forbid = true
    expect(await whyNot(read(references))).toContain(
      `${about}no login: secret_id: kubernetes mail/role#SECRET_ID: 403 forbidden: grant `,
    )
    api.forbid = false
    expect(await read(references)).toBe('hunter2')
  })

  it.each([
    ['sealed', 'is sealed'],
    ['ha_unhealthy', 'HTTP 500: local node not active but active cluster node not found'],
  ] as const)('says what Vault said: %s', async (state, why) => {
    const { double, references } = await start()
    double.state = state
    expect(await whyNot(read(references))).toBe(`${about}no login: ${why}`)
    double.state = 'active'
    expect(await read(references)).toBe('hunter2')
  })

  it('is tried once in a round that fails, however many need it', async () => {
    const { double, references } = await start()
    double.answer('html502', '/v1/auth/')
    for (const path of paths) {
      const asked = references.value({ vault: { target: 'vault-01', path, key: 'PASS' } }, never, { maxAgeMs: 60_000 })
      expect(await whyNot(asked)).toContain('no login: HTTP 502, not an answer of a Vault')
    }
    expect(double.requests).toHaveLength(1)
  })

  it('says which mount there is not', async () => {
    const { target, env } = await start()
    const app_role = { role_id: { env: 'ROLE' }, secret_id: { env: 'SECRET' }, mount: 'aprole' }
    const references = referencesTo({ env, vaults: [{ ...target, app_role }] })
    expect(await whyNot(read(references))).toContain('HTTP 404: no handler for route "auth/aprole/login"')
  })

  it('repeats nothing of what a server says back', async () => {
    const echo = await listen(
      createServer((request, response) => {
        void text(request).then(body => {
          // Once as it stands, and once so that it is cut off in the middle of it.
          const errors = [body, `${'x'.repeat(170 - body.length)} ${canary}`]
          response.writeHead(400).end(JSON.stringify({ errors }))
        })
      }),
    )
    onTestFinished(() => echo.close())
    const { target, env } = await start()
    const vaults = [{ ...target, url: `http://127.0.0.1:${echo.port}` }]
    // `whyNot` looks for the canary.
    expect(await whyNot(read(referencesTo({ env, vaults })))).toContain('<secret>')
  })
})

describe('the login by Kubernetes', () => {
  it('is tried again soon, since Vault locks no user out there', async () => {
    const { double, target } = await start()
    const jwt_file = await file('not yet', 'token')
    const { app_role: _, ...rest } = target
    const vaults = [{ ...rest, kubernetes: { role: 'mailpath', mount: 'k8s/production', jwt_file } }]
    const references = referencesTo({ vaults })
    for (let round = 0; round < 3; round++)
      expect(await whyNot(read(references))).toContain('HTTP 403: permission denied; tried again after 10 s')
    expect(double.granted.refusals).toBe(1)
    double.logins['k8s/production'] = { role: 'mailpath', jwt: 'not yet' }
    expect(await waitFor(() => read(references), { timeoutMs: 15_000, what: 'the next try' })).toBe('hunter2')
  }, 20_000)

  it('sends the token of the service account that is there now, to the mount named', async () => {
    const { double, target } = await start()
    const jwt_file = await file(`${canary}\n`, 'token')
    const { app_role: _, ...rest } = target
    const vaults = [{ ...rest, kubernetes: { role: 'mailpath', mount: 'k8s/production', jwt_file } }]
    const references = referencesTo({ vaults })
    expect(await read(references)).toBe('hunter2')
    expect(double.requests[0]).toMatchObject({ method: 'POST', path: '/v1/auth/k8s/production/login', token: false })
    double.logins['k8s/production'] = { role: 'mailpath', jwt: 'the next one' }
    double.revoke()
    await writeFile(jwt_file, 'the next one')
    expect(await read(references)).toBe('hunter2')
    expect(double.granted).toEqual({ logins: 2, renewals: 0, refusals: 0 })
  })

  it('says that it was refused, or where there is no token', async () => {
    const { target } = await start()
    const { app_role: _, ...rest } = target
    const by = async (jwt_file: string) => {
      const kubernetes = { role: 'mailpath', mount: 'k8s/production', jwt_file }
      return whyNot(read(referencesTo({ vaults: [{ ...rest, kubernetes }] })))
    }
    expect(await by('/nowhere/token')).toBe(`${about}no login: /nowhere/token: there is no such file`)
    expect(await by(await file('wrong'))).toContain('no login: HTTP 403: permission denied')
  })
})
