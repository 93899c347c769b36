import path from 'node:path'
import * as z from 'zod'
import { section } from '../fields/index.ts'
import { expects } from '../yaml/expects.ts'
import { readText, type Reading } from '../yaml/read-text.ts'
import { parseStrictly } from '../yaml/strict.ts'
import { problemsOf, type Problems } from '../yaml/problems.ts'
import { parseYaml } from '../yaml/parse.ts'
import { inPlace, type Aside } from '../core/aside.ts'
import { parseGoDuration } from './go-duration.ts'
import { readTls, tlsServer, type TlsConfig } from './tls.ts'

const interval = z.unknown().transform((value, context) => {
  const ms = value === 0 ? 0 : typeof value === 'string' ? parseGoDuration(value) : undefined
  if (ms === undefined) context.addIssue(expects('a time such as 1s, 500ms or 1m30s')({ input: value }))
  return ms ?? 0
})

/** The value of a header: one line, so that it cannot add a second header. */
const line = z.union([
  z.string({ error: expects('text') }).regex(/^[\x20-\x7e]*$/, 'a header has printable ASCII characters only'),
  // `X-XSS-Protection: 0`
  z.number().transform(String),
])
const headers = section({
  'Content-Security-Policy': line.default(''),
  'X-Frame-Options': z.enum(['', 'deny', 'sameorigin'], { error: 'expected deny or sameorigin' }).default(''),
  'X-Content-Type-Options': z.enum(['', 'nosniff'], { error: 'expected nosniff' }).default(''),
  'X-XSS-Protection': line.default(''),
  'Strict-Transport-Security': line.default(''),
})

const hashForm = 'a bcrypt hash, such as `htpasswd -nBC 10 "" | tr -d ":\\n"` writes'
const bcryptHash = z
  .string({ error: expects(hashForm) })
  .regex(/^\$2[abxy]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}$/, `expected ${hashForm}`)

const schema = z.preprocess(
  // An empty file is valid.
  data => data ?? {},
  section({
    tls_server_config: tlsServer.optional(),
    http_server_config: section({ http2: z.boolean().default(true), headers: headers.prefault({}) }).prefault({}),
    basic_auth_users: z.record(z.string(), bcryptHash).default({}),
    rate_limit: section({ interval, burst: z.int().min(0) }).optional(),
  }),
)

/** How the exporter serves: the format of the exporter-toolkit of Prometheus. */
export interface WebConfig {
  readonly tls: TlsConfig | undefined
  readonly http2: boolean
  readonly headers: Readonly<Record<string, string>>
  /** bcrypt hash by user name. If there are none, no password is needed. */
  readonly users: Readonly<Record<string, string>>
  /** One request per `intervalMs`, and `burst` at once. */
  readonly rateLimit: { readonly intervalMs: number; readonly burst: number } | undefined
}

export const openToAll: WebConfig = { tls: undefined, http2: true, headers: {}, users: {}, rateLimit: undefined }

/**
 * Reads a file for `--web.config.file`, and the certificates that it names (by paths relative to it). Throws one ConfigError
 * with every problem, as `loadConfig` does.
 * https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md
 */
export const loadWebConfig = (file: string, reading: Reading): Promise<WebConfig> =>
  webConfigReader(file)({ signal: new AbortController().signal, ...reading })

/** For repeated reads: a text that did not change is not parsed again. The files that it names are read each time. */
export function webConfigReader(
  file: string,
  aside: Aside = inPlace,
): (reading: Reading & { readonly signal: AbortSignal }) => Promise<WebConfig> {
  let last: { readonly text: string; readonly given: Given } | undefined
  return async reading => {
    const text = await readText(file, '--web.config.file', reading)
    if (text !== last?.text) last = { text, given: await aside(webConfigTask, [text, file], reading.signal) }
    return withFiles(last.given, file, text, reading.signal)
  }
}

type Given = z.output<typeof schema>

export const webConfigTask = {
  name: 'web configuration',
  run: (text: string, file: string): Given => parseStrictly(schema, text, file, checkUserNames),
}

async function withFiles(given: Given, file: string, text: string, signal: AbortSignal): Promise<WebConfig> {
  let problems: Problems | undefined
  const add: Problems['add'] = (path, message) => {
    problems ??= problemsOf(file, parseYaml(text))
    problems.add(path, message)
  }
  const tls = given.tls_server_config
    ? await readTls(given.tls_server_config, path.dirname(file), signal, (key, message) =>
        add(['tls_server_config', key], message),
      )
    : undefined
  const { interval: intervalMs, burst } = given.rate_limit ?? { interval: 0, burst: 0 }
  if (intervalMs > 0 && burst === 0)
    add(['rate_limit', 'burst'], 'must be 1 or more; for no limit set the interval to 0')
  const error = problems?.error()
  if (error) throw error
  return {
    tls,
    http2: given.http_server_config.http2,
    // An empty value is the same as none.
    headers: Object.fromEntries(Object.entries(given.http_server_config.headers).filter(([, value]) => value !== '')),
    users: given.basic_auth_users,
    rateLimit: intervalMs === 0 ? undefined : { intervalMs, burst },
  }
}

function checkUserNames(data: unknown, problems: Problems): void {
  const { basic_auth_users: users } = (data ?? {}) as { basic_auth_users?: unknown }
  if (typeof users !== 'object' || users === null) return
  for (const name of Object.keys(users))
    if (name.includes(':')) problems.add(['basic_auth_users', name], 'a user name has no colon')
}
