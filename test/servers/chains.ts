import { generate } from 'selfsigned'

/** A certificate with its keys, all PEM. */
export interface Pair {
  readonly cert: string
  readonly key: string
  readonly publicKey: string
}

export interface Validity {
  readonly from: Date
  readonly to: Date
}

const dayMs = 86_400_000
/** From so many days ago to so many days from now. */
export const days = (before: number, after: number): Validity => ({
  from: new Date(Date.now() - before * dayMs),
  to: new Date(Date.now() + after * dayMs),
})

/** An authority: a root without a signer. `sameKey` makes a second certificate for the key of another, as in cross-signing. */
export async function authority(name: string, validity: Validity, signer?: Pair, sameKey?: Pair): Promise<Pair> {
  const made = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: validity.from,
    notAfterDate: validity.to,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
    ...(signer && { ca: signer }),
    ...(sameKey && { keyPair: { publicKey: sameKey.publicKey, privateKey: sameKey.key } }),
  })
  return { cert: made.cert, key: made.private, publicKey: made.public }
}

/** A server's certificate for the name and for others, by default loopback; self-signed without a signer. */
export async function leaf(
  name: string,
  validity: Validity,
  signer?: Pair,
  others = ['localhost', '127.0.0.1'],
): Promise<Pair> {
  const made = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: validity.from,
    notAfterDate: validity.to,
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [name, ...others].map(one =>
          /^[\d.]+$/.test(one) ? { type: 7 as const, ip: one } : { type: 2 as const, value: one },
        ),
      },
    ],
    ...(signer && { ca: signer }),
  })
  return { cert: made.cert, key: made.private, publicKey: made.public }
}
