import type { IncomingMessage, ServerResponse } from 'node:http'
import { scriptHash } from '../page/script.ts'
import type { Authenticate } from './auth.ts'
import type { WebConfig } from './config.ts'
import { isCrossSite } from './cross-site.ts'
import { isAllowedHost } from './hosts.ts'
import { isHttp2 } from './http2.ts'
import { networkOf } from './network.ts'
import { HttpError } from './respond.ts'

/** Throws an HttpError if a request may not go on. */
export type Guard = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** Our pages load nothing, and run nothing but the script of the status page. */
export const contentPolicy = `default-src 'none'; style-src 'unsafe-inline'; script-src ${scriptHash}; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`

const usualHeaders = {
  'Content-Security-Policy': contentPolicy,
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
}

/** Node drops all headers after the first 2,000. One of those could announce a body. */
const maxHeaders = 100

/** Runs before every endpoint: security headers, bodies (no request may have one), other sites, rate limit, users. */
export function createGuard(
  config: () => WebConfig,
  authenticate: Authenticate,
  allowedHosts: readonly string[] = [],
): Guard {
  const take = bucket(() => config().rateLimit)
  return async (request, response) => {
    for (const [name, value] of Object.entries({ ...usualHeaders, ...config().headers }))
      response.setHeader(name, value)
    // First of all, because after any other answer Node would read the rest of the body.
    const cut = isHttp2(request) ? {} : { Connection: 'close' }
    if (request.rawHeaders.length > 2 * maxHeaders) throw new HttpError(431, 'too many headers', cut)
    if (!isEmpty(request)) throw new HttpError(413, 'no request here has a body', cut)
    if (isCrossSite(request)) throw new HttpError(403, 'a page of another site may not do this')
    // With users or with TLS, a page of another site cannot read an answer: it has no password, or the name is wrong.
    const isOpen = !config().tls && Object.keys(config().users).length === 0
    if (isOpen && !isAllowedHost(request.headers, allowedHosts)) throw new HttpError(421, unknownHost)
    if (!take()) throw new HttpError(429, 'too many requests', { 'Retry-After': '1' })
    const isRight = await authenticate(request.headers.authorization, () => networkOf(request.socket.remoteAddress))
    if (isRight === undefined) throw new HttpError(503, 'too many passwords to verify', { 'Retry-After': '1' })
    if (!isRight)
      throw new HttpError(401, 'unauthorized', {
        'WWW-Authenticate': 'Basic realm="mailpath-exporter", charset="UTF-8"',
      })
  }
}

function isEmpty(request: IncomingMessage): boolean {
  const length = request.headers['content-length']
  if (length !== undefined) return Number(length) === 0
  // In HTTP/2 no header has to announce a body.
  if (isHttp2(request)) return request.stream.endAfterHeaders
  return request.headers['transfer-encoding'] === undefined
}

const unknownHost =
  'a browser asked by a name that is not known to be of this exporter; if it is, start it with --web.allowed-host=NAME'

/** A token bucket for all clients together. */
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
