/** Certificates for servers and their clients, made where a test needs them. */
import { createPrivateKey } from 'node:crypto'
import { generate } from 'selfsigned'

/** All PEM. */
export interface Signed {
  readonly cert: string
  readonly key: string
}

/** What a certificate is for, as its subject alternative name has it. */
interface San {
  readonly dns?: string
  readonly ip?: string
  readonly email?: string
  readonly uri?: string
}

const day = 86_400_000
const validity = { notBeforeDate: new Date(Date.now() - day), notAfterDate: new Date(Date.now() + 30 * day) }

/** RSA where a cipher suite needs that; the certificates it signs are of the same kind. */
export async function authority(name: string, keyType: 'ec' | 'rsa' = 'ec'): Promise<Signed> {
  const made = await generate([{ name: 'commonName', value: name }], {
    keyType,
    algorithm: 'sha256',
    ...validity,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  })
  return { cert: made.cert, key: made.private }
}

/** A certificate for a server on this machine, or for a client of it. */
export async function issue(
  by: Signed,
  sans: readonly San[] = [{ dns: 'localhost' }, { ip: '127.0.0.1' }],
): Promise<Signed> {
  const keyType = createPrivateKey(by.key).asymmetricKeyType === 'rsa' ? 'rsa' : 'ec'
  const made = await generate([{ name: 'commonName', value: 'leaf' }], {
    keyType,
    algorithm: 'sha256',
    ...validity,
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: keyType === 'rsa', critical: true },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      { name: 'subjectAltName', altNames: sans.map(altName) },
    ],
    ca: by,
  })
  return { cert: made.cert, key: made.private }
}

function altName({ dns, ip, email, uri }: San) {
  if (dns !== undefined) return { type: 2, value: dns } as const
  if (ip !== undefined) return { type: 7, ip } as const
  return email === undefined ? ({ type: 6, value: uri ?? '' } as const) : ({ type: 1, value: email } as const)
}
