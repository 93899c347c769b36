import path from 'node:path'
import { DEFAULT_CIPHERS, DEFAULT_ECDH_CURVE, createSecureContext, type SecureContextOptions } from 'node:tls'
import * as z from 'zod'
import { fileReader } from '../clients/files.ts'
import { PemError, checkedCertificates, checkedKeyPair, privateKeyOf } from '../clients/pem.ts'
import { section } from '../fields/index.ts'
import { describeError } from '../core/errors.ts'
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
const text = z.string().min(1)

export const tlsServer = section({
  cert_file: text.optional(),
  key_file: text.optional(),
  cert: text.optional(),
  key: text.optional(),
  // RequireClientCert is an old name of RequireAnyClientCert.
  client_auth_type: z.enum([...clientAuthTypes, 'RequireClientCert']).default('NoClientCert'),
  client_ca_file: text.optional(),
  client_ca: text.optional(),
  client_allowed_sans: z.array(text).min(1, 'name at least one, or leave it out').optional(),
  min_version: names(versions).default('TLS12'),
  max_version: names(versions).default('TLS13'),
  cipher_suites: z.array(names(cipherSuites)).default([]),
  prefer_server_cipher_suites: z.boolean().default(true),
  curve_preferences: z.array(names(curves)).default([]),
})
type Given = z.output<typeof tlsServer>

/** TLS as Node takes it, with the contents of all files. */
export interface TlsConfig {
  readonly clientAuth: ClientAuthType
  readonly allowedSans: readonly string[]
  readonly context: SecureContextOptions
}

type Add = (key: keyof Given, message: string) => void
type Pem = 'cert' | 'key' | 'client_ca'

const readFile = fileReader()

/** Reads the files that are named, and checks what belongs together. Undefined if there is no certificate or key to use. */
export async function readTls(
  given: Given,
  folder: string,
  signal: AbortSignal,
  add: Add,
): Promise<TlsConfig | undefined> {
  const read = async (key: Pem, check: (text: string, what: string) => unknown): Promise<string | undefined> => {
    const [where, file] = [whereOf(given, key), given[`${key}_file`]]
    try {
      const text = file === undefined ? given[key] : await readFile(path.resolve(folder, file), signal)
      if (text !== undefined) check(text, where)
      return text
    } catch (error) {
      // Without the path: someone may have put the key itself here.
      const relative = file !== undefined && !path.isAbsolute(file) ? ` (looked for from ${folder})` : ''
      add(where, error instanceof PemError ? error.why : `${describeError(error)}${relative}`)
      return undefined
    }
  }
  const certificates = (text: string, what: string) => checkedCertificates(text, what, { whole: true })
  checkTogether(given, add)
  const [cert, key, ca] = await Promise.all([
    read('cert', certificates),
    read('key', (key, what) => privateKeyOf({ key }, what)),
    read('client_ca', certificates),
  ])
  if (cert === undefined || key === undefined) return undefined
  const context = {
    cert,
    key,
    ca,
    minVersion: versions[given.min_version],
    maxVersion: versions[given.max_version],
    ciphers: ciphersOf(given),
    honorCipherOrder: given.prefer_server_cipher_suites,
    ecdhCurve: curvesOf(given, add),
  } satisfies SecureContextOptions
  const where = { cert: whereOf(given, 'cert'), key: whereOf(given, 'key') }
  try {
    checkedKeyPair(context, where)
  } catch (error) {
    if (!(error instanceof PemError)) throw error
    add(error.what === where.cert ? where.cert : where.key, error.why)
  }
  const { client_auth_type: type } = given
  return {
    clientAuth: type === 'RequireClientCert' ? 'RequireAnyClientCert' : type,
    allowedSans: given.client_allowed_sans ?? [],
    context,
  }
}

function ciphersOf({ cipher_suites, min_version }: Given): string {
  const chosen = cipher_suites.map(name => cipherSuites[name])
  const ciphers = chosen.length === 0 ? DEFAULT_CIPHERS : [...new Set([...chosen, ...always])].join(':')
  // OpenSSL allows the outdated versions only at its lowest security level.
  return min_version === 'TLS10' || min_version === 'TLS11' ? `${ciphers}:@SECLEVEL=0` : ciphers
}

function curvesOf({ curve_preferences: names }: Given, add: Add): string {
  const known = names.map(name => curves[name]).filter(isKnownCurve)
  if (names.length > 0 && known.length === 0)
    add('curve_preferences', `OpenSSL ${process.versions.openssl} knows none of them`)
  return known.join(':') || DEFAULT_ECDH_CURVE
}

function isKnownCurve(ecdhCurve: string): boolean {
  try {
    createSecureContext({ ecdhCurve })
    return true
  } catch {
    return false
  }
}

const whereOf = (given: Given, key: Pem): keyof Given => (given[`${key}_file`] === undefined ? key : `${key}_file`)

function checkTogether(given: Given, add: Add): void {
  const { client_auth_type: type } = given
  for (const key of ['cert', 'key', 'client_ca'] as const)
    if (given[key] !== undefined && given[`${key}_file`] !== undefined)
      add(key, `there is ${key}_file as well; keep one of them`)
  const has = (key: Pem): boolean => given[key] !== undefined || given[`${key}_file`] !== undefined
  if (!has('cert')) add('cert_file', 'is missing; TLS needs a certificate')
  if (!has('key')) add('key_file', 'is missing; TLS needs the private key of the certificate')
  // Without it, any certificate of a public authority would be accepted.
  if (type === 'RequireAndVerifyClientCert' && !has('client_ca'))
    add('client_ca_file', `is missing; ${type} verifies certificates with it`)
  if (type === 'NoClientCert' && has('client_ca'))
    add(
      whereOf(given, 'client_ca'),
      'no client is asked for a certificate; set client_auth_type to RequireAndVerifyClientCert, or take this out',
    )
  if (given.client_allowed_sans && !type.startsWith('Require'))
    add(
      'client_allowed_sans',
      `with ${type} a client may come without a certificate; set client_auth_type to RequireAndVerifyClientCert`,
    )
  const order = Object.keys(versions)
  if (order.indexOf(given.min_version) > order.indexOf(given.max_version))
    add('max_version', `is before min_version, which is ${given.min_version}`)
}
