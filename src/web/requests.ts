import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ExporterState } from '../exposition/samples.ts'

/** How often each endpoint answered with each status code, and how long that took in total. */
type Counts = ExporterState['requests']

/** Counts answers by endpoint and status code. Any other path is counted as `other`: a path must not become a label. */
export function countRequests(paths: readonly string[]): {
  readonly count: (path: string, response: ServerResponse) => void
  readonly counts: () => Counts
} {
  const counts = new Map<string, Counts[number]>()
  return {
    counts: () => [...counts.values()],
    count(path, response) {
      const from = performance.now()
      const handler = paths.includes(path) ? path : 'other'
      response.on('close', () => {
        // The connection ended before there was an answer.
        if (!response.headersSent) return
        const code = response.statusCode
        const known = counts.get(`${handler} ${code}`) ?? { handler, code, count: 0, seconds: 0 }
        const seconds = known.seconds + (performance.now() - from) / 1000
        counts.set(`${handler} ${code}`, { ...known, count: known.count + 1, seconds })
      })
    },
  }
}

/** The path of a request, without the query. */
export const pathOf = ({ url = '' }: IncomingMessage): string => /^[^?#]*/.exec(url)?.[0] ?? ''
