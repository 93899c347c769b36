import { createServer as createHttp, type RequestListener } from 'node:http'
import type { Server, Socket } from 'node:net'
import { answering, type Limits } from './answering.ts'
import type { WebConfig } from './config.ts'
import type { TlsConfig } from './tls.ts'

export interface WebServer {
  readonly server: Server
  /** From now on new connections get this. */
  readonly renew: (tls: TlsConfig) => void
  /** Ends every connection. */
  readonly cut: () => void
  readonly close: () => Promise<void>
}

/** A server that serves as configured. HTTP/2 takes Node as long to load as HTTP/1, so that comes with TLS only. */
export async function createWebServer(
  listener: RequestListener,
  { tls, http2 }: WebConfig,
  limits: Limits,
): Promise<WebServer> {
  const { server, renew } = tls
    ? (await import('./secure.ts')).secure(listener, tls, http2, limits)
    : unsecured(listener, limits)
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
