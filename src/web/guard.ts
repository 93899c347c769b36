import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import type { Authenticate } from './auth.ts'
import type { WebConfig } from './config.ts'
import { plain } from './plain.ts'

/** Whether a request may go on; where it may not, it is answered. */
export type Guard = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>

const usualHeaders = {
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
}

/** What comes before every endpoint: the headers, the limit of requests, the users. No request has a body. */
export function guard(config: () => WebConfig, authenticate: Authenticate): Guard {
  const take = bucket(() => config().rateLimit)
  return async (request, response) => {
    for (const [name, value] of Object.entries({ ...usualHeaders, ...config().headers }))
      response.setHeader(name, value)
    const refuse = (status: number, text: string, headers: Readonly<Record<string, string>> = {}): false => {
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
      plain(response, status, text)
      return false
    }
    if (!take()) return refuse(429, 'too many requests', { 'Retry-After': '1' })
    const isRight = await authenticate(request.headers.authorization)
    if (isRight === undefined) return refuse(503, 'too many passwords to verify', { 'Retry-After': '1' })
    if (!isRight)
      return refuse(401, 'unauthorized', { 'WWW-Authenticate': 'Basic realm="mailpath-exporter", charset="UTF-8"' })
    if (isEmpty(request)) return true
    // What is left of the body is not waited for.
    return refuse(413, 'no request here has a body', request.httpVersionMajor === 1 ? { Connection: 'close' } : {})
  }
}

function isEmpty(request: IncomingMessage): boolean {
  const length = request.headers['content-length']
  if (length !== undefined) return Number(length) === 0
  // HTTP/2 has bodies of no declared length, without a header that says so.
  if (request.httpVersionMajor === 2) return (request as unknown as Http2ServerRequest).stream.endAfterHeaders
  return request.headers['transfer-encoding'] === undefined
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
