import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'

/** By what the request is made of. The version it states proves nothing: a client can write `HTTP/2.0` in HTTP/1. */
export const isHttp2 = (request: IncomingMessage | Http2ServerRequest): request is Http2ServerRequest =>
  'stream' in request
