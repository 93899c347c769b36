import type { ServerResponse } from 'node:http'

/** Answers with a line of text. */
export function plain(response: ServerResponse, status: number, text: string): void {
  const body = Buffer.from(`${text}\n`)
  response.statusCode = status
  response.setHeader('Content-Type', 'text/plain; charset=utf-8')
  response.setHeader('Content-Length', String(body.length))
  response.end(response.req.method === 'HEAD' ? undefined : body)
}
