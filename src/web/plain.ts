import type { ServerResponse } from 'node:http'
import { shownLines } from '../core/shown.ts'

/** Answers with a line of text, or a few. */
export function plain(response: ServerResponse, status: number, text: string): void {
  const body = Buffer.from(`${shownLines(text)}\n`)
  response.statusCode = status
  response.setHeader('Content-Type', 'text/plain; charset=utf-8')
  response.setHeader('Content-Length', String(body.length))
  response.end(response.req.method === 'HEAD' ? undefined : body)
}
