import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { Unresolved, codeOf, describeError } from '../core/errors.ts'
import { fingerprint } from '../core/fingerprint.ts'
import type { Look } from '../core/probe.ts'
import { createRecent } from '../core/recent.ts'
import type { Shape } from '../core/shape.ts'

/** Certificates or a key that TLS cannot use. The message begins with their source, and contains nothing of them. */
export class PemError extends Error {
  override readonly name = 'PemError'
  readonly what: string
  readonly why: string
  constructor(what: string, why: string) {
    super(`${what}: ${why}`)
    this.what = what
    this.why = why
  }
}

/** The source of a pair, for error messages: the path of a file, or the field of a document. */
interface PairSource {
  readonly cert: string
  readonly key: string
}

/** The files that the configuration names for TLS, by their keys. */
interface PemFiles {
  readonly ca_file?: string | undefined
  readonly cert_file?: string | undefined
  readonly key_file?: string | undefined
}

/** Input for TLS, in PEM. */
export interface TlsMaterial {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

/** The checks here say what is wrong with PEM. */
const anyText: Shape = { expected: 'text in PEM', read: text => text }

/**
 * Reads and checks the TLS files of a target, before anything is sent. `whole`: see `checkedCertificates`. Throws
 * Unresolved.
 */
export async function readPemFiles(
  { ca_file, cert_file, key_file }: PemFiles,
  look: Look,
  how: { readonly whole?: boolean } = {},
): Promise<TlsMaterial> {
  const text = (field: string, file: string): Promise<string> => look.text(field, { file }, anyText)
  const ca = ca_file === undefined ? undefined : await text('ca_file', ca_file)
  const pair =
    cert_file === undefined || key_file === undefined
      ? undefined
      : { cert: await text('cert_file', cert_file), key: await look.secret('key_file', { file: key_file }) }
  try {
    return {
      ...(ca !== undefined && { ca: checkedCertificates(ca, `ca_file: file ${ca_file}`, how) }),
      ...(pair && checkedKeyPair(pair, { cert: `cert_file: file ${cert_file}`, key: `key_file: file ${key_file}` })),
    }
  } catch (error) {
    throw error instanceof PemError ? new Unresolved(error.message) : error
  }
}

const isCertificate = (label: string): boolean => /^(TRUSTED |X509 )?CERTIFICATE$/.test(label)
const isKey = (label: string): boolean => label.endsWith('PRIVATE KEY')

/**
 * The readable certificates of a PEM text, as PEM. Node skips what it cannot read, and takes an empty text for "trust
 * the system's". So both are refused here. `what` is their source. `whole` also refuses a text with one damaged
 * certificate, for clients that stop there (Node, OpenSSL); Go skips it. Throws PemError.
 */
export function checkedCertificates(
  pem: string,
  what: string,
  { whole = false }: { readonly whole?: boolean } = {},
): string {
  // By a hash, since a private key may stand beside the certificates.
  return checkedBefore(fingerprint([pem, whole]), () => {
    const found = readable(pem, what)
    if (whole && found.length < labelsIn(pem, what, 'certificate').filter(isCertificate).length)
      throw new PemError(what, 'one of the certificates in it is damaged')
    return found.map(one => one.toString()).join('')
  })
}

/** Each run reads its file of authorities, and to check them takes more than to read it. */
const checkedBefore = createRecent<string>(16)

/** A client certificate (with its chain) and its private key, tried with TLS. Throws PemError. */
export function checkedKeyPair<
  Pair extends { readonly cert: string; readonly key: string; readonly passphrase?: string },
>(pair: Pair, what: PairSource): Pair {
  const chain = readable(pair.cert, what.cert)
  const key = privateKeyOf(pair, what.key)
  const place = chain.findIndex(one => one.checkPrivateKey(key))
  if (place < 0) throw new PemError(what.key, `the key does not belong to the certificate of ${what.cert}`)
  if (place > 0)
    throw new PemError(what.cert, `the certificate of the key has to be the first, and it is number ${place + 1}`)
  try {
    // Only OpenSSL knows these: a key that is too short, a digest that is too weak.
    createSecureContext(pair)
  } catch (error) {
    throw new PemError(what.cert, `TLS refuses the certificate or its key: ${opensslReason(error)}`)
  }
  return pair
}

function readable(pem: string, what: string): X509Certificate[] {
  const labels = labelsIn(pem, what, 'certificate')
  const found = certificatesIn(pem)
  if (found.length > 0) return found
  if (labels.some(isCertificate)) throw new PemError(what, 'the certificate in it is damaged')
  const instead = labels.some(isKey) ? 'a private key' : `"${labels[0] ?? ''}"`
  throw new PemError(what, `holds ${instead} and no certificate`)
}

/** A private key in PEM. Throws PemError. */
export function privateKeyOf(
  { key, passphrase }: { readonly key: string; readonly passphrase?: string },
  what: string,
): KeyObject {
  const labels = labelsIn(key, what, 'private key')
  if (!labels.some(isKey))
    throw new PemError(
      what,
      `holds ${labels.some(isCertificate) ? 'a certificate' : `"${labels[0] ?? ''}"`} and no private key`,
    )
  try {
    return createPrivateKey({ key, ...(passphrase !== undefined && { passphrase }) })
  } catch (error) {
    const isEncrypted = /^-----BEGIN ENCRYPTED |^Proc-Type: 4,ENCRYPTED/m.test(key)
    if (codeOf(error) === 'ERR_MISSING_PASSPHRASE' || (isEncrypted && passphrase === undefined))
      throw new PemError(what, 'the private key is encrypted, and there is no passphrase for it')
    throw new PemError(
      what,
      isEncrypted ? 'the passphrase does not open the private key' : 'the private key in it is damaged',
    )
  }
}

/** The types of the blocks of a text, such as `CERTIFICATE`. */
function labelsIn(pem: string, what: string, wanted: string): string[] {
  if (pem.trim() === '') throw new PemError(what, `is empty; expected a ${wanted} in PEM`)
  const labels = [...pem.matchAll(/-----BEGIN ([A-Z0-9 ]{1,40})-----/g)].map(([, label = '']) => label)
  if (labels.length === 0)
    throw new PemError(what, `is not PEM: it has no line -----BEGIN ${wanted.toUpperCase()}-----`)
  return labels
}

/** `error:0A00018F:SSL routines::ee key too small` is "ee key too small". */
function opensslReason(error: unknown): string {
  const text = describeError(error)
  return /^error:[0-9A-F]+:[^:]*:[^:]*:(.+)$/.exec(text)?.[1] ?? text
}

const block = /-----BEGIN ((?:TRUSTED |X509 )?CERTIFICATE)-----[^-]*-----END \1-----/g

/** The readable certificates of a PEM text, in order. TLS skips the others silently. */
export const certificatesIn = (pem: string): X509Certificate[] =>
  [...pem.matchAll(block)].flatMap(([text]) => certificateOf(text) ?? [])

function certificateOf(text: string): X509Certificate | undefined {
  try {
    return new X509Certificate(text)
  } catch {
    return undefined
  }
}
