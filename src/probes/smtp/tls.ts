import { isIP, type Socket } from 'node:net'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { chainInWords, chainOf, nameProblem, type Chain } from '../../clients/certificates.ts'
import { withContext } from '../../clients/secure-contexts.ts'

/** What the handshake and the server's certificates showed, verified or not. */
export interface TlsFacts {
  readonly version: string
  readonly cipher: string
  /** Undefined if the certificates cannot be read. */
  readonly chain: Chain | undefined
  /** The name that the certificate has to be for. */
  readonly expected: string
  /** Why it does not verify, chain and name: codes of https://nodejs.org/docs/latest-v20.x/api/tls.html#x509-certificate-error-codes */
  readonly problems: readonly string[]
}

/**
 * Options to shake hands with any server, so that its certificate can be seen even if it does not verify. Callers must
 * look at `problems` before they send anything. A `ca` in `more` replaces the usual authorities.
 */
export const tlsOptions = (name: string, more: ConnectionOptions): ConnectionOptions => ({
  ...withContext(more),
  rejectUnauthorized: false,
  host: name,
  // RFC 6066 §3 forbids IP addresses there.
  ...(isIP(name) ? {} : { servername: name }),
})

/** TLS on a connected socket. Rejects with OpenSSL's error, or if the socket closes. */
export function shakeHands(socket: Socket, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secured = connect({ ...options, socket }, () => resolve(secured))
    secured.on('error', reject)
    secured.on('close', () => reject(new Error('Connection closed unexpectedly')))
  })
}

/** `ca` must be the one of the handshake. */
export function tlsFacts(socket: TLSSocket, expected: string, ca: ConnectionOptions['ca']): TlsFacts {
  // Typed as an Error, but it is a code or a message.
  const verification = socket.authorized ? [] : [String(socket.authorizationError)]
  return {
    version: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().standardName,
    chain: chainOf(socket, typeof ca === 'string' ? ca : undefined),
    expected,
    // Node checks the name only if the chain is good.
    problems: [...new Set([...verification, ...nameProblem(socket, expected)])],
  }
}

export const tlsText = ({ version, cipher, chain, problems }: TlsFacts): string => {
  const valid = problems.length === 0 ? 'it verifies' : `it does not verify: ${problems.join(', ')}`
  const shown = chain ? chainInWords(chain) : 'its certificate cannot be read'
  return `${version}, ${cipher}; ${shown}; ${valid}`
}
