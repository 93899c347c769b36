import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Http2Server } from 'node:http2'
import type { Server } from 'node:net'
import type { Connections } from './connections.ts'
import { isHttp2 } from './http2.ts'
import { sendText } from './respond.ts'

/** REFUSED_STREAM of RFC 9113, section 7. */
const refusedStream = 7

/** Answers a request. `isKnown`: the client took an answer on this connection before. */
export type LimitedListener = (request: IncomingMessage, response: ServerResponse, isKnown: boolean) => void

/** Has the listener answer the requests of the server, if there is room for the answer. Refuses the others. */
export function limitRequests(server: Server | Http2Server, connections: Connections, handle: LimitedListener): void {
  // The types are those of HTTP/1. Requests of HTTP/2 have all of it that is used here.
  const listener: RequestListener = (request, response) => {
    const connection = connections.connectionOf(request)
    // The connection was ended, and Node still parsed what it had read.
    if (!connection) {
      request.socket.destroy()
      return
    }
    if (!connections.begin(connection, request, response)) {
      // The client would have to take an answer too, so HTTP/2 gets none.
      if (isHttp2(request)) request.stream.close(refusedStream)
      else {
        connection.last = true
        sendText(response, 503, 'too many answers wait to be taken', { Connection: 'close', 'Retry-After': '1' })
      }
      return
    }
    request.url = originForm(request.url ?? '')
    handle(request, response, connection.answersTaken > 0)
  }
  // Without listeners Node answers `Expect` itself: it invites the body, or refuses the request.
  for (const event of ['request', 'checkContinue', 'checkExpectation']) server.on(event, listener)
}

/** A request target as a path (RFC 9112, section 3.2). Anything else becomes `*`: without a path, Express runs no handler at all. */
function originForm(target: string): string {
  if (target.startsWith('/')) return target
  if (!/^https?:/i.test(target) || !URL.canParse(target)) return '*'
  const { pathname, search } = new URL(target)
  return pathname + search
}
