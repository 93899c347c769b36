import { createServer as createHttp } from 'node:http'
import type { Server, Socket } from 'node:net'
import { answering, type Answering, type Limits } from './limits.ts'
import type { WebConfig } from './config.ts'
import type { Crowd } from './crowd.ts'
import { oneAtATime } from './one-at-a-time.ts'
import type { TlsConfig } from './tls.ts'

export interface WebServer {
  readonly server: Server
  /** From now on new connections get this. */
  readonly renew: (tls: TlsConfig) => void
  /** From now on it takes so many. */
  readonly limit: (limits: Pick<Limits, 'maxConnections'>) => void
  /** Ends every connection. */
  readonly cut: () => void
  readonly close: () => Promise<void>
}

const beingRefused = 64
const refusedMs = 1_000

/** A server that serves as configured. HTTP/2 takes Node as long to load as HTTP/1, so that comes with TLS only. */
export async function createWebServer(
  listener: Answering,
  { tls, http2 }: WebConfig,
  limits: Limits,
  crowd: Crowd,
): Promise<WebServer> {
  const { server, renew } = tls
    ? (await import('./secure.ts')).secure(listener, tls, http2, limits, crowd)
    : unsecured(listener, limits, crowd)
  server.timeout = limits.idleMs
  // Those that are refused are open for a moment. Past this they are closed without a word.
  const limit = ({ maxConnections }: Pick<Limits, 'maxConnections'>): void => {
    server.maxConnections = maxConnections + beingRefused
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
      // It would wait for them.
      cut()
    })
  return { server, renew, limit, cut, close }
}

function unsecured(listener: Answering, limits: Limits, crowd: Crowd) {
  const server = createHttp(limits)
  answering(server, crowd, listener)
  const toHttp = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    const guest = crowd.enter(socket)
    if (!guest) {
      refuse(socket)
      return
    }
    for (const listener of toHttp) listener.call(server, socket)
    oneAtATime(socket, guest, () => crowd.tooEarly(guest))
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

/** Says so before it closes. What the client has sent is read first: unread, it would have the system take the answer back. */
function refuse(socket: Socket): void {
  socket.on('error', () => undefined).resume()
  socket.setTimeout(refusedMs, () => socket.destroy())
  socket.end(refusal, () => setImmediate(() => socket.destroy()))
}
