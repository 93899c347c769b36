import type { ServerResponse } from 'node:http'
import { shownLines, type Shown } from '../core/shown.ts'

type Headers = Readonly<Record<string, string>>

/** Thrown to refuse a request. The router answers with it. */
export class HttpError extends Error {
  readonly status: number
  readonly headers: Headers
  constructor(status: number, message: string, headers: Headers = {}) {
    super(message)
    this.status = status
    this.headers = headers
  }
}

/** Answers with one line of text, or a few. */
export function sendText(response: ServerResponse, status: number, text: string, headers: Headers = {}): void {
  response.statusCode = status
  // One by one: `setHeader` of HTTP/2 does not return the response.
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  sendShown(response, 'text/plain; charset=utf-8', shownLines(`${text}\n`))
}

/** Answers with a text that is ready for people. */
export function sendShown(response: ServerResponse, type: string, text: Shown): void {
  const body = Buffer.from(text)
  response.setHeader('Content-Type', type)
  response.setHeader('Content-Length', String(body.length))
  response.end(response.req.method === 'HEAD' ? undefined : body)
}
