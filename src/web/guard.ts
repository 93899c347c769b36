import { Http2ServerRequest } from 'node:http2'
import type { Request, RequestHandler } from 'express'
import type { Authenticate } from './auth.ts'
import type { WebConfig } from './config.ts'
import { plain } from './plain.ts'

/** Nothing here needs a script or loads anything. */
const contentPolicy =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

/** Node keeps the first 2,000 and loses the rest, among them perhaps the one that announces a body. */
const maxHeaders = 100

/** What comes before every endpoint: the headers, the limit of requests, the users. No request has a body. */
export function guard(config: () => WebConfig, authenticate: Authenticate): RequestHandler[] {
  const take = bucket(() => config().rateLimit)
  return [
    (_request, response, next) => {
      response.set({
        'Content-Security-Policy': contentPolicy,
        'X-Content-Type-Options': 'nosniff',
        'Cache-Control': 'no-store',
        'Referrer-Policy': 'no-referrer',
        ...config().headers,
      })
      next()
    },
    // Before any other answer, since behind each the rest of the body would be read.
    (request, response, next) => {
      const tooMany = request.rawHeaders.length > 2 * maxHeaders
      if (!tooMany && isEmpty(request)) next()
      else {
        // What is left of the body is not waited for.
        if (!(request instanceof Http2ServerRequest)) response.set('Connection', 'close')
        if (tooMany) plain(response, 431, 'too many headers')
        else plain(response, 413, 'no request here has a body')
      }
    },
    (_request, response, next) => {
      if (take()) next()
      else plain(response.set('Retry-After', '1'), 429, 'too many requests')
    },
    async (request, response, next) => {
      const isRight = await authenticate(request.get('authorization'))
      if (isRight) next()
      else if (isRight === undefined) plain(response.set('Retry-After', '1'), 503, 'too many passwords to verify')
      else
        plain(response.set('WWW-Authenticate', 'Basic realm="mailpath-exporter", charset="UTF-8"'), 401, 'unauthorized')
    },
  ]
}

function isEmpty(request: Request): boolean {
  const length = request.get('content-length')
  if (length !== undefined) return Number(length) === 0
  // HTTP/2 has bodies of no declared length, without a header that says so. By the class: `HTTP/2.0` is easily written.
  if (request instanceof Http2ServerRequest) return request.stream.endAfterHeaders
  return request.get('transfer-encoding') === undefined
}

/** A token bucket over all clients. */
function bucket(limit: () => WebConfig['rateLimit']): () => boolean {
  let tokens: number | undefined
  let at = performance.now()
  return () => {
    const { burst, intervalMs } = limit() ?? {}
    if (burst === undefined || intervalMs === undefined) return true
    const now = performance.now()
    tokens = Math.min(burst, (tokens ?? burst) + (now - at) / intervalMs)
    at = now
    if (tokens < 1) return false
    tokens--
    return true
  }
}
