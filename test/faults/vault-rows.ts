import type { Expectation, Fault } from './fault.ts'
import type { VaultStage } from './vault-stage.ts'

export type Row = Fault<VaultStage>
type Samples = NonNullable<Expectation['samples']>

export const gauge = (name: string, value: number | null): Samples => ({
  [`mailpath_vault_${name}{target="vault-01"}`]: value,
})
export const state = (name: string): Samples => ({ [`mailpath_vault_state{target="vault-01",state="${name}"}`]: 1 })
export const noState = { 'mailpath_vault_state{target="vault-01",state="active"}': null }
export const readable = (path: string, value: number | null): Samples => ({
  [`mailpath_vault_secret_readable{target="vault-01",path="${path}",key="SMTP_PASS"}`]: value,
})
const loggedIn = { 'mailpath_smtp_authenticated{target="relay"}': 1 }

/**
 * The relay is all right, and its password cannot be had. That is one failure, of Vault: of the login nothing is known.
 */
export const withoutPassword = (code: string, samples: Samples): Expectation => ({
  verdict: 'unknown',
  root: `vault/vault-01 ${code}`,
  reasons: ['smtp/relay smtp_password_unresolved'],
  not: ['smtp/relay smtp_auth_failed', 'smtp/relay deadline_exceeded'],
  samples: {
    'mailpath_smtp_reachable{target="relay"}': 1,
    'mailpath_smtp_authenticated{target="relay"}': null,
    ...samples,
  },
})

export const survived = (code: string, samples: Samples = {}): Expectation => ({
  verdict: 'warn',
  reasons: [`vault/vault-01 ${code}`],
  not: ['smtp/relay smtp_password_unresolved'],
  samples: { ...loggedIn, ...samples },
})

export const harmless = (samples: Samples): Expectation => ({ verdict: 'ok', samples: { ...loggedIn, ...samples } })

export const knob = (turn: (double: VaultStage['vault']['double'], stage: VaultStage) => void): Row['inject'] => {
  return stage => {
    turn(stage.vault.double, stage)
    return Promise.resolve()
  }
}
export const row = (name: string, inject: Row['inject'], seen: Expectation): Row => ({
  name: `Vault: ${name}`,
  inject,
  seen,
})
