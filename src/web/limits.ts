import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Http2Server } from 'node:http2'
import type { Server } from 'node:net'
import type { Crowd } from './crowd.ts'
import { sendText } from './text.ts'
import { isHttp2 } from './http2.ts'

/** What a client may take, in time and in bytes: one that dribbles is cut off, and one that idles is ended. */
export const usualLimits = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  /** More than the usual scrape interval, so that a scraper keeps its connection. */
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 2_000,
  /** A head that does not end is kept for `headersTimeout`, on each connection, in several copies. */
  maxHeaderSize: 8_192,
  handshakeTimeout: 10_000,
  /** Of a connection on which nothing moves, not even the answer. */
  idleMs: 90_000,
  /** From a request to the end of its answer: one who reads it a byte at a time keeps it in memory. */
  answerMs: 300_000,
  /** Over all places to serve. A probe needs file descriptors too, and must not fail for want of them. One with TLS counts as eight. */
  maxConnections: 1_536,
  /** Of one address of a client. */
  maxPerAddress: 1_024,
  /** Bytes that wait for clients to take them, over all connections. */
  maxHeld: 16_777_216,
}
export type Limits = typeof usualLimits

/** The limits where there is only room for so many connections, of which one address gets two of three at most. */
export const within = (limits: Limits, connections: number): Limits => {
  const maxConnections = Math.min(limits.maxConnections, connections)
  return {
    ...limits,
    maxConnections,
    maxPerAddress: Math.min(limits.maxPerAddress, Math.ceil((maxConnections * 2) / 3)),
  }
}

/** REFUSED_STREAM of RFC 9113, section 7. */
const refusedStream = 7

/** Answers a request. `isKnown` is who took an answer on this connection before. */
export type Answering = (request: IncomingMessage, response: ServerResponse, isKnown: boolean) => void

/**
 * Answers every request of the server for which there is room. What
 * comes by HTTP/2 has all that is used here of what comes by HTTP/1.
 */
export function answering(server: Server | Http2Server, crowd: Crowd, handle: Answering): void {
  const listener: RequestListener = (request, response) => {
    const guest = crowd.guestOf(request)
    // It was ended, and what it had sent before was still parsed.
    if (!guest) {
      request.socket.destroy()
      return
    }
    if (!crowd.ask(guest, request, response)) {
      // An answer would have to be taken as well.
      if (isHttp2(request)) request.stream.close(refusedStream)
      else {
        guest.last = true
        sendText(response, 503, 'too many answers wait to be taken', { Connection: 'close', 'Retry-After': '1' })
      }
      return
    }
    request.url = originForm(request.url ?? '')
    handle(request, response, guest.taken > 0)
  }
  // To `Expect: 100-continue` Node itself would say that the body may come, and to other expectations that they failed.
  for (const event of ['request', 'checkContinue', 'checkExpectation']) server.on(event, listener)
}

/** A request target as a path (RFC 9112, section 3.2). What cannot be one is `*`: Express would pass over everything. */
function originForm(target: string): string {
  if (target.startsWith('/')) return target
  if (!/^https?:/i.test(target) || !URL.canParse(target)) return '*'
  const { pathname, search } = new URL(target)
  return pathname + search
}
