import { createServer as createHttp2Server, type ServerHttp2Session } from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { isClientAllowed } from './client-certificate.ts'
import type { Connection } from './connection.ts'
import type { Connections } from './connections.ts'
import { limitRequests, type LimitedListener } from './limited-listener.ts'
import type { Limits } from './limits.ts'
import { oneAtATime } from './one-at-a-time.ts'
import type { TlsConfig } from './tls.ts'
import { takeTurns } from './turns.ts'

/** Per turn of the event loop. A handshake takes a millisecond or two, and nothing else runs meanwhile. */
const handshakesPerTurn = 4

/**
 * A server with HTTP/1.1 and HTTP/2 on one port, chosen by ALPN. `allowHTTP1` of node:http2 would do that too, but without
 * the limits for HTTP/1.1: there, headers may take 60 s.
 */
export function createSecureServer(
  listener: LimitedListener,
  first: TlsConfig,
  http2: boolean,
  limits: Limits,
  connections: Connections,
) {
  let tls = first
  const server = createHttpsServer({
    ...limits,
    ...tls.context,
    requestCert: tls.clientAuth !== 'NoClientCert',
    rejectUnauthorized: tls.clientAuth === 'RequireAndVerifyClientCert',
    ALPNProtocols: http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
  })
  limitRequests(server, connections, listener)
  // It does not listen: it gets its connections from the server above.
  const http2Server = createHttp2Server({
    settings: { maxConcurrentStreams: 32, maxHeaderListSize: limits.maxHeaderSize },
    maxSessionMemory: 1,
  })
  limitRequests(http2Server, connections, listener)
  http2Server.setTimeout(limits.idleMs)
  const handshakes = takeTurns(handshakesPerTurn)

  /** By both ends, since Node does not say which connection a TLS socket came from. */
  const byEnds = new Map<string, Connection>()
  const connectionBehind = (socket: TLSSocket): Connection | undefined => {
    const ends = endsOf(socket)
    // Unix sockets have no ends that differ.
    return ends === undefined ? connections.enter(socket) : byEnds.get(ends)
  }
  const tlsListeners = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    const connection = connections.enter(socket)
    if (!connection) {
      socket.destroy()
      return
    }
    const ends = endsOf(socket)
    if (ends !== undefined) {
      byEnds.set(ends, connection)
      socket.on('close', () => byEnds.delete(ends))
    }
    const tooLate = (): void => void socket.destroy()
    socket.setTimeout(limits.handshakeTimeout, tooLate)
    socket.on('error', () => undefined)
    // TLS starts with the first bytes of the client. A client that never sends any costs almost nothing.
    socket.once('readable', () =>
      handshakes(() => {
        socket.setTimeout(0).off('timeout', tooLate)
        if (socket.destroyed || !connections.startTls(connection)) return
        if (socket.readableLength === 0) socket.destroy()
        else for (const listener of tlsListeners) listener.call(server, socket)
      }),
    )
  })

  const http1Listeners = server.listeners('secureConnection')
  server.removeAllListeners('secureConnection')
  server.on('secureConnection', (socket: TLSSocket) => {
    const connection = isClientAllowed(socket, tls) ? connectionBehind(socket) : undefined
    if (!connection) {
      socket.destroy()
      return
    }
    if (socket.alpnProtocol === 'h2') {
      http2Server.once('session', (session: ServerHttp2Session) => connections.link(connection, session))
      http2Server.emit('connection', socket)
      return
    }
    connections.link(connection, socket)
    for (const listener of http1Listeners) listener.call(server, socket)
    oneAtATime(socket, connection, () => connections.tooEarly(connection))
  })
  const renew = (next: TlsConfig): void => {
    tls = next
    server.setSecureContext(next.context)
  }
  return { server, renew }
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string | undefined {
  return remotePort === undefined ? undefined : [remoteAddress, remotePort, localAddress, localPort].join(' ')
}
