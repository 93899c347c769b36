import { z } from 'zod'
import { duration, filePath, literalUrl, secret, section, targetFields } from '../../config/fields.ts'
import { defineProbe, type Reference, type Target } from '../../core/probe.ts'
import { defaultTokenWarning, judge, metrics } from './judge.ts'
import { observe, type VaultSeen } from './observe.ts'
import { reasons } from './reasons.ts'

export interface VaultTarget extends Target {
  readonly url: string
  readonly token?: Reference | undefined
  /** Namespace of Vault Enterprise, for what is asked with the token. */
  readonly namespace?: string | undefined
  readonly ca_file?: string | undefined
  readonly secrets?: readonly VaultSecret[] | undefined
  /** Milliseconds. */
  readonly token_warning?: number | undefined
}

export interface VaultSecret {
  readonly path: string
  readonly keys?: readonly string[] | undefined
}

const unique = (names: readonly string[]): boolean => new Set(names).size === names.length

const vaultSecret = section({
  path: z
    .string()
    .min(1)
    .describe(
      'Path in the HTTP API, with `data/` behind the mount in KV version 2. Never one that issues credentials when read.',
    ),
  keys: z
    .array(z.string().min(1))
    .min(1)
    .refine(unique, 'a key stands here twice')
    .optional()
    .describe('Keys that must be there and not be empty. Default: the secret only has to be readable.'),
})

const target: z.ZodType<VaultTarget> = section({
  ...targetFields,
  url: literalUrl(['https', 'http'], 'https://vault-01:8200').describe(
    'Address of one Vault node, not of a load balancer over several.',
  ),
  token: secret(
    'Token to look itself up and to read the secrets with. Default: only the health is looked at.',
  ).optional(),
  namespace: z.string().min(1).optional().describe('Namespace of Vault Enterprise.'),
  ca_file: filePath('PEM file of the authority that signed the certificate. Default: those of the system.').optional(),
  secrets: z
    .array(vaultSecret, { error: 'expected a list of secrets' })
    .refine(secrets => unique(secrets.map(({ path }) => path)), 'a path stands here twice')
    .optional()
    .describe('Secrets that must be readable.'),
  token_warning: duration('Warn when the token has less than this left; at most 24h.')
    .default(defaultTokenWarning)
    .meta({ default: '24h' }),
}).superRefine((value, context) => {
  if (value.secrets?.length && !value.token)
    context.addIssue({
      code: 'custom',
      path: ['secrets'],
      message: 'reading secrets needs a token; set token to a reference',
    })
})

/** Whether a Vault node serves, how long the token lives, and whether the secrets can be read with it. */
export const vault = defineProbe<VaultTarget, VaultSeen>({
  kind: 'vault',
  summary: 'A Vault node: its state, the token, and whether the secrets listed can be read.',
  target,
  metrics,
  reasons,
  observe,
  judge,
})
