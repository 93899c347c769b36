import type { RequestListener } from 'node:http'
import { createServer as createHttp2 } from 'node:http2'
import { createServer as createHttps } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { isAdmitted } from './admission.ts'
import { answering, type Limits } from './answering.ts'
import type { TlsConfig } from './tls.ts'

/**
 * HTTP/1.1 and HTTP/2 on one port, by ALPN. Not by `allowHTTP1` of node:http2: that has none of the limits for HTTP/1.1,
 * headers may take 60 s there whatever is set.
 */
export function secure(listener: RequestListener, first: TlsConfig, http2: boolean, limits: Limits) {
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
