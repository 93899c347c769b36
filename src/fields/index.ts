import { expects } from '../yaml/expects.ts'
import { isKeys } from '../yaml/strict.ts'
import * as z from 'zod'
import { urlParts, type Reference, type Resolvable, type SettingsSource } from '../core/reference.ts'
import { misfit, shapes, type Shape } from '../core/shape.ts'
import { isReadable } from '../core/shown.ts'
import { doubtIn } from '../core/url-doubt.ts'

// Compiling a parser for each schema takes longer than parsing the one configuration.
z.config({ jitless: true })

/** An object of the config. The message for an unknown key lists the known ones. */
export function section<Shape extends z.ZodRawShape>(shape: Shape, what = 'a section with keys') {
  const known = `known keys: ${Object.keys(shape).join(', ')}`
  return z.strictObject(shape, { error: issue => (issue.code === 'unrecognized_keys' ? known : expects(what)(issue)) })
}

/** For rules over a whole section. If a key is unknown or has a wrong type, they would only repeat it. */
const ifFine = ({ issues }: z.core.ParsePayload): boolean => issues.length === 0

/** A rule for text that has a shape. */
export const fits =
  (shape: Shape<unknown>) =>
  (text: string, context: z.RefinementCtx<string>): void => {
    if (text !== '' && shape.read(text) === undefined) context.addIssue(misfit(text, shape))
  }

/** Text of a shape, written in the file itself. */
export const shapedText = (shape: Shape<unknown>, meaning: string) =>
  z.string().min(1).superRefine(fits(shape)).describe(meaning)

const day = 86_400_000
const msOf: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: day }

/** A number and a unit, as milliseconds. */
function durationIn(units: readonly string[], form: string) {
  const pattern = new RegExp(`^(\\d+(?:\\.\\d+)?)(${units.join('|')})$`)
  return z
    .string({ error: expects(form) })
    .regex(pattern, `expected ${form}`)
    .transform(text => {
      const [, amount, unit = ''] = pattern.exec(text) ?? []
      return Number(amount) * (msOf[unit] ?? NaN)
    })
}

/** A duration such as `500ms`, `15s`, `5m`, as milliseconds. */
export const duration = (meaning: string) =>
  durationIn(['ms', 's', 'm', 'h'], 'a duration such as 500ms, 15s or 5m')
    .refine(ms => ms >= 100 && ms <= day, 'a duration lies between 100ms and 24h')
    .describe(meaning)

/** A duration in hours or days, as milliseconds. */
export const longDuration = (meaning: string) =>
  durationIn(['h', 'd'], 'a duration such as 12h or 14d')
    .refine(ms => ms <= 3_650 * day, 'a duration has at most 3650d')
    .describe(meaning)

/** Milliseconds. */
export const defaultCertificateWarning = 14 * day

/** How long before a certificate expires it becomes a warning. */
export const certificateWarning = longDuration(
  'Warn when a certificate that verification needs, that of the server or another one of its chain, expires in less than this; `0d` for never.',
)
  .default(defaultCertificateWarning)
  .meta({ default: '14d' })

export const name = z
  .string()
  .regex(/\S/, 'a name must not be empty')
  .max(120, 'a name has at most 120 characters')
  .regex(/^[^\p{Cc}\u2028\u2029]*$/u, 'a name must not hold control characters')
  .refine(isReadable, 'a name must not hold invisible characters; type it again by hand')
  .describe('Names the target in labels, on the status page and in `--only`.')

/** The keys that every target has. */
export const targetFields = {
  name,
  interval: duration('How often the check runs. Default: `interval` of the file.').optional(),
  timeout: duration(
    'Total time of one run. Must be less than the interval. Default: `timeout` of the file.',
  ).optional(),
}

/** Yes or no. */
export const flag = (meaning: string) => z.boolean({ error: expects('true or false') }).describe(meaning)

/** The path of a file or a folder. A relative path starts at the folder of the configuration file. */
export const filePath = (meaning: string) => shapedText(shapes.path, meaning).meta({ path: true })

/** The name of a target of this kind, which must exist. */
export const targetName = (kind: string) => z.string().min(1).meta({ names: kind })

/**
 * The `cluster` of postgres targets. One of them must have it; with `orNone` only if there are postgres targets at all.
 */
export const clusterName = ({ orNone }: { readonly orNone: boolean }) =>
  name.meta({ names: 'postgres.cluster', orNone })

/** The keys of a reference that say where its value comes from. */
export const sources = ['env', 'file', 'credential', 'dotenv', 'ini', 'kubernetes', 'vault'] as const

const namespace = shapedText(
  shapes.name,
  'Namespace of the Secret. Inside of a cluster the default is that of the exporter.',
).optional()
const secretName = shapedText(shapes.name, 'Name of the Secret.')
const key = z.string().min(1).superRefine(fits(shapes.name))
const dotenvFile = 'Path of a `.env` file'

/** `true` and `false` are both statements. Without it, a value with something to expand is refused. */
const expand = flag(
  '`true`: the application expands `${NAME}` and `$NAME` in it, as dotenv-expand does (Prisma, Vite, Next.js). `false`: it takes them as written. If left out, a value with one of them is unknown.',
).optional()

const pathForm = 'a path such as secret/data/app'

/** The path of a secret. Vault answers an unusual form with a redirect or an error of its own. */
export const vaultPath = z
  .string({ error: expects(pathForm) })
  .min(1, `must not be empty; expected ${pathForm}`)
  .refine(path => !/\/$/.test(path), 'ends with a slash, and so names a folder; take it away')
  .refine(path => !/\/\//.test(path), 'has two slashes in a row; take one away')
  .refine(path => path.trim() === path, 'begins or ends with white space; take it away')
  .refine(path => !/\p{Cc}/u.test(path), 'has a control character in it, such as a line break')
  .refine(isReadable, 'has an invisible character in it; type it again by hand')
  .refine(path => !path.split('/').some(part => part === '.' || part === '..'), 'must not have . or .. in it')

const referenceShape = {
  env: shapedText(shapes.name, 'Name of an environment variable of the exporter.').optional(),
  file: filePath('Path of a file with the value. One newline at its end is cut.').optional(),
  credential: z
    .string()
    .regex(/^(?!\.\.?$)[^/\p{Cc}]+$/u, 'expected the name of a credential, not a path')
    .optional()
    .describe('Name of a credential of the systemd unit (`LoadCredential=`), a file in `$CREDENTIALS_DIRECTORY`.'),
  dotenv: filePath(`${dotenvFile}; \`key\` names the variable in it.`).optional(),
  ini: filePath(
    'Path of an INI file such as `~/.aws/credentials` (write the home folder out); `section` and `key` name the value in it.',
  ).optional(),
  section: shapedText(shapes.name, 'The section of the `ini` file, such as `default`.').optional(),
  key: shapedText(
    shapes.name,
    'The variable in the `dotenv` file, or the key in the section of the `ini` file.',
  ).optional(),
  expand,
  kubernetes: section({ namespace, secret: secretName, key })
    .optional()
    .describe('A key of a Kubernetes Secret, read from the API server.'),
  vault: section({ target: targetName('vault'), path: vaultPath, key })
    .optional()
    .describe('A key of a secret in the Vault of the `vault` target named.'),
  part: z
    .enum(urlParts)
    .optional()
    .describe('The value is a URL of Postgres, and only this part of it is wanted: the login of an application.'),
  default: z.string().optional().describe('The value if the source exists but has no such key.'),
}

const sourcesIn = (value: Reference): string[] => sources.filter(source => value[source] !== undefined)

const onlyDotenv = 'goes with dotenv: nothing else is expanded by the application when it reads it'

export const reference = section(referenceShape)
  .refine(value => sourcesIn(value).length === 1, {
    error: ({ input }) => {
      const given = sourcesIn(input as Reference)
      const here = given.length > 1 ? `here are ${given.join(' and ')}` : 'for example { env: NAME }'
      return `a reference has exactly one source out of ${sources.join(', ')}; ${here}`
    },
    when: ifFine,
  })
  .refine(value => value.ini !== undefined || (value.dotenv === undefined) === (value.key === undefined), {
    error: 'dotenv and key go together: { dotenv: /path/to/.env, key: NAME }',
    when: ifFine,
  })
  .refine(
    ({ ini, section, key }) => (ini === undefined ? section === undefined : section !== undefined && key !== undefined),
    {
      error: 'ini, section and key go together: { ini: /path/to/credentials, section: default, key: NAME }',
      when: ifFine,
    },
  )
  .refine(value => value.dotenv !== undefined || value.expand === undefined, {
    error: onlyDotenv,
    path: ['expand'],
    when: ifFine,
  })

const takeReference = 'write a reference, for example { env: NAME } or { file: /run/secrets/name }'

/** A plain value of a shape: written here, or a reference. */
export const text = (meaning: string, shape: Shape<unknown>): z.ZodType<Resolvable> =>
  z
    .union([
      z
        .string({ error: expects('text, a number or a reference') })
        .min(1, `must not be empty; leave it out or ${takeReference}`)
        .superRefine(fits(shape)),
      z.number(),
      reference,
    ])
    .describe(meaning)

/** A secret: always a reference. */
export const secret = (meaning: string): z.ZodType<Reference> =>
  z
    .custom<unknown>(isKeys, {
      error: ({ input }) =>
        input === undefined || input === null
          ? expects('a reference, for example { env: NAME } or { file: /run/secrets/name }')({ input })
          : `a secret must not stand in this file; ${takeReference}`,
      abort: true,
    })
    .pipe(reference)
    .describe(meaning)
    .meta({ onlyReference: true })

export const host = (meaning: string): z.ZodType<Resolvable> =>
  z
    .union([
      z
        .string({ error: expects(shapes.host.expected) })
        .refine(given => given.trim() === given && shapes.host.read(given) !== undefined, {
          error: ({ input }) => misfit(String(input), shapes.host),
        }),
      reference,
    ])
    .describe(meaning)

const portRange = 'a port lies between 1 and 65535'
const portNumber = z
  .int({ error: expects('a port number, not in quotes') })
  .min(1, portRange)
  .max(65535, portRange)

export const port = (meaning: string): z.ZodType<Resolvable> => z.union([portNumber, reference]).describe(meaning)

/** One port, or several with commas between them, as in PGPORT. */
export const portList = (meaning: string): z.ZodType<Resolvable> =>
  z
    .union([
      portNumber,
      z.string().regex(/^\d{1,5}(?:,\d{1,5})+$/, 'expected port numbers with commas between, such as 5432,5433'),
      reference,
    ])
    .describe(meaning)

/** A literal URL: an address without user and password. No message contains the value: it may hold a password. */
export const literalUrl = (schemes: readonly string[], example: string) =>
  z.string({ error: expects(`a URL such as ${example}`) }).superRefine((value, context) => {
    const doubt = doubtIn(value)
    const parsed = URL.canParse(value) ? new URL(value) : undefined
    // What looks like the path may be the end of a password.
    if (doubt !== undefined) context.addIssue(`the URL ${doubt}`)
    else if (!parsed || !schemes.includes(parsed.protocol.slice(0, -1)) || parsed.hostname === '')
      context.addIssue(`not a valid URL; expected one such as ${example}`)
    else if (holdsLogin(parsed))
      context.addIssue(`the URL must not hold a user or a password; expected one such as ${example}`)
  })

const holdsLogin = ({ username, password, searchParams }: URL): boolean =>
  username !== '' || password !== '' || searchParams.has('password') || searchParams.has('sslpassword')

const wholeForm = 'a whole number of 1 or more, not in quotes'

/** How many there may be. */
export const count = (meaning: string) =>
  z
    .int({ error: expects(wholeForm) })
    .min(1, `expected ${wholeForm}`)
    .describe(meaning)

const settingsForm = 'either { dotenv: /path/to/.env } or { kubernetes: { namespace: …, secret: … } }'

/** Where an application keeps its settings. */
export const settingsSource = (meaning: string): z.ZodType<SettingsSource> =>
  section(
    {
      dotenv: filePath(`${dotenvFile}.`).optional(),
      expand,
      kubernetes: section({ namespace, secret: secretName })
        .optional()
        .describe('A Kubernetes Secret, all of its keys.'),
    },
    settingsForm,
  )
    .refine(value => (value.dotenv === undefined) !== (value.kubernetes === undefined), {
      error: `expected ${settingsForm}`,
      when: ifFine,
    })
    .refine(value => value.dotenv !== undefined || value.expand === undefined, {
      error: onlyDotenv,
      path: ['expand'],
      when: ifFine,
    })
    .describe(meaning)
