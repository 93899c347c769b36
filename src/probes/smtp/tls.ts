import { isIP, type Socket } from 'node:net'
import { checkServerIdentity, connect, type ConnectionOptions, type TLSSocket } from 'node:tls'

/** What the handshake and the server's certificate showed, verified or not. */
export interface TlsFacts {
  readonly version: string
  readonly cipher: string
  /** Milliseconds since the epoch. */
  readonly notBefore: number | undefined
  readonly notAfter: number | undefined
  /** The names it is for, as OpenSSL prints them. */
  readonly names: string
  /** The name it has to be for. */
  readonly expected: string
  /** Why it does not verify, chain and name: codes of https://nodejs.org/docs/latest-v20.x/api/tls.html#x509-certificate-error-codes */
  readonly problems: readonly string[]
}

/**
 * Options to shake hands with whoever is there, so that the certificate can be looked at even when it does not verify.
 * It is the caller's to look at `problems` before anything is said. A `ca` in `more` takes the place of the usual authorities.
 */
export const tlsOptions = (name: string, more: ConnectionOptions): ConnectionOptions => ({
  ...more,
  rejectUnauthorized: false,
  host: name,
  // RFC 6066 §3 has no IP addresses there.
  ...(isIP(name) ? {} : { servername: name }),
})

/** TLS on a connected socket. Rejects with OpenSSL's error, or where the socket closes. */
export function shakeHands(socket: Socket, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secured = connect({ ...options, socket }, () => resolve(secured))
    secured.on('error', reject)
    secured.on('close', () => reject(new Error('Connection closed unexpectedly')))
  })
}

export function tlsFacts(socket: TLSSocket, expected: string): TlsFacts {
  const certificate = socket.getPeerCertificate()
  // Typed as an Error, and a code or a message in truth.
  const chain = socket.authorized ? [] : [String(socket.authorizationError)]
  // The name is only looked at by Node where the chain is good.
  const name = checkServerIdentity(expected, certificate) ? ['ERR_TLS_CERT_ALTNAME_INVALID'] : []
  return {
    version: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().standardName,
    notBefore: time(certificate.valid_from),
    notAfter: time(certificate.valid_to),
    names: certificate.subjectaltname ?? '',
    expected,
    problems: [...new Set([...chain, ...name])],
  }
}

export const inWords = ({ version, cipher, names, notAfter, problems }: TlsFacts): string => {
  const until = notAfter === undefined ? 'an unknown day' : new Date(notAfter).toISOString()
  const valid = problems.length === 0 ? 'verifies' : `does not verify: ${problems.join(', ')}`
  return `${version}, ${cipher}; the certificate is for ${names || 'no name'}, until ${until}, and ${valid}`
}

const time = (text: string): number | undefined => {
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? undefined : ms
}
