import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'

export const readable = ['/metrics', '/', '/failures', '/api/v1/status', '/probe', '/-/healthy', '/-/ready']
export const actions = ['/-/reload']

/** How often an endpoint was asked, with which result, and how long that took in all. */
export interface RequestCount {
  readonly handler: string
  readonly code: number
  readonly count: number
  readonly seconds: number
}

/** Counts answers by endpoint and status code. What is no endpoint of ours is `other`: a path must not become a label. */
export function countRequests(handlers: readonly string[]): {
  readonly count: (request: IncomingMessage, response: ServerResponse) => void
  readonly counts: () => readonly RequestCount[]
} {
  const counts = new Map<string, RequestCount>()
  return {
    counts: () => [...counts.values()],
    count(request, response) {
      const from = performance.now()
      const path = pathOf(request)
      const handler = handlers.includes(path) ? path : 'other'
      response.on('close', () => {
        // Cut off before there was an answer.
        if (!response.headersSent) return
        const code = response.statusCode
        const known = counts.get(`${handler} ${code}`) ?? { handler, code, count: 0, seconds: 0 }
        const seconds = known.seconds + (performance.now() - from) / 1000
        counts.set(`${handler} ${code}`, { ...known, count: known.count + 1, seconds })
      })
    },
  }
}

/** Of what is asked for, without the query. */
export const pathOf = ({ url = '' }: IncomingMessage): string => /^[^?#]*/.exec(url)?.[0] ?? ''

/** By what it is made of, not by the version it says: `HTTP/2.0` is easily written in HTTP/1. */
export const isHttp2 = (request: IncomingMessage | Http2ServerRequest): request is Http2ServerRequest =>
  'stream' in request
