import { rm } from 'node:fs/promises'
import { targets, vaultPath } from '../demo/config.ts'
import { smtpUser } from '../demo/platform.ts'
import type { VaultKnobs } from '../servers/vault-double.ts'
import { three } from './cluster-stage.ts'
import { deployedFile, unusedPath, type PairsStage, type Part } from './pairs-stage.ts'
import { variables, well } from './ses-stage.ts'

/** One fault of a pair. */
export interface Single {
  readonly name: string
  readonly breaks: Part
  /** What it is told by, as `probe/target reason_code`; the first is the root blocker where this fault is to blame. */
  readonly reasons: readonly [string, ...string[]]
  readonly inject: (stage: PairsStage) => Promise<void>
}

export const single =
  (breaks: Part) =>
  (name: string, reasons: Single['reasons'], inject: (stage: PairsStage) => unknown): Single => ({
    name,
    breaks,
    reasons,
    inject: async stage => {
      await inject(stage)
    },
  })

const inVault = single('vault')
const knob =
  (turn: (double: VaultKnobs) => void) =>
  ({ platform }: PairsStage): void => {
    if (!platform.vault.double) throw new Error('the Vault is down')
    turn(platform.vault.double)
  }
const vaultTells = (code: string): string => `vault/${targets.vault} ${code}`

/** The SMTP password comes from it, and nothing else. */
export const vault = {
  sealed: inVault(
    'Vault sealed',
    [vaultTells('vault_sealed')],
    knob(double => (double.state = 'sealed')),
  ),
  down: inVault('Vault refused', [vaultTells('vault_unreachable')], ({ platform }) => platform.vault.down()),
  tokenExpired: inVault(
    'Vault token expired',
    [vaultTells('vault_token_rejected')],
    knob(double => (double.tokenTtl = 0)),
  ),
  tokenExpiring: inVault(
    'Vault token about to expire',
    [vaultTells('vault_token_expires_soon')],
    knob(double => (double.tokenTtl = 3_600)),
  ),
  unusedDenied: inVault(
    'unused Vault secret denied',
    [vaultTells('vault_secret_denied')],
    knob(double => double.deny(unusedPath)),
  ),
  withoutKey: single('password')(
    'SMTP_PASS gone from its Vault secret',
    ['settings/backend-01 setting_absent', vaultTells('vault_secret_key_missing')],
    knob(double => (double.secrets[vaultPath] = { SMTP_USER: smtpUser })),
  ),
}

const inCluster = single('kubernetes')

export const kubernetes = {
  forbidden: inCluster(
    'Kubernetes Secret forbidden (403)',
    [`write_path/${targets.secret} reference_unresolved`],
    ({ platform }) => (platform.kubernetes.forbid = true),
  ),
}

const inApp = single('application')
const set =
  (values: Readonly<Record<string, string | undefined>>) =>
  ({ platform }: PairsStage): void => {
    for (const [name, value] of Object.entries(values)) platform.app.env.set(name, value)
  }
const mailTells = (code: string): string => `mail/${targets.mail} ${code}`
const partly = {
  AWS_SES_ACCESS_KEY: well[variables.access_key],
  AWS_SES_SECRET_KEY: well[variables.secret_key],
}

/** The `.env` of the application, and its folder. */
export const app = {
  envMissing: inApp(
    '.env missing',
    [mailTells('reference_unresolved'), `write_path/${targets.databaseUrl} reference_unresolved`],
    ({ platform }) => rm(platform.app.env.path),
  ),
  databaseUrlUnset: inApp(
    'DATABASE_URL not set',
    [`write_path/${targets.databaseUrl} reference_unresolved`],
    set({ DATABASE_URL: undefined }),
  ),
  databaseUrlAtStandby: inApp(
    'DATABASE_URL names a standby',
    [`write_path/${targets.databaseUrl} write_path_read_only`],
    ({ platform }) => platform.pointDatabaseUrl(platform.cluster.node(three)),
  ),
  settingAbsent: inApp('SMTP_HOST absent', ['settings/backend-01 setting_absent'], set({ SMTP_HOST: undefined })),
  settingDifferent: inApp('SMTP_PORT wrong', ['settings/backend-01 setting_different'], set({ SMTP_PORT: '25' })),
  providerUnknown: inApp(
    'provider unknown',
    [mailTells('mail_provider_unknown')],
    set({ EMAIL_PROVIDER: 'carrier-pigeon' }),
  ),
  packageMissing: inApp('package missing', ['packages/keybuzz-backend packages_missing'], ({ install }) =>
    install('nodemailer', false),
  ),
  codeMissing: inApp('deployed file missing', ['packages/keybuzz-backend packages_file_missing'], stage =>
    rm(deployedFile(stage)),
  ),
  stubDeployed: inApp('stub deployed', ['packages/keybuzz-backend packages_forbidden_found'], ({ platform }) =>
    platform.app.deploy({ stub: true }),
  ),
  sesHalf: inApp('SES set up by half', ['ses/backend SES ses_partial'], set(partly)),
  sesHalfChosen: inApp(
    'provider ses, set up by half',
    ['ses/backend SES ses_partial'],
    set({ EMAIL_PROVIDER: 'ses', ...partly }),
  ),
}
