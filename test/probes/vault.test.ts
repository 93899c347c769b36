import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { inspect } from 'node:util'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createReferences } from '../../src/references/index.ts'
import { openVault, readSecret, readToken } from '../../src/clients/vault.ts'
import type { Observation, Verdict } from '../../src/core/probe.ts'
import { vault } from '../../src/probes/vault/index.ts'
import type { VaultTarget } from '../../src/probes/vault/target.ts'
import { stateOf, type HealthFacts, type SecretSeen, type VaultSeen } from '../../src/probes/vault/observe.ts'
import { file } from '../references/resolve.ts'
import { certificates } from '../servers/certificates.ts'
import { listen } from '../servers/hostile.ts'
import { waitFor } from '../servers/ports.ts'
import {
  startVaultDouble,
  type VaultMisbehaviour,
  type VaultOptions,
  type VaultState,
} from '../servers/vault-double.ts'
import { canary, expectSamples, probeContract } from './contract.ts'
import { look as lookAt } from './look.ts'

const smtp = 'secret/data/keybuzz/smtp'

/** Samples as `name{label values} value`, without the target; of a state set only the state that holds. */
const exported = (samples: Observation['samples']): string[] =>
  samples
    .filter(({ labels, value }) => !('state' in labels) || value === 1)
    .map(({ metric, labels: { target: _, ...labels }, value }) => {
      const values = Object.values(labels).join(' ')
      return `${metric.name.replace('mailpath_vault_', '')}${values === '' ? '' : `{${values}}`} ${value}`
    })

const codes = ({ reasons }: Pick<Observation, 'reasons'>): string[] => reasons.map(({ code }) => code)

type KeyState = 'present' | 'empty' | 'missing'

describe('judge', () => {
  const target: VaultTarget = {
    name: 'vault-01',
    url: 'https://vault-01:8200',
    token: { env: 'TOKEN' },
    secrets: [{ path: smtp, keys: ['A', 'B'] }],
  }
  const facts: HealthFacts = {
    initialized: true,
    sealed: false,
    removed: false,
    haHealthy: undefined,
    drSecondary: false,
    performanceStandby: false,
    standby: false,
    version: '1.20.4',
    clockAheadSeconds: 0,
  }
  const health = (over: Partial<HealthFacts>, status: number) => ({ health: { status, facts: { ...facts, ...over } } })
  const seenWith = (over: Partial<VaultSeen>): VaultSeen => ({
    address: 'vault-01:8200',
    health: { status: 200, facts },
    leader: undefined,
    unsealing: undefined,
    login: undefined,
    byLogin: false,
    servedMsAgo: undefined,
    token: undefined,
    secrets: [],
    failure: undefined,
    ...over,
  })
  const valid = { kind: 'valid', ttlSeconds: 90_000, expiresAt: 1_800_000_000_000, uses: Infinity } as const
  const expiry = 'token_expiry_timestamp_seconds 1800000000'
  const rejected = { kind: 'rejected', text: 'HTTP 403: permission denied' } as const
  const denied = { kind: 'lookup_denied', text: 'HTTP 403: 1 error occurred: * permission denied' } as const
  const standby = health({ standby: true }, 429)
  const noLeader = { leader: { address: '', silent: undefined } }
  const failure = { phase: 'health', code: 'X', text: 'vault-01:8200: why (phase health)', timedOut: false, tls: false }
  const at = (state: string) => ['reachable 1', `state{${state}} 1`, 'info{1.20.4} 1']
  const up = at('active')

  const check = (over: Partial<VaultSeen>, verdict: Verdict, expected: string[], lines: string[]) => {
    const found = vault.judge(seenWith(over), target)
    expect(found.verdict).toBe(verdict)
    expect(codes(found)).toEqual(expected)
    expect(exported(found.samples).sort()).toEqual([...lines].sort())
  }

  it.each<[string, Partial<VaultSeen>, Verdict, string[], string[]]>([
    ['active', {}, 'ok', [], up],
    ['a standby, which is no outage', health({ standby: true, haHealthy: true }, 429), 'ok', [], at('standby')],
    [
      'a performance standby',
      health({ standby: true, performanceStandby: true }, 473),
      'ok',
      [],
      at('performance_standby'),
    ],
    ['a DR secondary', health({ drSecondary: true }, 472), 'fail', ['vault_serves_no_secrets'], at('dr_secondary')],
    [
      'a standby without an active node',
      health({ standby: true, haHealthy: false }, 474),
      'fail',
      ['vault_standby_without_active'],
      at('other'),
    ],
    [
      'sealed, behind a proxy that makes it 200',
      health({ sealed: true, standby: true }, 200),
      'fail',
      ['vault_sealed'],
      at('sealed'),
    ],
    [
      'uninitialized',
      health({ initialized: false, sealed: true }, 501),
      'fail',
      ['vault_uninitialized'],
      at('uninitialized'),
    ],
    ['removed', health({ removed: true, sealed: true }, 530), 'fail', ['vault_removed'], at('removed')],
    ['a redacted version', health({ version: undefined }, 200), 'ok', [], ['reachable 1', 'state{active} 1']],
    ['60 s of clock skew', health({ clockAheadSeconds: 60 }, 200), 'ok', [], up],
    ['61 s of clock skew', health({ clockAheadSeconds: -61 }, 200), 'warn', ['vault_clock_skew'], up],
    ['no Vault', { health: { status: 502, facts: undefined } }, 'fail', ['vault_not_vault'], ['reachable 1']],
    ['a rate limit', { health: { status: 429, facts: undefined } }, 'unknown', ['vault_rate_limited'], ['reachable 1']],
    ['refused', { health: undefined, failure }, 'fail', ['vault_unreachable'], ['reachable 0']],
    [
      'silent',
      { health: undefined, failure: { ...failure, timedOut: true } },
      'fail',
      ['vault_no_answer'],
      ['reachable 0'],
    ],
    [
      'a bad certificate',
      { health: undefined, failure: { ...failure, tls: true } },
      'fail',
      ['vault_tls_failed'],
      ['reachable 0'],
    ],
    ['silent after the health', { failure: { ...failure, timedOut: true } }, 'fail', ['vault_no_answer'], up],
    [
      'a token with a line break',
      { failure: { ...failure, code: 'ERR_INVALID_CHAR' } },
      'fail',
      ['vault_token_rejected'],
      up,
    ],
    [
      'a root token',
      { token: { ...valid, ttlSeconds: Infinity, expiresAt: Infinity } },
      'ok',
      [],
      [...up, 'token_expiry_timestamp_seconds Infinity'],
    ],
    [
      'a token with 23 h left',
      { token: { ...valid, ttlSeconds: 82_800 } },
      'warn',
      ['vault_token_expires_soon'],
      [...up, expiry],
    ],
    ['a token with uses', { token: { ...valid, uses: 9 } }, 'warn', ['vault_token_uses_limited'], [...up, expiry]],
    [
      'a token not to be had',
      { login: { kind: 'unresolved', text: 'token: why' } },
      'unknown',
      ['vault_token_unresolved'],
      up,
    ],
    ['a 500 to the token', { token: { kind: 'failed', text: 'HTTP 500' } }, 'fail', ['vault_api_failed'], up],
    ['a redirect', { token: { kind: 'redirected', text: 'HTTP 307' } }, 'unknown', ['vault_redirected'], up],
    [
      'an unknown namespace',
      { token: { kind: 'no_namespace', text: 'HTTP 404' } },
      'fail',
      ['vault_namespace_missing'],
      up,
    ],
    [
      'a token used for the last time',
      { token: { ...valid, uses: 0 } },
      'warn',
      ['vault_token_uses_limited'],
      [...up, expiry],
    ],
    ['a locked role', { login: { kind: 'locked', text: 'why' } }, 'fail', ['vault_login_locked'], up],
    ['a wrapping token', { login: { kind: 'wrapped', text: 'why' } }, 'unknown', ['vault_token_wrapped'], up],
    ['a token used up', { login: { kind: 'used_up', text: 'why' } }, 'fail', ['vault_token_rejected'], up],
    ['a token that lives, and proves nothing', { token: denied }, 'unknown', ['vault_token_unproven'], up],
    [
      'a token that lives, with which a reference was read',
      { token: denied, servedMsAgo: 15_000 },
      'warn',
      ['vault_token_lookup_denied'],
      up,
    ],
    [
      'a token with which a reference was read long ago',
      { token: denied, servedMsAgo: 600_000 },
      'unknown',
      ['vault_token_unproven'],
      up,
    ],
    [
      'a token that is not valid, though a reference was read with it just before',
      { token: rejected, servedMsAgo: 1_000 },
      'fail',
      ['vault_token_rejected'],
      up,
    ],
    [
      'a standby that knows no active node, and serves',
      { ...standby, ...noLeader, token: valid },
      'warn',
      ['vault_no_leader'],
      [...at('standby'), expiry],
    ],
    [
      'a standby that knows no active node, of which nothing else is known',
      { ...standby, ...noLeader },
      'fail',
      ['vault_standby_without_active'],
      at('standby'),
    ],
    [
      'a standby whose active node does not answer',
      { ...standby, leader: { address: 'https://vault-02:8200', silent: 'refused' }, token: valid },
      'warn',
      ['vault_no_leader'],
      [...at('standby'), expiry],
    ],
    [
      'a standby with addresses redacted, which says that it has its active node',
      { ...health({ standby: true, haHealthy: true }, 429), ...noLeader, token: valid },
      'ok',
      [],
      [...at('standby'), expiry],
    ],
    [
      'a client certificate that is wanted, after the handshake',
      { health: undefined, failure: { ...failure, code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' } },
      'unknown',
      ['vault_client_certificate_refused'],
      [],
    ],
    [
      'a client certificate that is refused, within the handshake',
      {
        health: undefined,
        failure: { ...failure, code: 'EPROTO', tls: true, text: 'vault-01:8200: TLS: tlsv1 alert unknown ca (EPROTO)' },
      },
      'unknown',
      ['vault_client_certificate_refused'],
      [],
    ],
  ])('%s', (_, over, ...expected) => check(over, ...expected))

  const keys = (A: KeyState, B: KeyState) => ({ keys: { A, B } })
  it.each<[string, Partial<SecretSeen>, Partial<VaultSeen>, Verdict, string[], [number, number] | undefined]>([
    ['keys in order', keys('present', 'present'), {}, 'ok', [], [1, 1]],
    ['a key missing', keys('present', 'missing'), {}, 'fail', ['vault_secret_key_missing'], [1, 0]],
    ['a key empty', keys('empty', 'present'), {}, 'fail', ['vault_secret_key_empty'], [0, 1]],
    ['a secret denied', { kind: 'denied' }, {}, 'fail', ['vault_secret_denied'], [0, 0]],
    ['a secret missing', { kind: 'missing' }, {}, 'fail', ['vault_secret_missing'], [0, 0]],
    ['a secret deleted', { kind: 'deleted' }, {}, 'fail', ['vault_secret_deleted'], [0, 0]],
    ['a secret destroyed', { kind: 'destroyed' }, {}, 'fail', ['vault_secret_deleted'], [0, 0]],
    ['a secret not served', { kind: 'failed' }, {}, 'fail', ['vault_api_failed'], undefined],
    ['sealed meanwhile', { kind: 'sealed' }, {}, 'fail', ['vault_sealed'], undefined],
    ['limited meanwhile', { kind: 'rate_limited' }, {}, 'unknown', ['vault_rate_limited'], undefined],
    ['redirected meanwhile', { kind: 'redirected' }, {}, 'unknown', ['vault_redirected'], undefined],
    ['a rejected token', { kind: 'denied' }, { token: rejected }, 'fail', ['vault_token_rejected'], [0, 0]],
    [
      'a token without look-up',
      keys('present', 'present'),
      { token: rejected },
      'warn',
      ['vault_token_lookup_denied'],
      [1, 1],
    ],
  ])('%s', (_, over, { token = valid }, verdict, expected, readable) => {
    const secret: SecretSeen = { path: smtp, kind: 'ok', text: '', keys: {}, ...over }
    const lines = readable
      ? [`secret_readable{${smtp} A} ${readable[0]}`, `secret_readable{${smtp} B} ${readable[1]}`]
      : []
    const known = token.kind === 'valid' ? [...up, expiry] : up
    check({ token, secrets: [secret] }, verdict, expected, [...known, ...lines])
  })

  it('says how far a node is unsealed', () => {
    const seen = seenWith({ ...health({ sealed: true }, 503), unsealing: { given: 1, needed: 3 } })
    expect(vault.judge(seen, target).evidence).toBe(
      'vault-01:8200: is sealed, 1 of 3 keys given (HTTP 503 from /sys/health)',
    )
  })

  it('asks first whether the node that is named runs, where requests are redirected to it', () => {
    const leader = { address: 'https://vault-02:8200', silent: 'refused' }
    const [one, two] = vault.judge(
      seenWith({ ...standby, leader, token: { kind: 'redirected', text: 'HTTP 307' } }),
      target,
    ).reasons
    expect([one?.code, two?.code]).toEqual(['vault_redirected', 'vault_no_leader'])
    expect(one?.text).toContain('it names https://vault-02:8200 as the active node, which does not answer')
    expect(one?.remedy).toMatch(/^See whether the node that it names runs/)
  })

  it('lets a DR secondary be where nothing is read from it', () => {
    const { token: _, ...anonymous } = target
    const found = vault.judge(seenWith(health({ drSecondary: true }, 472)), { ...anonymous, secrets: [] })
    expect([found.verdict, codes(found)]).toEqual(['warn', ['vault_dr_secondary']])
  })

  it('gives one reason for what befalls every secret alike', () => {
    const secrets = ['a', 'b'].map(path => ({ path, kind: 'failed', text: 'HTTP 500', keys: {} }) as const)
    expect(codes(vault.judge(seenWith({ token: valid, secrets }), target))).toEqual(['vault_api_failed'])
  })

  it('exports every state, or none', () => {
    const states = (over: Partial<VaultSeen>) =>
      vault.judge(seenWith(over), target).samples.filter(({ metric }) => metric === vault.metrics['state'])
    expect(states({})).toHaveLength(8)
    expect(states({ health: { status: 502, facts: undefined } })).toHaveLength(0)
  })

  it('warns at the limit of the target', () => {
    const seen = seenWith({ token: { ...valid, ttlSeconds: 3_599 } })
    expect(vault.judge(seen, { ...target, token_warning: 3_600_000 }).evidence).toBe(
      'vault-01:8200: the token expires in 59 min (warning below 60 min)',
    )
    expect(vault.judge(seen, { ...target, token_warning: 3_599_000 }).verdict).toBe('ok')
  })

  it('asks about the storage path of an uninitialized Vault, which is how the incident looked', () => {
    const [reason] = vault.judge(seenWith(health({ initialized: false, sealed: true }, 501)), target).reasons
    expect(reason?.remedy).toContain('Is the storage path right?')
  })

  it('decides in the order of the handler of Vault', () => {
    const all = {
      initialized: false,
      removed: true,
      sealed: true,
      haHealthy: false,
      drSecondary: true,
      performanceStandby: true,
      standby: true,
    }
    const order = [
      [{}, 'uninitialized'],
      [{ initialized: true }, 'removed'],
      [{ removed: undefined }, 'sealed'],
      [{ sealed: false }, 'other'],
      [{ haHealthy: undefined }, 'dr_secondary'],
      [{ drSecondary: false }, 'performance_standby'],
      [{ performanceStandby: false }, 'standby'],
      [{ standby: false }, 'active'],
    ] as const
    let now: HealthFacts = { ...facts, ...all }
    expect(order.map(([change]) => stateOf((now = { ...now, ...change })))).toEqual(order.map(([, state]) => state))
  })
})

async function start(options: Partial<VaultOptions> = {}) {
  const secrets = {
    [smtp]: { SMTP_PASS: 'hunter2-hunter2', EMPTY: '' },
    'kv/keybuzz/smtp': { SMTP_PASS: 'hunter2-hunter2' },
  }
  const double = await startVaultDouble({ token: canary, secrets, ...options })
  onTestFinished(() => double.close())
  const target: VaultTarget = {
    name: 'vault-01',
    url: `http://127.0.0.1:${double.port}`,
    token: { env: 'TOKEN' },
    secrets: [{ path: smtp, keys: ['SMTP_PASS'] }],
  }
  return { double, target }
}

async function look(target: VaultTarget, token = canary, timeoutMs = 5_000): Promise<Observation> {
  const references = createReferences({ env: { TOKEN: token }, vaults: [target], kubernetes: undefined })
  const observation = await lookAt(vault, target, { timeoutMs, references })
  if (!observation) throw new Error('the run was not recorded')
  expectSamples(observation, vault)
  expect(JSON.stringify(observation)).not.toMatch(/hunter2|canary-/)
  return observation
}

describe('observe', () => {
  it('sees an active node, the token and the secrets', async () => {
    const { double, target } = await start()
    const seen = await look({ ...target, secrets: [...(target.secrets ?? []), { path: '/kv/keybuzz/smtp' }] })
    expect(seen).toMatchObject({ verdict: 'ok', reasons: [] })
    expect(seen.evidence).toMatch(
      /^127\.0\.0\.1:\d+: active \(HTTP 200\), version 1\.20\.4, token expires in 3[12] d, 2 secrets readable$/,
    )
    expect(exported(seen.samples)).toEqual([
      'reachable 1',
      'state{active} 1',
      expect.stringMatching(/^token_expiry_timestamp_seconds \d{10}/),
      `secret_readable{${smtp} SMTP_PASS} 1`,
      'secret_readable{/kv/keybuzz/smtp } 1',
      'info{1.20.4} 1',
    ])
    expect(Object.keys(seen.phases)).toEqual(['health', 'login', 'token', 'secrets'])
    expect(double.requests.map(({ path, token }) => [path, token])).toEqual([
      ['/v1/sys/health', false],
      ['/v1/sys/wrapping/lookup', false],
      ['/v1/auth/token/lookup-self', true],
      [`/v1/${smtp}`, true],
      ['/v1/kv/keybuzz/smtp', true],
    ])
  })

  it('asks for the health alone where there is no token', async () => {
    const { double, target } = await start()
    expect((await look({ name: target.name, url: target.url })).verdict).toBe('ok')
    expect(double.requests).toHaveLength(1)
  })

  it.each<[VaultState, string | undefined]>([
    ['uninitialized', 'vault_uninitialized'],
    ['removed', 'vault_removed'],
    ['sealed', 'vault_sealed'],
    ['ha_unhealthy', 'vault_standby_without_active'],
    ['dr_secondary', 'vault_serves_no_secrets'],
    ['performance_standby', undefined],
    ['standby', undefined],
    ['active', undefined],
  ])('takes %s for a state', async (state, code) => {
    const { double, target } = await start({ state })
    const seen = await look(target)
    expect(codes(seen)).toEqual(code === undefined ? [] : [code])
    expect(exported(seen.samples)).toContain(`state{${state === 'ha_unhealthy' ? 'other' : state}} 1`)
    // Nobody who serves nothing is given the token.
    expect(double.requests.some(({ token }) => token)).toBe(code === undefined)
  })

  it.each<[VaultMisbehaviour, string, string[]]>([
    ['html502', 'vault_not_vault', ['reachable 1']],
    ['notVault', 'vault_not_vault', ['reachable 1']],
    ['rateLimited', 'vault_rate_limited', ['reachable 1']],
    ['truncated', 'vault_unreachable', ['reachable 0']],
    ['silent', 'vault_no_answer', ['reachable 0']],
    ['drip', 'vault_no_answer', ['reachable 0']],
  ])('says what %s is', async (how, code, lines) => {
    const { double, target } = await start()
    double.answer(how)
    const from = performance.now()
    const seen = await look(target, canary, 600)
    expect(performance.now() - from).toBeLessThan(1_500)
    expect(codes(seen)).toEqual([code])
    expect(exported(seen.samples)).toEqual(lines)
    expect(double.requests.some(({ token }) => token)).toBe(false)
    await waitFor(() => double.connections === 0, { timeoutMs: 500, what: 'the probe left' })
  })

  it('keeps the facts of the health when the token gets no answer', async () => {
    const { double, target } = await start()
    double.answer('silent', '/v1/auth/')
    const seen = await look(target, canary, 600)
    expect(codes(seen)).toEqual(['vault_no_answer'])
    expect(seen.evidence).toContain('(phase token)')
    expect(exported(seen.samples)).toEqual(['reachable 1', 'state{active} 1', 'info{1.20.4} 1'])
  })

  it.each([
    ['/v1/sys/health', 'vault_not_vault'],
    ['/v1/auth/', 'vault_redirected'],
    ['/v1/secret/', 'vault_redirected'],
  ])('does not carry the token along a redirect from %s', async (below, code) => {
    const { double, target } = await start()
    const elsewhere = await start()
    double.answer(`redirect:http://127.0.0.1:${elsewhere.double.port}`, below)
    expect(codes(await look(target))).toEqual([code])
    expect(elsewhere.double.accepted).toBe(0)
  })

  it.each<[VaultMisbehaviour, string]>([
    ['html502', 'vault_api_failed'],
    ['rateLimited', 'vault_rate_limited'],
    ['notVault', 'vault_api_failed'],
  ])('does not take %s below secret/ for an answer about the secret', async (how, code) => {
    const { double, target } = await start()
    double.answer(how, '/v1/secret/')
    const seen = await look(target)
    expect(codes(seen)).toEqual([code])
    expect(exported(seen.samples).join()).not.toContain('secret_readable')
  })

  it('keeps the facts of the health when the token cannot be fetched', async () => {
    const { target } = await start()
    const seen = await look({ ...target, token: { env: 'NO_TOKEN' } })
    expect(seen.verdict).toBe('unknown')
    expect(seen.evidence).toMatch(/^127\.0\.0\.1:\d+: token: env NO_TOKEN: NO_TOKEN is not set$/)
    expect(exported(seen.samples)).toContain('state{active} 1')
  })

  it.each([
    ['another token', {}, 'wrong-token-of-somebody', ['vault_token_rejected']],
    ['a token with a line break', {}, `${canary}\nx`, ['vault_token_rejected']],
    ['an expired token', { tokenTtl: 0 }, canary, ['vault_token_rejected']],
    ['a token near its end', { tokenTtl: 3_600 }, canary, ['vault_token_expires_soon']],
    ['a root token', { tokenTtl: 'never' as const }, canary, []],
  ])('sees %s', async (_, options, token, expected) => {
    const { target } = await start(options)
    expect(codes(await look(target, token))).toEqual(expected)
  })

  it('sees a token that may not look itself up but reads the secret', async () => {
    const { double, target } = await start()
    double.deny('auth/token/lookup-self')
    const seen = await look(target)
    expect(codes(seen)).toEqual(['vault_token_lookup_denied'])
    expect(exported(seen.samples)).toContain(`secret_readable{${smtp} SMTP_PASS} 1`)
  })

  it.each([
    ['none', '', 'warn', ['vault_no_leader']],
    ['one that is dead', 'http://127.0.0.1:1', 'warn', ['vault_no_leader']],
    ['one that answers', 'itself', 'ok', []],
    ['one whose name only its cluster knows', 'https://vault-0.invalid:8200', 'ok', []],
  ] as const)('asks a standby of OpenBao for its active node: %s', async (_, leader, verdict, expected) => {
    const { double, target } = await start({ state: 'standby' })
    const active = await start()
    Object.assign(double, { brand: 'OpenBao', leaderAddress: leader === 'itself' ? active.target.url : leader })
    const seen = await look(target)
    expect([seen.verdict, codes(seen)]).toEqual([verdict, expected])
    expect(exported(seen.samples)).toContain(`secret_readable{${smtp} SMTP_PASS} 1`)
    // The active node is given no token.
    expect(active.double.requests.map(({ path, token }) => [path, token])).toEqual(
      leader === 'itself' ? [['/v1/sys/health', false]] : [],
    )
  })

  it('takes no more of a limited token than it needs, and says when it is used up', async () => {
    const { double, target } = await start()
    double.tokenUses = 4
    const references = createReferences({ env: { TOKEN: canary }, vaults: [target], kubernetes: undefined })
    const seen = async () => {
      const one = await lookAt(vault, target, { references })
      return [one?.verdict, one?.reasons.map(({ text }) => text.replace(/^127.0.0.1:\d+: /, '')).join()]
    }
    const left = (text: string) =>
      `the token has ${text} left; each run of this check takes 1, and each secret that another check reads takes one`
    expect(await seen()).toEqual(['warn', left('2 uses')])
    expect(await seen()).toEqual(['warn', left('1 use')])
    expect(await seen()).toEqual(['warn', left('0 uses')])
    expect(await seen()).toEqual(['fail', 'the token had 4 uses when it was first seen, and they are used up'])
    expect(double.requests.filter(({ path }) => path.endsWith('lookup-self'))).toHaveLength(1)
  })

  it('says of consumers what a node is that calls itself sealed', async () => {
    const { double, target } = await start()
    const references = createReferences({ env: { TOKEN: canary }, vaults: [target], kubernetes: undefined })
    const reference = { vault: { target: 'vault-01', path: smtp, key: 'SMTP_PASS' } }
    const why = () => references.value(reference, new AbortController().signal).catch((error: unknown) => String(error))
    expect(await why()).toBe('hunter2-hunter2')
    for (const [state, words] of [
      ['uninitialized', 'vault-01 is not initialized'],
      ['removed', 'vault-01 was removed from its cluster'],
      ['sealed', 'vault-01 is sealed'],
    ] as const) {
      double.state = state
      expect(await why()).toContain(words)
    }
  })

  it('sees a token of a number of uses', async () => {
    const { double, target } = await start()
    double.tokenUses = 5
    expect(codes(await look(target))).toEqual(['vault_token_uses_limited'])
  })

  it('sees which keys are missing or empty', async () => {
    const { target } = await start()
    const seen = await look({ ...target, secrets: [{ path: smtp, keys: ['EMPTY', 'constructor', 'SMTP_PASS'] }] })
    expect(codes(seen)).toEqual(['vault_secret_key_empty', 'vault_secret_key_missing'])
    expect(seen.reasons.map(({ text }) => text)).toEqual([
      `${smtp}: the key EMPTY is empty`,
      `${smtp}: has no key constructor`,
    ])
  })

  it('tells a secret deleted from one destroyed, missing or denied', async () => {
    const { double, target } = await start()
    double.remove(smtp)
    expect((await look(target)).evidence).toMatch(/^secret\/data\/keybuzz\/smtp: its current version was deleted at 20/)
    double.remove(smtp, 'destroyed')
    expect((await look(target)).evidence).toBe(`${smtp}: its current version was destroyed`)
    double.put(smtp, { SMTP_PASS: 'hunter2-hunter2' })
    expect((await look(target)).verdict).toBe('ok')
    double.deny('secret/')
    expect(codes(await look(target))).toEqual(['vault_secret_denied'])
    double.deny('secret/', false)
    const missing = await look({ ...target, secrets: [{ path: 'secret/data/no/such' }] })
    expect(codes(missing)).toEqual(['vault_secret_missing'])
  })

  it('knows the path of a KV version 2 mount without data/', async () => {
    const { target } = await start()
    expect((await look({ ...target, secrets: [{ path: 'secret/keybuzz/smtp' }] })).evidence).toContain(
      'is this a KV version 2 mount? then the path is secret/data/keybuzz/smtp',
    )
  })

  it('trusts the authority of ca_file, and sends nothing to any other', async () => {
    const { ca, good, selfSigned } = await certificates()
    const tls = async (tls: typeof good) => {
      const { double, target } = await start({ tls })
      const url = target.url.replace('http:', 'https:')
      const ca_file = await file(ca, 'ca.pem')
      const seen = await look({ ...target, url, ca_file })
      return { codes: codes(seen), requests: double.requests.length }
    }
    expect(await tls(good)).toEqual({ codes: [], requests: 4 })
    expect(await tls(selfSigned)).toEqual({ codes: ['vault_tls_failed'], requests: 0 })
  })
})

describe('the node-vault client', () => {
  afterEach(() => vi.unstubAllEnvs())
  const signal = new AbortController().signal

  it('takes nothing from the environment', async () => {
    const names = ['VAULT_TOKEN', 'VAULT_NAMESPACE', 'VAULT_PREFIX', 'VAULT_ADDR']
    for (const name of names) vi.stubEnv(name, `http://${name}`)
    vi.stubEnv('VAULT_SKIP_VERIFY', 'true')
    const { double, target } = await start()
    const client = await openVault({ url: target.url, signal })
    expect(await client.health()).toMatchObject({ status: 200 })
    expect(await client.read(smtp)).toMatchObject({ status: 403 })
    expect(double.requests.map(({ path, token }) => [path, token])).toEqual([
      ['/v1/sys/health', false],
      [`/v1/${smtp}`, false],
    ])
    const { selfSigned } = await certificates()
    const { double: tls } = await start({ tls: selfSigned })
    const skipping = await openVault({ url: `https://127.0.0.1:${tls.port}`, token: canary, signal })
    await expect(skipping.health()).rejects.toThrow('certificate')
  })

  it('sends the namespace with the token, and neither with the health', async () => {
    const headers: unknown[] = []
    const server = await listen(
      createServer((request, response) => {
        headers.push([request.headers['x-vault-namespace'], request.headers['x-vault-token']])
        response.end('{}')
      }),
    )
    onTestFinished(() => server.close())
    const client = await openVault({
      url: `http://127.0.0.1:${server.port}/`,
      token: canary,
      namespace: 'team',
      signal,
    })
    await client.health()
    await client.lookupSelf()
    expect(headers).toEqual([
      [undefined, undefined],
      ['team', canary],
    ])
  })

  it.each<[string, VaultMisbehaviour | 'gone']>([
    ['refused', 'gone'],
    ['truncated', 'truncated'],
    ['silent', 'silent'],
    ['dripped', 'drip'],
  ])('throws no token where the answer is %s', async (_, how) => {
    const { double, target } = await start()
    if (how === 'gone') await double.close()
    else double.answer(how)
    const stop = new AbortController()
    setTimeout(() => stop.abort(new Error('no answer within 0.2 s')), 200)
    const client = await openVault({ url: target.url, token: canary, signal: stop.signal })
    const asked = await Promise.allSettled([client.health(), readToken(client), readSecret(client, smtp)])
    for (const ended of asked) {
      const error: unknown = ended.status === 'rejected' && ended.reason
      expect(error).toBeInstanceOf(Error)
      const told = `${String(error)} ${JSON.stringify(error)} ${inspect(error, { depth: 9, showHidden: true })}`
      expect(told).not.toContain(canary)
      expect(told).toContain(`127.0.0.1:${double.port}: `)
    }
  })

  it('prints nothing where DEBUG is set', async () => {
    const { target } = await start()
    const printed = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    onTestFinished(() => printed.mockRestore())
    const debug = createRequire(import.meta.url)('debug') as { enable(names: string): void; disable(): void }
    debug.enable('*')
    onTestFinished(() => debug.disable())
    const client = await openVault({ url: target.url, token: canary, signal })
    await readSecret(client, smtp)
    expect(printed).not.toHaveBeenCalled()
  })

  it('reads values of any type as text, in both KV versions', async () => {
    const odd = { NUMBER: 587, TRUE: true, NOTHING: null, MAP: { a: 1 } }
    const { target } = await start({ secrets: { 'secret/data/odd': odd, 'kv/data': odd, 'kv/a b#?': { KEY: 'x' } } })
    const client = await openVault({ url: target.url, token: canary, signal })
    for (const path of ['secret/data/odd', 'kv/data']) {
      const secret = await readSecret(client, path)
      if (secret.kind !== 'ok') throw new Error(secret.text)
      expect(Object.keys(odd).map(key => secret.value(key))).toEqual(['587', 'true', '', '{"a":1}'])
      expect([secret.value('toString'), secret.value('metadata')]).toEqual([undefined, undefined])
    }
    expect((await readSecret(client, 'kv/a b#?')).kind).toBe('ok')
  })

  it('takes keys called data and metadata of a KV version 1 secret for what they are', async () => {
    const { target } = await start({ secrets: { 'kv/app': { data: { a: 1 }, metadata: { version: 1 } } } })
    const secret = await readSecret(await openVault({ url: target.url, token: canary, signal }), 'kv/app')
    expect(secret.kind === 'ok' && secret.value('data')).toBe('{"a":1}')
  })
})

describe('the configuration', () => {
  const parse = (target: object) =>
    vault.target.safeParse({ name: 'vault-01', url: 'https://vault-01:8200', ...target })

  it('sets the warning to 24 h', () => {
    expect(parse({}).data).toMatchObject({ token_warning: 86_400_000 })
  })

  it.each([
    [{ secrets: [{ path: smtp }] }, 'reading secrets needs a token; set token to a reference'],
    [{ token: { env: 'T' }, secrets: [{ path: smtp }, { path: smtp }] }, 'a path stands here twice'],
    [{ token: { env: 'T' }, secrets: [{ path: smtp, keys: ['A', 'A'] }] }, 'a key stands here twice'],
    [{ token: 's.abcdef' }, 'a secret must not stand in this file'],
    [{ url: 'vault-01:8200' }, 'not a valid URL'],
    [{ token: { env: 'T' }, secrets: [{ path: `${smtp}/` }] }, 'ends with a slash'],
    [{ token: { env: 'T' }, secrets: [{ path: 'secret//data/app' }] }, 'has two slashes in a row'],
    [{ token: { env: 'T' }, secrets: [{ path: ` ${smtp}` }] }, 'begins or ends with white space'],
    [{ token: { env: 'T' }, secrets: [{ path: `${smtp}\n` }] }, 'begins or ends with white space'],
    [{ token: { env: 'T' }, secrets: [{ path: 'secret/../sys/seal' }] }, 'must not have . or .. in it'],
    [{ cert_file: 'client.pem' }, 'goes together with key_file'],
    [{ key_file: 'client.key' }, 'goes together with cert_file'],
  ])('refuses %j', (target, message) => {
    expect(
      parse(target)
        .error?.issues.map(issue => issue.message)
        .join(),
    ).toContain(message)
  })
})

probeContract(
  vault,
  port => ({ name: 'vault-01', url: `http://127.0.0.1:${port}`, token: { env: 'TOKEN' }, secrets: [{ path: smtp }] }),
  { opening: 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"initialized":true,' },
)
