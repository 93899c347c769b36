import type { ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { shownLines, type Shown } from '../core/shown.ts'
import { takesGzip } from '../exposition/accept.ts'
import type { Connections } from './connections.ts'
import { oncePerCause } from './once-per-cause.ts'

const compressed = promisify(gzip)
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

/** The value of `Allow` for an endpoint with these methods. */
export const allowOf = (methods: readonly string[]): string => [...methods, 'OPTIONS'].join(', ')

/** Answers OPTIONS. */
export function sendAllowed(response: ServerResponse, methods: readonly string[]): void {
  response.statusCode = 204
  response.setHeader('Allow', allowOf(methods))
  response.end()
}

/** Answers with a text that is ready for people. */
export function sendShown(response: ServerResponse, type: string, text: Shown): void {
  sendBody(response, type, Buffer.from(text))
}

function sendBody(response: ServerResponse, type: string, body: Buffer): void {
  response.setHeader('Content-Type', type)
  response.setHeader('Content-Length', String(body.length))
  response.end(response.req.method === 'HEAD' ? undefined : body)
}

/**
 * Returns a function that answers with the body for a key; compressed if the client prefers that. A body is rendered and
 * compressed once per key, until one of its `causes` is another object. All clients share it: to render and compress costs
 * more than the rest of an answer. `hold` says whether there is room to keep a body until the client has taken it.
 */
export function cachedBody<Key>(
  render: (key: Key) => Shown | Promise<Shown>,
  causes: () => readonly unknown[],
  hold: Connections['hold'],
) {
  const whole = oncePerCause(async (key: Key) => Buffer.from(await render(key)), causes)
  const zipped = oncePerCause(async (key: Key) => compressed(await whole(key)), causes)
  return async (response: ServerResponse, key: Key, type: string, vary = 'Accept-Encoding'): Promise<void> => {
    const zip = takesGzip(response.req.headers['accept-encoding'])
    const body = await (zip ? zipped : whole)(key)
    response.setHeader('Vary', vary)
    if (zip) response.setHeader('Content-Encoding', 'gzip')
    sendHeld(response, type, body, hold)
  }
}

/** Answers with a body, if there is room to keep it until the client has taken it. */
export function sendHeld(response: ServerResponse, type: string, body: Buffer, hold: Connections['hold']): void {
  if (!hold(response, body)) throw new HttpError(503, 'too many answers wait to be taken', { 'Retry-After': '1' })
  sendBody(response, type, body)
}
