import { createServer as createHttp2, type ServerHttp2Session } from 'node:http2'
import { createServer as createHttps } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { isAdmitted } from './client-certificate.ts'
import { answering, type Answering, type Limits } from './limits.ts'
import type { Crowd, Guest } from './crowd.ts'
import { oneAtATime } from './one-at-a-time.ts'
import type { TlsConfig } from './tls.ts'
import { takeTurns } from './turns.ts'

/** A handshake takes a millisecond or two, and nothing else runs meanwhile. */
const handshakesAtOnce = 4

/**
 * HTTP/1.1 and HTTP/2 on one port, by ALPN. Not by `allowHTTP1` of node:http2: that has none of the limits for HTTP/1.1,
 * headers may take 60 s there whatever is set.
 */
export function secure(listener: Answering, first: TlsConfig, http2: boolean, limits: Limits, crowd: Crowd) {
  let tls = first
  const server = createHttps({
    ...limits,
    ...tls.context,
    requestCert: tls.clientAuth !== 'NoClientCert',
    rejectUnauthorized: tls.clientAuth === 'RequireAndVerifyClientCert',
    ALPNProtocols: http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
  })
  answering(server, crowd, listener)
  // It never listens itself.
  const second = createHttp2({
    settings: { maxConcurrentStreams: 32, maxHeaderListSize: limits.maxHeaderSize },
    maxSessionMemory: 1,
  })
  answering(second, crowd, listener)
  second.setTimeout(limits.idleMs)
  const handshakes = takeTurns(handshakesAtOnce)

  /** By both ends, for Node does not say which connection it is that has become secure. */
  const guests = new Map<string, Guest>()
  const guestBehind = (socket: TLSSocket): Guest | undefined => {
    const ends = endsOf(socket)
    // The sockets of Unix have no names to tell them by.
    return ends === undefined ? crowd.enter(socket) : guests.get(ends)
  }
  const toTls = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    const guest = crowd.enter(socket)
    if (!guest) {
      socket.destroy()
      return
    }
    const ends = endsOf(socket)
    if (ends !== undefined) {
      guests.set(ends, guest)
      socket.on('close', () => guests.delete(ends))
    }
    const tooLate = (): void => void socket.destroy()
    socket.setTimeout(limits.handshakeTimeout, tooLate)
    socket.on('error', () => undefined)
    // Before the client begins there is nothing to encrypt, and one that never begins costs next to nothing.
    socket.once('readable', () =>
      handshakes(() => {
        socket.setTimeout(0).off('timeout', tooLate)
        if (socket.destroyed || !crowd.encrypt(guest)) return
        if (socket.readableLength === 0) socket.destroy()
        else for (const listener of toTls) listener.call(server, socket)
      }),
    )
  })

  const toHttp1 = server.listeners('secureConnection')
  server.removeAllListeners('secureConnection')
  server.on('secureConnection', (socket: TLSSocket) => {
    const guest = isAdmitted(socket, tls) ? guestBehind(socket) : undefined
    if (!guest) {
      socket.destroy()
      return
    }
    if (socket.alpnProtocol === 'h2') {
      second.once('session', (session: ServerHttp2Session) => crowd.introduce(guest, session))
      second.emit('connection', socket)
      return
    }
    crowd.introduce(guest, socket)
    for (const listener of toHttp1) listener.call(server, socket)
    oneAtATime(socket, guest, () => crowd.tooEarly(guest))
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
