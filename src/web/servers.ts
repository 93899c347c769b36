import { createServer as createHttpServer } from 'node:http'
import type { Server, Socket } from 'node:net'
import type { WebConfig } from './config.ts'
import type { Connections } from './connections.ts'
import { limitRequests, type LimitedListener } from './limited-listener.ts'
import type { Limits } from './limits.ts'
import { oneAtATime } from './one-at-a-time.ts'
import type { TlsConfig } from './tls.ts'

interface WebServer {
  readonly server: Server
  /** New connections use this from now on. */
  readonly renew: (tls: TlsConfig) => void
  /** Changes how many connections it takes. */
  readonly limit: (limits: Limits) => void
  /** Ends every connection. */
  readonly cut: () => void
  readonly close: () => Promise<void>
}

/** Connections above the limit that may be open while they are refused. */
const maxRefusing = 64
const refuseMs = 1_000

/** A server as the configuration wants it. HTTP/2 comes with TLS only: to load it takes Node as long as HTTP/1. */
export async function createWebServer(
  listener: LimitedListener,
  { tls, http2 }: WebConfig,
  limits: Limits,
  connections: Connections,
): Promise<WebServer> {
  const { server, renew } = tls
    ? (await import('./secure.ts')).createSecureServer(listener, tls, http2, limits, connections)
    : createPlainServer(listener, limits, connections)
  server.timeout = limits.idleMs
  // Above this, Node closes connections without an answer.
  const limit = ({ maxConnections }: Limits): void => {
    server.maxConnections = maxConnections + maxRefusing
  }
  limit(limits)
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
      // `close` waits for open connections.
      cut()
    })
  return { server, renew, limit, cut, close }
}

function createPlainServer(listener: LimitedListener, limits: Limits, connections: Connections) {
  const server = createHttpServer(limits)
  limitRequests(server, connections, listener)
  const httpListeners = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    const connection = connections.enter(socket)
    if (!connection) {
      refuse(socket)
      return
    }
    for (const listener of httpListeners) listener.call(server, socket)
    oneAtATime(socket, connection, () => connections.tooEarly(connection))
  })
  return { server, renew: () => undefined }
}

const text = 'too many connections\n'
const refusal = [
  'HTTP/1.1 503 Service Unavailable',
  'Connection: close',
  'Retry-After: 1',
  'Content-Type: text/plain; charset=utf-8',
  `Content-Length: ${text.length}`,
  '',
  text,
].join('\r\n')

/** Answers 503 and closes. Reads what the client sent first: if it stayed unread, the system would drop the answer. */
function refuse(socket: Socket): void {
  socket.on('error', () => undefined).resume()
  socket.setTimeout(refuseMs, () => socket.destroy())
  socket.end(refusal, () => setImmediate(() => socket.destroy()))
}
