import { createServer as createHttp, type RequestListener } from 'node:http'
import { createServer as createHttp2, type Http2Server } from 'node:http2'
import { createServer as createHttps } from 'node:https'
import type { Server, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { isAdmitted } from './admission.ts'
import type { WebConfig } from './config.ts'
import { isHttp2 } from './requests.ts'
import type { TlsConfig } from './tls.ts'

/** What a client may take, in time and in bytes: one that dribbles is cut off, and one that idles is ended. */
export const usualLimits = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  /** More than the usual scrape interval, so that a scraper keeps its connection. */
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 16_384,
  handshakeTimeout: 10_000,
  /** Of a connection on which nothing moves, not even the answer. */
  idleMs: 90_000,
  /** From a request to the end of its answer: one who reads it a byte at a time keeps it in memory. */
  answerMs: 300_000,
  /** Of one address. A probe needs file descriptors too, and must not fail for want of them. */
  maxConnections: 4_096,
}
export type Limits = typeof usualLimits

export interface WebServer {
  readonly server: Server
  /** From now on new connections get this. */
  readonly renew: (tls: TlsConfig) => void
  /** Ends every connection. */
  readonly cut: () => void
  readonly close: () => Promise<void>
}

/** A server that serves as configured. */
export function createWebServer(listener: RequestListener, { tls, http2 }: WebConfig, limits: Limits): WebServer {
  const { server, renew } = tls ? secure(listener, tls, http2, limits) : unsecured(listener, limits)
  server.timeout = limits.idleMs
  server.maxConnections = limits.maxConnections
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  const cut = (): void => {
    for (const socket of open) socket.destroy()
  }
  const close = (): Promise<void> =>
    new Promise(resolve => {
      server.close(() => resolve())
      // It would wait for them.
      cut()
    })
  return { server, renew, cut, close }
}

function unsecured(listener: RequestListener, limits: Limits) {
  const server = createHttp(limits)
  answering(server, limits, listener)
  return { server, renew: () => undefined }
}

/** CANCEL of RFC 9113, section 7. */
const cancel = 8

/**
 * Answers every request of the server, and ends the connection (of HTTP/2 the stream) that does not take its answer. What
 * comes by HTTP/2 has all that is used here of what comes by HTTP/1.
 */
function answering(server: Server | Http2Server, { answerMs }: Limits, handle: RequestListener): void {
  const listener: RequestListener = (request, response) => {
    const end = (): void => {
      if (isHttp2(request)) request.stream.close(cancel)
      else request.socket.destroy()
    }
    const timer = setTimeout(end, answerMs)
    response.on('close', () => clearTimeout(timer))
    request.url = originForm(request.url ?? '')
    handle(request, response)
  }
  // To `Expect: 100-continue` Node itself would say that the body may come, and to other expectations that they failed.
  for (const event of ['request', 'checkContinue', 'checkExpectation']) server.on(event, listener)
}

/**
 * HTTP/1.1 and HTTP/2 on one port, by ALPN. Not by `allowHTTP1` of node:http2: that has none of the limits for HTTP/1.1,
 * headers may take 60 s there whatever is set.
 */
function secure(listener: RequestListener, first: TlsConfig, http2: boolean, limits: Limits) {
  let tls = first
  const server = createHttps({
    ...limits,
    ...tls.context,
    requestCert: tls.clientAuth !== 'NoClientCert',
    rejectUnauthorized: tls.clientAuth === 'RequireAndVerifyClientCert',
    ALPNProtocols: http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
  })
  answering(server, limits, listener)
  // It never listens itself.
  const second = createHttp2({ settings: { maxConcurrentStreams: 32, maxHeaderListSize: limits.maxHeaderSize } })
  answering(second, limits, listener)
  second.setTimeout(limits.idleMs)
  const toHttp1 = server.listeners('secureConnection')
  server.removeAllListeners('secureConnection')
  server.on('secureConnection', (socket: TLSSocket) => {
    if (!isAdmitted(socket, tls)) socket.destroy()
    else if (socket.alpnProtocol === 'h2') second.emit('connection', socket)
    else for (const listener of toHttp1) listener.call(server, socket)
  })
  const renew = (next: TlsConfig): void => {
    tls = next
    server.setSecureContext(next.context)
  }
  return { server, renew }
}

/** A request target as a path (RFC 9112, section 3.2). What cannot be one is `*`: Express would pass over everything. */
function originForm(target: string): string {
  if (target.startsWith('/')) return target
  if (!/^https?:/i.test(target) || !URL.canParse(target)) return '*'
  const { pathname, search } = new URL(target)
  return pathname + search
}
