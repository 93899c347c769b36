import type { Area } from './fault.ts'
import { runnable } from './runner.ts'
import { realVault } from './vault-real.ts'
import {
  gauge,
  harmless,
  knob,
  noState,
  readable,
  row,
  state,
  survived,
  withoutPassword,
  type Row,
} from './vault-rows.ts'
import { secretAreas } from './vault-secrets.ts'
import { secretV2, startVaultStage, type VaultStage } from './vault-stage.ts'

const unserved = { ...readable(secretV2, null), ...gauge('token_expiry_timestamp_seconds', null) }

/** What a node can be, by the code that /sys/health answers. */
const states: Row[] = [
  row(
    'standby (429)',
    knob(vault => (vault.state = 'standby')),
    harmless({ ...state('standby'), ...readable(secretV2, 1) }),
  ),
  row(
    'performance standby (473)',
    knob(vault => (vault.state = 'performance_standby')),
    harmless(state('performance_standby')),
  ),
  row(
    'OpenBao: standby that names no active node, and serves what is read',
    knob(vault => Object.assign(vault, { brand: 'OpenBao', state: 'standby', leaderAddress: '' })),
    survived('vault_no_leader', { ...state('standby'), ...readable(secretV2, 1) }),
  ),
  row(
    'OpenBao: standby that names a dead active node, and serves what is read',
    knob(vault => Object.assign(vault, { brand: 'OpenBao', state: 'standby', leaderAddress: 'https://127.0.0.1:1' })),
    survived('vault_no_leader', { ...state('standby'), ...readable(secretV2, 1) }),
  ),
  ...(
    [
      ['disaster recovery secondary (472)', 'dr_secondary', 'vault_serves_no_secrets', 'dr_secondary'],
      ['standby without its active node (474)', 'ha_unhealthy', 'vault_standby_without_active', 'other'],
      ['not initialised: wrong storage path (501)', 'uninitialized', 'vault_uninitialized', 'uninitialized'],
      ['sealed (503)', 'sealed', 'vault_sealed', 'sealed'],
      ['removed from its cluster (530)', 'removed', 'vault_removed', 'removed'],
    ] as const
  ).map(([name, is, code, exported]) =>
    row(
      name,
      knob(vault => (vault.state = is)),
      withoutPassword(code, { ...gauge('reachable', 1), ...state(exported), ...unserved }),
    ),
  ),
]

const noAnswer = { ...gauge('reachable', 0), ...noState, ...unserved }
const noVault = { ...gauge('reachable', 1), ...noState, ...unserved }

const connections: Row[] = [
  row('refused', ({ vault }) => vault.down(), withoutPassword('vault_unreachable', noAnswer)),
  row('accepts and is silent', ({ vault }) => vault.hang(), withoutPassword('vault_no_answer', noAnswer)),
  row(
    'silent to what needs the token, healthy otherwise',
    knob(vault => vault.answer('silent', '/v1/auth/')),
    { ...survived('vault_no_answer', state('active')), verdict: 'warn' },
  ),
  row(
    'drips its answer past the deadline',
    knob(vault => vault.answer('drip')),
    withoutPassword('vault_no_answer', noAnswer),
  ),
  row(
    'HTML 502 from a proxy',
    knob(vault => vault.answer('html502')),
    withoutPassword('vault_not_vault', noVault),
  ),
  row(
    '200 that is not Vault',
    knob(vault => vault.answer('notVault')),
    withoutPassword('vault_not_vault', noVault),
  ),
  row(
    'redirects',
    knob((vault, stage) => vault.answer(`redirect:https://127.0.0.1:${stage.vault.port}`)),
    withoutPassword('vault_not_vault', noVault),
  ),
  row(
    'redirects what needs the token',
    knob((vault, stage) => {
      vault.answer(`redirect:https://127.0.0.1:${stage.vault.port}`, '/v1/auth/')
    }),
    survived('vault_redirected', state('active')),
  ),
  row(
    'JSON cut off',
    knob(vault => vault.answer('truncated')),
    withoutPassword('vault_unreachable', noAnswer),
  ),
  row(
    'rate limit',
    knob(vault => vault.answer('rateLimited')),
    withoutPassword('vault_rate_limited', noVault),
  ),
  row(
    'certificate expired',
    ({ vault, certificates }) => vault.restart(certificates.expired),
    withoutPassword('vault_tls_failed', noAnswer),
  ),
  row(
    'speaks in the clear where TLS is expected',
    ({ vault }) => vault.restart(undefined),
    withoutPassword('vault_tls_failed', noAnswer),
  ),
]

/** Another token, since a real one never loses its limit. */
const limited =
  (uses: number): Row['inject'] =>
  async stage => {
    Object.assign(stage.vault.double, { token: 'hvs.limited', tokenUses: uses })
    await stage.writeToken('hvs.limited')
  }

const clockAndToken: Row[] = [
  row(
    'clock an hour ahead',
    knob(vault => (vault.clockAhead = 3_600)),
    survived('vault_clock_skew', state('active')),
  ),
  row(
    'token expired',
    knob(vault => (vault.tokenTtl = 0)),
    withoutPassword('vault_token_rejected', { ...state('active'), ...readable(secretV2, 0) }),
  ),
  row(
    'token with a line break in it',
    stage => stage.writeToken('hvs.first\nhvs.second\n'),
    withoutPassword('vault_token_rejected', state('active')),
  ),
  row(
    'token file empty',
    stage => stage.writeToken(''),
    withoutPassword('vault_token_unresolved', { ...state('active'), ...unserved }),
  ),
  row(
    'token about to expire',
    knob(vault => (vault.tokenTtl = 3_600)),
    survived('vault_token_expires_soon'),
  ),
  row(
    'token that never expires',
    knob(vault => (vault.tokenTtl = 'never')),
    harmless(gauge('token_expiry_timestamp_seconds', Infinity)),
  ),
  row('token with a limited number of uses', limited(1_000), survived('vault_token_uses_limited')),
  row(
    'wrapping token instead of the token in it',
    async stage => {
      stage.vault.double.wrapping.add('hvs.wrapping')
      await stage.writeToken('hvs.wrapping')
    },
    withoutPassword('vault_token_wrapped', { ...state('active'), ...unserved }),
  ),
  row('token used up', limited(3), withoutPassword('vault_token_rejected', state('active'))),
  row(
    'token that may not look itself up',
    knob(vault => vault.deny('auth/')),
    survived('vault_token_lookup_denied', {
      ...readable(secretV2, 1),
      ...gauge('token_expiry_timestamp_seconds', null),
    }),
  ),
]

const node: Area<VaultStage> = {
  name: 'Vault, for the SMTP password',
  start: () => startVaultStage({ passwordFrom: secretV2, listed: true }),
  faults: [...states, ...connections, ...clockAndToken],
}

const alone = (name: string, inject: Row['inject'], code: string): Row =>
  row(`nothing depends on it: ${name}`, inject, survived(code))

const independent: Area<VaultStage> = {
  name: 'Vault, nothing depends on it',
  start: () => startVaultStage({ passwordFrom: 'elsewhere', listed: true }),
  faults: [
    alone('refused', ({ vault }) => vault.down(), 'vault_unreachable'),
    alone(
      'sealed',
      knob(vault => (vault.state = 'sealed')),
      'vault_sealed',
    ),
    alone(
      'not initialised',
      knob(vault => (vault.state = 'uninitialized')),
      'vault_uninitialized',
    ),
    alone(
      'token expired',
      knob(vault => (vault.tokenTtl = 0)),
      'vault_token_rejected',
    ),
  ],
}

export const vaultAreas = [...[node, ...secretAreas, independent].map(area => runnable(area)), runnable(realVault)]
