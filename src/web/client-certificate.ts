import { SocketAddress, isIPv6 } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { TlsConfig } from './tls.ts'

/** Whether a client may connect with the certificate that it showed, or without one. */
export function isClientAllowed(socket: TLSSocket, { clientAuth, allowedSans }: TlsConfig): boolean {
  if (clientAuth === 'NoClientCert' || clientAuth === 'RequestClientCert') return true
  const { raw, subjectaltname = '' } = socket.getPeerCertificate() as { raw?: Buffer; subjectaltname?: string }
  if (!raw) return clientAuth === 'VerifyClientCertIfGiven'
  if (clientAuth !== 'RequireAnyClientCert' && !socket.authorized) return false
  if (allowedSans.length === 0) return true
  const allowed = allowedSans.map(normal)
  return sansIn(subjectaltname).some(san => allowed.includes(san))
}

/**
 * `DNS:scraper, IP Address:2001:DB8:0:0:0:0:0:7, URI:"spiffe://a/b\u002c c"`. Node writes a name with a comma as a JSON
 * string. It must not be read as two names, one of which is allowed.
 * https://nodejs.org/docs/latest-v20.x/api/crypto.html#x509subjectaltname
 */
const sansIn = (text: string): string[] =>
  [...text.matchAll(/(?:^|, )[^:,"]+:("(?:[^"\\]|\\.)*"|[^,"]*)/gy)].map(([, san = '']) => normal(unquoted(san)))

function unquoted(san: string): string {
  if (!san.startsWith('"')) return san
  try {
    return String(JSON.parse(san))
  } catch {
    // No allowed name looks like this. An error thrown here would end the process.
    return san
  }
}

/** There are many ways to write an IPv6 address. */
const normal = (name: string): string =>
  isIPv6(name) ? new SocketAddress({ address: name, family: 'ipv6' }).address : name
