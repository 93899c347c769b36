import type { IncomingMessage, ServerResponse } from 'node:http'

export const readable = ['/metrics', '/', '/api/v1/status', '/-/healthy', '/-/ready']
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
