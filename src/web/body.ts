import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { createMemo } from '../core/memo.ts'
import type { Shown } from '../core/shown.ts'
import { takesGzip } from '../exposition/accept.ts'
import type { Connections } from './connections.ts'
import { sendText } from './text.ts'

const compressed = promisify(gzip)

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
  return async (
    request: IncomingMessage,
    response: ServerResponse,
    key: Key,
    type: string,
    vary = 'Accept-Encoding',
  ): Promise<void> => {
    const zip = takesGzip(request.headers['accept-encoding'])
    const body = await (zip ? zipped : whole)(key)
    if (!hold(response, body)) {
      sendText(response, 503, 'too many answers wait to be taken', { 'Retry-After': '1' })
      return
    }
    response.writeHead(200, {
      Vary: vary,
      'Content-Type': type,
      'Content-Length': String(body.length),
      ...(zip ? { 'Content-Encoding': 'gzip' } : {}),
    })
    response.end(request.method === 'HEAD' ? undefined : body)
  }
}

/**
 * Does the work once per key while its causes are the same objects. Callers meanwhile share the result. A result is
 * never made from causes older than the request for it.
 */
export function oncePerCause<Key, Result>(
  work: (key: Key) => Promise<Result>,
  causes: () => readonly unknown[],
): (key: Key) => Promise<Result> {
  const resultsOf = createMemo<object, Map<Key, Promise<Result>>>()
  return key => {
    const results = resultsOf(causes, causes(), () => new Map())
    const known = results.get(key)
    if (known) return known
    const result = work(key)
    results.set(key, result)
    result.catch(() => results.delete(key))
    return result
  }
}
