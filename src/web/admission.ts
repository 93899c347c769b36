import { SocketAddress, isIPv6 } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { TlsConfig } from './tls.ts'

/** Whether a client may come in with the certificate it has, or has not, shown. */
export function isAdmitted(socket: TLSSocket, { clientAuth, allowedSans }: TlsConfig): boolean {
  if (clientAuth === 'NoClientCert' || clientAuth === 'RequestClientCert') return true
  const { raw, subjectaltname = '' } = socket.getPeerCertificate() as { raw?: Buffer; subjectaltname?: string }
  if (!raw) return clientAuth === 'VerifyClientCertIfGiven'
  if (clientAuth !== 'RequireAnyClientCert' && !socket.authorized) return false
  if (allowedSans.length === 0) return true
  const allowed = allowedSans.flatMap(san => [normal(san), JSON.stringify(san)])
  return sansIn(subjectaltname).some(san => allowed.includes(san))
}

/**
 * `DNS:scraper, IP Address:0:0:0:0:0:0:0:1, URI:"spiffe://a/b, c"`. A name with a comma in it is a JSON string: it must
 * not be taken for two, of which one is allowed.
 * https://nodejs.org/docs/latest-v20.x/api/crypto.html#x509subjectaltname
 */
const sansIn = (text: string): string[] =>
  [...text.matchAll(/(?:^|, )[^:,"]+:("(?:[^"\\]|\\.)*"|[^,"]*)/gy)].map(([, san = '']) => normal(san))

/** There are many ways to write an IPv6 address. */
const normal = (name: string): string =>
  isIPv6(name) ? new SocketAddress({ address: name, family: 'ipv6' }).address : name
