import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { Unresolved } from '../../core/errors.ts'
import type { Look } from '../../core/probe.ts'
import { shapes } from '../../core/shape.ts'

/**
 * Certificates out of a file, as PEM. Throws Unresolved, also where one of them cannot be read: OpenSSL would say that in
 * the handshake, and of the other side.
 */
export async function readCertificates(look: Look, field: string, file: string): Promise<string> {
  const pem = await look.text(field, { file }, shapes.certificates)
  for (const [block] of pem.matchAll(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g))
    if (!parsed(() => new X509Certificate(block)))
      throw new Unresolved(`${field}: file ${file}: one of its certificates cannot be read`)
  return pem
}

/** A client certificate and its key, as PEM. Throws Unresolved, also where the two do not belong together. */
export async function readPair(look: Look, cert: string, key: string): Promise<{ cert: string; key: string }> {
  const certificates = await readCertificates(look, 'cert_file', cert)
  const pem = await look.secret('key_file', { file: key })
  const own: KeyObject | undefined = parsed(() => createPrivateKey(pem))
  const about = `key_file: file ${key}`
  if (!own) throw new Unresolved(`${about}: expected a private key in PEM, without a passphrase`)
  const first = parsed(() => new X509Certificate(certificates))
  if (!first) throw new Unresolved(`cert_file: file ${cert}: its first certificate cannot be read`)
  if (!first.checkPrivateKey(own)) throw new Unresolved(`${about}: is not the key of the certificate in cert_file`)
  return { cert: certificates, key: pem }
}

function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch {
    return undefined
  }
}
