import type { Area, Expectation } from './fault.ts'
import { harmless, knob, readable, row, state, withoutPassword, type Row } from './vault-rows.ts'
import { secretV1, secretV2, startVaultStage, type VaultStage } from './vault-stage.ts'

/** Of the secret itself, in a mount of either version of KV. */
const secretRows = (version: string, path: string): Row[] => [
  row(
    `${version}: secret missing`,
    knob(vault => {
      Reflect.deleteProperty(vault.secrets, path)
    }),
    withoutPassword('vault_secret_missing', readable(path, 0)),
  ),
  row(
    `${version}: key missing`,
    knob(vault => vault.put(path, { SMTP_PASSWORD: 'x' })),
    withoutPassword('vault_secret_key_missing', readable(path, 0)),
  ),
  row(`${version}: password rotated`, stage => stage.rotate(), harmless(readable(path, 1))),
]

const version2Rows: Row[] = [
  row(
    'KV v2: permission denied',
    knob(vault => vault.deny(secretV2)),
    withoutPassword('vault_secret_denied', readable(secretV2, 0)),
  ),
  row(
    'KV v2: key empty',
    knob(vault => vault.put(secretV2, { SMTP_PASS: '' })),
    withoutPassword('vault_secret_key_empty', readable(secretV2, 0)),
  ),
  row(
    'KV v2: password rotated at the relay only',
    stage => {
      stage.relay.password('postmaster@keybuzz.io', 'another')
      return Promise.resolve()
    },
    {
      verdict: 'fail',
      root: 'smtp/relay smtp_auth_failed',
      samples: { 'mailpath_smtp_authenticated{target="relay"}': 0, ...readable(secretV2, 1) },
    },
  ),
]

const deletedRows: Row[] = (['deleted', 'destroyed'] as const).map(how =>
  row(
    `KV v2: current version ${how}`,
    knob(vault => vault.remove(secretV2, how)),
    withoutPassword('vault_secret_deleted', readable(secretV2, 0)),
  ),
)

const secretsV2: Area<VaultStage> = {
  name: 'Vault secret, KV version 2',
  start: () => startVaultStage({ passwordFrom: secretV2, listed: true }),
  faults: [...secretRows('KV v2', secretV2), ...version2Rows, ...deletedRows],
}

const secretsV1: Area<VaultStage> = {
  name: 'Vault secret, KV version 1',
  start: () => startVaultStage({ passwordFrom: secretV1, listed: true }),
  faults: secretRows('KV v1', secretV1),
}

/** Vault is as it should be, as far as its own target goes: what is wrong is where the password comes from. */
const ofTheSecret: Expectation = {
  verdict: 'unknown',
  root: 'smtp/relay smtp_password_unresolved',
  not: ['vault/vault-01 vault_secret_denied', 'vault/vault-01 vault_secret_missing'],
  samples: state('active'),
}

const unlisted: Area<VaultStage> = {
  name: 'Vault secret that no target lists',
  start: () => startVaultStage({ passwordFrom: secretV2, listed: false }),
  faults: [
    row(
      'unlisted secret denied',
      knob(vault => vault.deny(secretV2)),
      ofTheSecret,
    ),
    row(
      'sealed, with nothing listed',
      knob(vault => (vault.state = 'sealed')),
      withoutPassword('vault_sealed', state('sealed')),
    ),
  ],
}

export const secretAreas = [secretsV2, secretsV1, unlisted]
