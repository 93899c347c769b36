import { z } from 'zod'
import type { Reference, Resolvable, SettingsSource } from '../core/probe.ts'

/** An object of the config: unknown keys are errors that name the known ones. */
export function section<Shape extends z.ZodRawShape>(shape: Shape) {
  const known = Object.keys(shape).join(', ')
  return z.strictObject(shape, {
    error: issue =>
      issue.code === 'unrecognized_keys'
        ? `unknown key ${issue.keys?.join(', ') ?? ''}; known keys: ${known}`
        : undefined,
  })
}

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const
const durationPattern = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/

/** A duration such as `500ms`, `15s`, `5m`, as milliseconds. */
export const duration = (meaning: string) =>
  z
    .string({ error: 'expected a duration such as 500ms, 15s or 5m' })
    .regex(durationPattern, 'expected a duration such as 500ms, 15s or 5m')
    .transform(text => {
      const [, amount, unit] = durationPattern.exec(text) ?? []
      return Number(amount) * units[(unit ?? 's') as keyof typeof units]
    })
    .refine(ms => ms >= 100 && ms <= 86_400_000, 'a duration lies between 100ms and 24h')
    .describe(meaning)

export const name = z
  .string()
  .min(1, 'a name must not be empty')
  .max(120, 'a name has at most 120 characters')
  // eslint-disable-next-line no-control-regex
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'a name must not hold control characters')
  .describe('Names the target in labels, on the status page and in `--only`.')

/** The keys that every target has. */
export const targetFields = {
  name,
  interval: duration('How often the check runs. Default: `interval` of the file.').optional(),
  timeout: duration('Total time one run may take; less than the interval. Default: `timeout` of the file.').optional(),
}

const sources = ['env', 'file', 'dotenv', 'kubernetes', 'vault'] as const
const referenceShape = {
  env: z.string().min(1).optional().describe('Name of an environment variable of the exporter.'),
  file: z.string().min(1).optional().describe('Path of a file that holds the value; one newline at its end is cut.'),
  dotenv: z.string().min(1).optional().describe('Path of a `.env` file; `key` names the variable in it.'),
  key: z.string().min(1).optional().describe('The variable in the `dotenv` file.'),
  kubernetes: section({ namespace: z.string().min(1), secret: z.string().min(1), key: z.string().min(1) })
    .optional()
    .describe('A key of a Kubernetes Secret, read from the API server.'),
  vault: section({ target: z.string().min(1), path: z.string().min(1), key: z.string().min(1) })
    .optional()
    .describe('A key of a secret in the Vault of the `vault` target named.'),
  default: z.string().optional().describe('The value where the source is there but has no such key.'),
}

export const reference = section(referenceShape).superRefine((value, context) => {
  const given = sources.filter(source => value[source] !== undefined)
  if (given.length !== 1)
    context.addIssue(
      `a reference has exactly one source out of ${sources.join(', ')}${given.length > 1 ? `; here are ${given.join(' and ')}` : ''}`,
    )
  if ((value.dotenv === undefined) !== (value.key === undefined))
    context.addIssue('dotenv and key go together: { dotenv: /path/to/.env, key: NAME }')
})

const takeReference = 'write a reference, for example { env: NAME } or { file: /run/secrets/name }'

/** A plain value: written here, or a reference. */
export const text = (meaning: string): z.ZodType<Resolvable> =>
  z
    .union([
      z
        .string({ error: 'expected text, a number or a reference' })
        .min(1, `must not be empty; leave it out or ${takeReference}`),
      z.number(),
      reference,
    ])
    .describe(meaning)

/** A secret: only ever a reference. */
export const secret = (meaning: string): z.ZodType<Reference> =>
  z
    .custom<unknown>(value => typeof value === 'object' && value !== null, {
      error: `a secret must not stand in this file; ${takeReference}`,
      abort: true,
    })
    .pipe(reference)
    .describe(meaning)
    .meta({ onlyReference: true })

const badHost = 'expected a host name or an IP address, without port or scheme'

export const host = (meaning: string): z.ZodType<Resolvable> =>
  z.union([z.string({ error: badHost }).regex(/^[^\s/:@]+$|^[0-9a-fA-F:.]+$/, badHost), reference]).describe(meaning)

const portNumber = z
  .int({ error: 'expected a port number from 1 to 65535' })
  .min(1, 'expected a port number from 1 to 65535')
  .max(65535, 'expected a port number from 1 to 65535')

export const port = (meaning: string): z.ZodType<Resolvable> => z.union([portNumber, reference]).describe(meaning)

const parses = (url: string): URL | undefined => (URL.canParse(url) ? new URL(url) : undefined)

/** A URL of the given schemes, written here without a password, or a reference to one that may have it. */
export const url = (meaning: string, schemes: readonly string[], example: string): z.ZodType<Resolvable> =>
  z.union([literalUrl(schemes, example), reference]).describe(meaning)

/** A URL that is no reference: an address without user and password. */
export const literalUrl = (schemes: readonly string[], example: string) =>
  z.string({ error: `expected a URL such as ${example}` }).superRefine((value, context) => {
    const parsed = parses(value)
    // Never prints the value: it may hold the password that does not belong there.
    if (!parsed || !schemes.includes(parsed.protocol.slice(0, -1)) || parsed.hostname === '')
      context.addIssue(`not a valid URL; expected one such as ${example}`)
    else if (parsed.password !== '')
      context.addIssue(
        `the URL holds a password, and a secret must not stand in this file; take it out and set password to a reference, for example { env: NAME }`,
      )
  })

export const filePath = (meaning: string) => z.string().min(1).describe(meaning)

/** Where an application keeps its settings. */
export const settingsSource = (meaning: string): z.ZodType<SettingsSource> =>
  section({
    dotenv: z.string().min(1).optional().describe('Path of a `.env` file.'),
    kubernetes: section({ namespace: z.string().min(1), secret: z.string().min(1) })
      .optional()
      .describe('A Kubernetes Secret, all of its keys.'),
  })
    .superRefine((value, context) => {
      if ((value.dotenv === undefined) === (value.kubernetes === undefined))
        context.addIssue(
          'a source of settings is either { dotenv: /path/to/.env } or { kubernetes: { namespace: …, secret: … } }',
        )
    })
    .describe(meaning)
