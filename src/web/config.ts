import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { createSecureContext } from 'node:tls'
import { z } from 'zod'
import { duration, section } from '../config/fields.ts'
import { readText, parseStrictly } from '../config/load.ts'
import { ConfigError, codeOf, describeError } from '../core/errors.ts'
import { always, cipherSuites, curves, versions } from './tls-names.ts'

/** How a client proves who it is: https://pkg.go.dev/crypto/tls#ClientAuthType */
export const clientAuthTypes = [
  'NoClientCert',
  'RequestClientCert',
  'RequireAnyClientCert',
  'VerifyClientCertIfGiven',
  'RequireAndVerifyClientCert',
] as const
export type ClientAuthType = (typeof clientAuthTypes)[number]

const names = <T extends Readonly<Record<string, string>>>(map: T) => z.enum(Object.keys(map) as (keyof T & string)[])
const pem = z.string().min(1)

const tlsServer = section({
  cert_file: pem.optional(),
  key_file: pem.optional(),
  cert: pem.optional(),
  key: pem.optional(),
  client_auth_type: z.enum(clientAuthTypes).default('NoClientCert'),
  client_ca_file: pem.optional(),
  client_ca: pem.optional(),
  client_allowed_sans: z.array(z.string().min(1)).default([]),
  min_version: names(versions).default('TLS12'),
  max_version: names(versions).default('TLS13'),
  cipher_suites: z.array(names(cipherSuites)).default([]),
  prefer_server_cipher_suites: z.boolean().default(true),
  curve_preferences: z.array(names(curves)).default([]),
})

/** As the exporter-toolkit has it: only these may be set. */
const headerNames = [
  'Content-Security-Policy',
  'X-Frame-Options',
  'X-Content-Type-Options',
  'X-XSS-Protection',
  'Strict-Transport-Security',
] as const
const headers = section(
  Object.fromEntries(
    headerNames.map(name => [
      name,
      z
        .string()
        .regex(/^[\x20-\x7e]*$/)
        .optional(),
    ]),
  ),
)

const bcryptHash = /^\$2[abxy]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}$/
const users = z.record(
  z
    .string()
    .min(1)
    .regex(/^[^:]+$/, 'a user name has no colon'),
  z.string().regex(bcryptHash, 'expected a bcrypt hash, such as `htpasswd -nBC 10 "" | tr -d ":\\n"` writes'),
)

const schema = section({
  tls_server_config: tlsServer.optional(),
  http_server_config: section({ http2: z.boolean().default(true), headers: headers.optional() }).prefault({}),
  basic_auth_users: users.default({}),
  rate_limit: section({
    interval: duration('Time in which a burst is refilled by one request.'),
    burst: z.number().int().min(1),
  }).optional(),
})

/** TLS as Node has it, with everything read that a file was named for. */
export interface TlsConfig {
  readonly cert: string
  readonly key: string
  readonly ca: string | undefined
  readonly clientAuth: ClientAuthType
  readonly allowedSans: readonly string[]
  readonly minVersion: (typeof versions)[keyof typeof versions]
  readonly maxVersion: (typeof versions)[keyof typeof versions]
  readonly ciphers: string | undefined
  readonly curves: string | undefined
  readonly honorCipherOrder: boolean
}

/** How the exporter serves: the format of the exporter-toolkit of Prometheus. */
export interface WebConfig {
  readonly tls: TlsConfig | undefined
  readonly http2: boolean
  readonly headers: Readonly<Record<string, string>>
  /** bcrypt hash by user name; where there are none nobody is asked. */
  readonly users: Readonly<Record<string, string>>
  readonly rateLimit: { readonly intervalMs: number; readonly burst: number } | undefined
}

export const openToAll: WebConfig = { tls: undefined, http2: true, headers: {}, users: {}, rateLimit: undefined }

/**
 * Reads a file for `--web.config.file`, with the certificates it names (their paths are relative to it). Throws a
 * ConfigError. https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md
 */
export async function loadWebConfig(file: string): Promise<WebConfig> {
  const { tls_server_config, http_server_config, basic_auth_users, rate_limit } = parseStrictly(
    schema,
    await readText(file, '--web.config.file'),
    file,
    () => undefined,
  )
  const set = Object.entries(http_server_config.headers ?? {}).filter(([, value]) => value !== undefined)
  return {
    tls: tls_server_config && (await readTls(tls_server_config, file)),
    http2: http_server_config.http2,
    headers: Object.fromEntries(set) as Record<string, string>,
    users: basic_auth_users,
    rateLimit: rate_limit && { intervalMs: rate_limit.interval, burst: rate_limit.burst },
  }
}

async function readTls(given: z.output<typeof tlsServer>, file: string): Promise<TlsConfig> {
  const wrong = (key: string, text: string) => new ConfigError(`${file}: tls_server_config.${key}: ${text}`)
  const read = async (key: 'cert' | 'key' | 'client_ca'): Promise<string | undefined> => {
    const [inline, named] = [given[key], given[`${key}_file`]]
    if (inline !== undefined && named !== undefined) throw wrong(key, `set ${key} or ${key}_file, not both`)
    if (named === undefined) return inline
    return readFile(path.resolve(path.dirname(file), named), 'utf8').catch((error: unknown) => {
      throw wrong(`${key}_file`, `${named} cannot be read (${codeOf(error) ?? 'unknown error'})`)
    })
  }
  const [cert, key, ca] = [await read('cert'), await read('key'), await read('client_ca')]
  if (cert === undefined) throw wrong('cert_file', 'is missing; TLS needs a certificate')
  if (key === undefined) throw wrong('key_file', 'is missing; TLS needs the key of its certificate')
  const verifies = given.client_auth_type.includes('Verify')
  if (verifies && ca === undefined) throw wrong('client_ca_file', `is missing; ${given.client_auth_type} needs it`)
  if (!verifies && ca !== undefined)
    throw wrong(
      'client_auth_type',
      `${given.client_auth_type} does not look at client_ca_file; verify with it or leave it out`,
    )
  if (given.client_allowed_sans.length > 0 && !verifies)
    throw wrong('client_allowed_sans', 'needs a client_auth_type that verifies')
  if (Object.keys(versions).indexOf(given.min_version) > Object.keys(versions).indexOf(given.max_version))
    throw wrong('max_version', `is older than min_version (${given.min_version})`)
  try {
    createSecureContext({ cert, key, ca })
  } catch (error) {
    throw wrong('cert_file', `certificate, key and client CA cannot be used: ${describeError(error)}`)
  }
  const chosen = given.cipher_suites.map(name => cipherSuites[name])
  return {
    cert,
    key,
    ca,
    clientAuth: given.client_auth_type,
    allowedSans: given.client_allowed_sans,
    minVersion: versions[given.min_version],
    maxVersion: versions[given.max_version],
    ciphers: chosen.length === 0 ? undefined : [...new Set([...chosen, ...always])].join(':'),
    curves: given.curve_preferences.map(name => curves[name]).join(':') || undefined,
    honorCipherOrder: given.prefer_server_cipher_suites,
  }
}
