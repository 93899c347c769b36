import type { Certificate } from '../servers/certificates.ts'
import type { Listening } from '../servers/hostile.ts'
import { startVaultDouble, type VaultKnobs, type VaultState } from '../servers/vault-double.ts'
import { vaultPath } from './config.ts'

/** A double of Vault as a service, which can be down: connections are refused then. What it keeps outlives that. */
export interface VaultService {
  readonly host: '127.0.0.1'
  readonly port: number
  /** The double, while it is up. */
  readonly double: (VaultKnobs & Listening) | undefined
  /** Starts it if it is down; it is in this state then. */
  up(state: VaultState): Promise<void>
  down(): Promise<void>
  /** From now on this is the SMTP_PASS in it. */
  keep(smtpPass: string): void
  /** What an application gets as SMTP_PASS now; undefined while Vault does not serve. */
  smtpPass(): string | undefined
  close(): Promise<void>
}

/** Begins as down. */
export function createVault(options: {
  port: number
  tls: Certificate
  token: string
  smtpPass: string
}): VaultService {
  const { port, tls, token, smtpPass } = options
  const secrets: Record<string, Record<string, unknown>> = {}
  let kept = smtpPass
  const keep = (password: string): void => {
    kept = password
    secrets[vaultPath] = { SMTP_PASS: password }
  }
  keep(kept)
  let double: (VaultKnobs & Listening) | undefined
  const down = async (): Promise<void> => {
    const running = double
    double = undefined
    await running?.close()
  }
  return {
    host: '127.0.0.1',
    port,
    get double() {
      return double
    },
    async up(state) {
      double ??= await startVaultDouble({ port, tls, token, secrets })
      double.state = state
    },
    down,
    keep,
    smtpPass: () => (double?.state === 'active' ? kept : undefined),
    close: down,
  }
}
