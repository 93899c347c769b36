import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createReferences } from '../../src/references/index.ts'
import type { Observation, Verdict } from '../../src/core/probe.ts'
import type { LoginFailure } from '../../src/core/reference.ts'
import { vault } from '../../src/probes/vault/index.ts'
import type { VaultTarget } from '../../src/probes/vault/target.ts'
import { waitFor } from '../servers/ports.ts'
import { startVaultDouble } from '../servers/vault-double.ts'
import { expectSamples } from './contract.ts'
import { look as lookAt } from './look.ts'
import { valueOf } from './values.ts'

const smtp = 'secret/data/keybuzz/smtp'
const codes = ({ reasons }: Pick<Observation, 'reasons'>): string[] => reasons.map(({ code }) => code)

describe('judge', () => {
  const target = vault.target.parse({
    name: 'vault-01',
    url: 'https://vault-01:8200',
    kubernetes: { role: 'mailpath' },
  })
  it.each<[LoginFailure['kind'], Verdict, string[]]>([
    ['unresolved', 'unknown', ['vault_token_unresolved']],
    ['refused', 'fail', ['vault_login_failed']],
    ['sealed', 'fail', ['vault_sealed']],
    ['rate_limited', 'unknown', ['vault_rate_limited']],
    ['redirected', 'unknown', ['vault_redirected']],
    ['failed', 'fail', ['vault_api_failed']],
  ])('a login that is %s', (kind, verdict, expected) => {
    const nothing = { health: undefined, leader: undefined, unsealing: undefined, token: undefined, failure: undefined }
    const seen = { ...nothing, address: 'vault-01:8200', byLogin: true, servedMsAgo: undefined, secrets: [] }
    const found = vault.judge({ ...seen, login: { kind, text: 'why' } }, target)
    expect([found.verdict, codes(found)]).toEqual([verdict, expected])
    expect(found.evidence).toContain('why')
  })
})

describe('observe', () => {
  async function start() {
    const double = await startVaultDouble({
      token: 'none of ours',
      secrets: { [smtp]: { SMTP_PASS: 'hunter2-hunter2' } },
      logins: { approle: { role_id: 'canary-role', secret_id: 'canary-secret' } },
    })
    onTestFinished(() => double.close())
    const env: Record<string, string> = { ROLE: 'canary-role', SECRET: 'canary-secret' }
    const target: VaultTarget = {
      name: 'vault-01',
      url: `http://127.0.0.1:${double.port}`,
      app_role: { role_id: { env: 'ROLE' }, secret_id: { env: 'SECRET' }, mount: 'approle' },
      secrets: [{ path: smtp, keys: ['SMTP_PASS'] }],
    }
    const references = createReferences({ env, vaults: [target], kubernetes: undefined })
    const look = async (timeoutMs = 5_000): Promise<Observation> => {
      const observation = await lookAt(vault, target, { timeoutMs, references })
      if (!observation) throw new Error('the run was not recorded')
      expectSamples(observation, vault)
      const told = JSON.stringify(observation)
      expect(told).not.toMatch(/hunter2|canary-/)
      for (const { token } of double.issued) expect(told).not.toContain(token)
      return observation
    }
    return { double, env, look }
  }

  const readable = (seen: Observation) => valueOf(seen, 'mailpath_vault_secret_readable')

  it('logs in once for all rounds, and exports when the token expires', async () => {
    const { double, look } = await start()
    for (let round = 0; round < 5; round++) {
      const seen = await look()
      // One hour left, which is less than the warning for a token nobody renews.
      expect([seen.verdict, codes(seen), readable(seen)]).toEqual(['ok', [], 1])
      expect(seen.evidence).toMatch(
        /active \(HTTP 200\), version 1\.20\.4, token expires in (59|60) min, 1 secret readable$/,
      )
      const endsAt = (double.issued[0]?.endsAt ?? 0) / 1000
      expect(Math.abs((valueOf(seen, 'mailpath_vault_token_expiry_timestamp_seconds') ?? 0) - endsAt)).toBeLessThan(2)
    }
    expect(double.granted.logins).toBe(1)
  })

  it('says that the login is refused, and has no token then', async () => {
    const { env, look } = await start()
    env['SECRET'] = 'canary-used-up'
    const seen = await look()
    expect(codes(seen)).toEqual(['vault_login_failed'])
    expect(seen.evidence).toMatch(
      /^127\.0\.0\.1:\d+: the login was refused \(HTTP 400: invalid role or secret ID; not tried again for 60 s, unless the credentials change\)$/,
    )
    expect(readable(seen)).toBeUndefined()
    expect(valueOf(seen, 'mailpath_vault_token_expiry_timestamp_seconds')).toBeUndefined()
    expect(valueOf(seen, 'mailpath_vault_state', { state: 'active' })).toBe(1)
  })

  it('goes on with the token of an earlier login while that lives', async () => {
    const { double, env, look } = await start()
    Object.assign(double, { loginTtl: 2, loginRenewable: false })
    expect((await look()).verdict).toBe('ok')
    env['SECRET'] = 'canary-used-up'
    const refused = async () => {
      const seen = await look()
      return seen.reasons.length > 0 && seen
    }
    const seen = await waitFor(refused, { what: 'the next login' })
    expect([codes(seen), readable(seen)]).toEqual([['vault_login_failed'], 1])
  })

  it('says what it could not log in with', async () => {
    const { env, look } = await start()
    delete env['ROLE']
    const seen = await look()
    expect([seen.verdict, codes(seen)]).toEqual(['unknown', ['vault_token_unresolved']])
    expect(seen.evidence).toMatch(/^127\.0\.0\.1:\d+: role_id: env ROLE: ROLE is not set$/)
  })

  it('has another token in the same look when it was revoked', async () => {
    const { double, look } = await start()
    await look()
    double.revoke()
    const seen = await look()
    expect([seen.verdict, readable(seen), double.granted.logins]).toEqual(['ok', 1, 2])
  })

  it('has another token in each look, also when it was revoked soon after the one before', async () => {
    const { double, look } = await start()
    for (let time = 1; time <= 3; time++) {
      expect((await look()).verdict).toBe('ok')
      expect(double.granted.logins).toBe(time)
      double.revoke()
      // A token is replaced at once, but not twice within 5 s.
      if (time > 1) await sleep(5_100)
    }
    expect((await look()).verdict).toBe('ok')
  }, 20_000)

  it('does not log in again for a token that may not look itself up', async () => {
    const { double, look } = await start()
    double.deny('auth/token/lookup-self')
    for (let round = 0; round < 4; round++) {
      const seen = await look()
      expect([codes(seen), readable(seen)]).toEqual([['vault_token_lookup_denied'], 1])
    }
    expect(double.granted.logins).toBe(1)
    double.deny('secret/')
    for (let round = 0; round < 4; round++)
      expect(codes(await look())).toEqual(['vault_secret_denied', 'vault_token_lookup_denied'])
    expect(double.granted.logins).toBe(1)
  })

  it.each([
    ['silent', 'vault_no_answer'],
    ['truncated', 'vault_unreachable'],
    ['html502', 'vault_api_failed'],
    ['rateLimited', 'vault_rate_limited'],
  ] as const)('keeps the facts of the health when the answer to the login is %s', async (how, code) => {
    const { double, look } = await start()
    double.answer(how, '/v1/auth/')
    const seen = await look(700)
    expect(codes(seen)).toEqual([code])
    expect(seen.evidence).toContain('(phase login)')
    expect(valueOf(seen, 'mailpath_vault_state', { state: 'active' })).toBe(1)
    double.answer(undefined)
    expect((await look()).verdict).toBe('ok')
  })
})
