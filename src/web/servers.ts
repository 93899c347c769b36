import { createServer as createHttp, type RequestListener, type ServerOptions } from 'node:http'
import { createSecureServer as createHttp2, Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { createServer as createHttps } from 'node:https'
import type { Server } from 'node:net'
import { Server as TlsServer, type SecureContextOptions, type TLSSocket } from 'node:tls'
import express, { type Express } from 'express'
import type { TlsConfig, WebConfig } from './config.ts'

/** What a client may take, in time and in bytes: one that dribbles is cut off, and one that idles is ended. */
const limits = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 16_384,
} as const satisfies ServerOptions
/** Of a connection on which nothing moves, not even the answer. */
const idleMs = 90_000

/** A server for the app that serves as configured. `tls` is asked again at each connection. */
export function createWebServer(app: Express, config: WebConfig, tls: () => TlsConfig | undefined): Server {
  if (!config.tls) {
    const server = createHttp(limits, app)
    server.timeout = idleMs
    return server
  }
  const options = {
    ...limits,
    ...contextOf(config.tls),
    honorCipherOrder: config.tls.honorCipherOrder,
    requestCert: config.tls.clientAuth !== 'NoClientCert',
    rejectUnauthorized: config.tls.clientAuth === 'RequireAndVerifyClientCert',
  }
  const server = config.http2
    ? createHttp2({ ...options, allowHTTP1: true, settings: { maxConcurrentStreams: 100 } })
    : createHttps(options, app)
  if (config.http2) server.on('request', either(app))
  server.setTimeout(idleMs)
  server.on('timeout', (connection: { destroy(): void }) => connection.destroy())
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    const now = tls()
    if (now && !isAdmitted(socket, now)) socket.destroy()
  })
  return server
}

/** New connections get the new certificate. */
export function renew(server: Server, tls: TlsConfig): void {
  if (server instanceof TlsServer) server.setSecureContext(contextOf(tls))
}

const contextOf = ({ cert, key, ca, minVersion, maxVersion, ciphers, curves }: TlsConfig): SecureContextOptions => ({
  cert,
  key,
  minVersion,
  maxVersion,
  ...(ca !== undefined && { ca }),
  ...(ciphers !== undefined && { ciphers }),
  ...(curves !== undefined && { ecdhCurve: curves }),
})

function isAdmitted(socket: TLSSocket, { clientAuth, allowedSans }: TlsConfig): boolean {
  if (clientAuth === 'NoClientCert' || clientAuth === 'RequestClientCert') return true
  const { raw, subjectaltname = '' } = socket.getPeerCertificate() as { raw?: Buffer; subjectaltname?: string }
  if (!raw) return clientAuth === 'VerifyClientCertIfGiven'
  if (clientAuth === 'RequireAnyClientCert') return true
  const sans = subjectaltname.split(', ').map(san => san.slice(san.indexOf(':') + 1))
  return socket.authorized && (allowedSans.length === 0 || sans.some(san => allowedSans.includes(san)))
}

/**
 * Express gives each request the prototype of HTTP/1, which HTTP/2 has not. For those there is a second view of the same
 * app, whose prototypes have what Express adds on top of what HTTP/2 has.
 */
function either(app: Express): RequestListener {
  const view = (base: object, own: object): object =>
    Object.create(Object.create(base, Object.getOwnPropertyDescriptors(own)) as object, {
      app: { value: app },
    }) as object
  const second = Object.create(app, {
    request: { value: view(Http2ServerRequest.prototype, express.request) },
    response: { value: view(Http2ServerResponse.prototype, express.response) },
  }) as { handle: RequestListener }
  return (request, response) => {
    if (request.httpVersionMajor === 2) second.handle(request, response)
    else app(request, response)
  }
}
