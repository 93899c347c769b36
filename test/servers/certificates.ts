import { generate } from 'selfsigned'

/** A leaf with its private key; `ca` is what a client has to trust to accept it. All PEM. */
export interface Certificate {
  cert: string
  key: string
  ca: string
}

export interface Certificates {
  /** The certificate and key of the test authority. */
  ca: string
  caKey: string
  /** Signed by the authority, valid now, for {@link goodNames}. */
  good: Certificate
  /** Signed by the authority; valid in January 2024 only. */
  expired: Certificate
  /** Signed by the authority; valid in 2099 only. */
  notYetValid: Certificate
  /** Signed by the authority, valid now, for `other.example` only. */
  wrongName: Certificate
  /** Signed by the authority, valid now, to log in with. */
  client: Certificate
  /** The names of `good`, signed by nobody but itself: its `ca` is the authority, which does not vouch for it. */
  selfSigned: Certificate
}

export const goodNames = ['localhost', '127.0.0.1', 'mail.keybuzz.io', 'mail-core-01', 'vault-01']

const day = 86_400_000
const now = Date.now()
const validNow = { from: new Date(now - day), to: new Date(now + 30 * day) }

interface Validity {
  from: Date
  to: Date
}

interface Authority {
  cert: string
  key: string
}

let made: Promise<Certificates> | undefined

/** The test authority and its leafs (RFC 5280, ECDSA P-256), made once per process. */
export async function certificates(): Promise<Certificates> {
  made ??= make()
  return made
}

async function make(): Promise<Certificates> {
  const authority = await root()
  const signed = (names: string[], validity: Validity) => leaf(names, validity, authority.cert, authority)
  const january2024 = { from: new Date('2024-01-01T00:00:00Z'), to: new Date('2024-02-01T00:00:00Z') }
  const year2099 = { from: new Date('2099-01-01T00:00:00Z'), to: new Date('2100-01-01T00:00:00Z') }
  const [good, expired, notYetValid, wrongName, client, selfSigned] = await Promise.all([
    signed(goodNames, validNow),
    signed(goodNames, january2024),
    signed(goodNames, year2099),
    signed(['other.example'], validNow),
    leaf(['mailpath'], validNow, authority.cert, authority, 'clientAuth'),
    leaf(goodNames, validNow, authority.cert),
  ])
  return { ca: authority.cert, caKey: authority.key, good, expired, notYetValid, wrongName, client, selfSigned }
}

async function root(): Promise<Authority> {
  const made = await generate([{ name: 'commonName', value: 'mailpath test authority' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date('2020-01-01T00:00:00Z'),
    notAfterDate: new Date('2120-01-01T00:00:00Z'),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  return { cert: made.cert, key: made.private }
}

async function leaf(
  names: string[],
  { from, to }: Validity,
  ca: string,
  signer?: Authority,
  usage: 'serverAuth' | 'clientAuth' = 'serverAuth',
): Promise<Certificate> {
  const made = await generate([{ name: 'commonName', value: names[0] ?? 'unnamed' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: from,
    notAfterDate: to,
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', [usage]: true },
      { name: 'subjectAltName', altNames: names.map(altName) },
    ],
    ...(signer && { ca: signer }),
  })
  return { cert: made.cert, key: made.private, ca }
}

function altName(name: string): { type: 2; value: string } | { type: 7; ip: string } {
  return /^[\d.]+$/.test(name) ? { type: 7, ip: name } : { type: 2, value: name }
}

/** One more for these names, by the authority. */
export async function certificateFor(...names: string[]): Promise<Certificate> {
  const { ca, caKey } = await certificates()
  return leaf(names, validNow, ca, { cert: ca, key: caKey })
}
