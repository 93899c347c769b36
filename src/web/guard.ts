import type { RequestHandler } from 'express'
import type { Authenticate } from './auth.ts'
import type { WebConfig } from './config.ts'

/** What comes before every endpoint: the limit of requests, the users, the headers. No request has a body. */
export function guard(config: () => WebConfig, authenticate: Authenticate): RequestHandler[] {
  const take = bucket(() => config().rateLimit)
  return [
    (request, response, next) => {
      response.set({
        'X-Content-Type-Options': 'nosniff',
        'Cache-Control': 'no-store',
        'Referrer-Policy': 'no-referrer',
      })
      response.set(config().headers)
      if (take()) next()
      else response.status(429).set('Retry-After', '1').type('text/plain').send('too many requests\n')
    },
    async (request, response, next) => {
      if (await authenticate(request.get('authorization'))) next()
      else
        response
          .status(401)
          .set('WWW-Authenticate', 'Basic realm="mailpath-exporter", charset="UTF-8"')
          .type('text/plain')
          .send('unauthorized\n')
    },
    (request, response, next) => {
      const isEmpty = request.get('transfer-encoding') === undefined && Number(request.get('content-length') ?? 0) === 0
      if (isEmpty) next()
      else {
        if (request.httpVersionMajor === 1) response.set('Connection', 'close')
        response.status(413).type('text/plain').send('no request here has a body\n')
      }
    },
  ]
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
