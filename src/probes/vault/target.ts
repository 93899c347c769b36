import * as z from 'zod'
import { tlsFiles } from '../../fields/http.ts'
import {
  certificateWarning,
  duration,
  filePath,
  fits,
  literalUrl,
  secret,
  section,
  shapedText,
  targetFields,
  vaultPath,
} from '../../fields/index.ts'
import { certificatePair } from '../../fields/together.ts'
import type { Target } from '../../core/probe.ts'
import type { Reference } from '../../core/reference.ts'
import { shapes } from '../../core/shape.ts'

export interface VaultTarget extends Target {
  readonly url: string
  readonly token?: Reference | undefined
  readonly app_role?: AppRole | undefined
  readonly kubernetes?: KubernetesRole | undefined
  /** Namespace of Vault Enterprise, for requests with the token. */
  readonly namespace?: string | undefined
  readonly ca_file?: string | undefined
  /** PEM files for a listener that asks clients for a certificate. */
  readonly cert_file?: string | undefined
  readonly key_file?: string | undefined
  readonly secrets?: readonly VaultSecret[] | undefined
  /** Milliseconds. */
  readonly token_warning?: number | undefined
  /** Milliseconds. */
  readonly certificate_warning?: number | undefined
}

interface AppRole {
  readonly role_id: Reference
  readonly secret_id: Reference
  readonly mount: string
}

interface KubernetesRole {
  readonly role: string
  readonly mount: string
  readonly jwt_file?: string | undefined
}

interface VaultSecret {
  readonly path: string
  readonly keys?: readonly string[] | undefined
}

/** Milliseconds. */
export const defaultTokenWarning = 86_400_000

/** The keys that say where a target gets its token. */
export const vaultAuths = ['token', 'app_role', 'kubernetes'] as const

/** Whether requests with a token are made, and not only the health check. */
export const usesToken = (target: VaultTarget): boolean => vaultAuths.some(auth => target[auth] !== undefined)

const unique = (names: readonly string[]): boolean => new Set(names).size === names.length

const vaultSecret = section({
  path: vaultPath.describe(
    'Path in the HTTP API, with `data/` after the mount in KV version 2. Not a path that issues credentials when it is read.',
  ),
  keys: z
    .array(z.string().min(1).superRefine(fits(shapes.name)))
    .min(1)
    .refine(unique, 'a key stands here twice')
    .optional()
    .describe('Keys that must exist and not be empty. Default: the secret only has to be readable.'),
})

const mount = (of: string) =>
  z
    .string()
    .regex(/^(?!auth\/)[^/\s]+(\/[^/\s]+)*$/, `expected the mount alone, such as ${of}, without auth/ and /login`)
    .default(of)
    .describe('Where the auth method is mounted.')

const appRole = section({
  role_id: secret('RoleID of the AppRole.'),
  secret_id: secret('SecretID of the AppRole.'),
  mount: mount('approle'),
})

const kubernetesRole = section({
  role: shapedText(shapes.name, 'Role of the auth method.'),
  mount: mount('kubernetes'),
  jwt_file: filePath(
    'File with the token of the service account, which is read for each login. Default: the one that Kubernetes mounts.',
  ).optional(),
})

export const vaultTarget: z.ZodType<VaultTarget> = section({
  ...targetFields,
  url: literalUrl(['https', 'http'], 'https://vault-01:8200').describe(
    'Address of one Vault node, not of a load balancer over several.',
  ),
  token: secret(
    'Token to read the secrets with. Without it, and without `app_role` and `kubernetes`, only the health is checked.',
  ).optional(),
  app_role: appRole
    .optional()
    .describe('Log in by AppRole instead. All checks share the token. It is renewed when a third of its time is left.'),
  kubernetes: kubernetesRole.optional().describe("Log in with the service account of the exporter's pod instead."),
  namespace: shapedText(shapes.name, 'Namespace of Vault Enterprise.').optional(),
  ...tlsFiles(
    'PEM file of the client certificate, for a listener that requires one (tls_require_and_verify_client_cert).',
  ),
  secrets: z
    .array(vaultSecret, { error: 'expected a list of secrets' })
    .refine(secrets => unique(secrets.map(({ path }) => path)), 'a path stands here twice')
    .optional()
    .describe('Secrets that must be readable.'),
  token_warning: duration(
    'Warn when the `token` has less time left than this; at most 24h. Does not apply to the token of a login.',
  )
    .default(defaultTokenWarning)
    .meta({ default: '24h' }),
  certificate_warning: certificateWarning,
}).superRefine((value, context) => {
  const [first, second] = vaultAuths.filter(auth => value[auth] !== undefined)
  if (first && second)
    context.addIssue({
      code: 'custom',
      path: [second],
      message: `there is ${first} already; give only one of ${vaultAuths.join(', ')}`,
    })
  certificatePair(value, context)
  if (value.secrets?.length && !first) {
    const message = 'reading secrets needs a token; set token to a reference, or log in by app_role or kubernetes'
    context.addIssue({ code: 'custom', path: ['secrets'], message })
  }
})
