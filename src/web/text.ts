import type { ServerResponse } from 'node:http'
import { shownLines, type Shown } from '../core/shown.ts'

/** Answers with a line of text, or a few. */
export function plain(response: ServerResponse, status: number, text: string): void {
  response.statusCode = status
  sendShown(response, 'text/plain; charset=utf-8', shownLines(`${text}\n`))
}

/** Answers with a text that is ready for people. */
export function sendShown(response: ServerResponse, type: string, text: Shown): void {
  const body = Buffer.from(text)
  response.setHeader('Content-Type', type)
  response.setHeader('Content-Length', String(body.length))
  response.end(response.req.method === 'HEAD' ? undefined : body)
}
