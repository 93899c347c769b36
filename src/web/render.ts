import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Request, Response } from 'express'

const compressed = promisify(gzip)

/** Answers with what is rendered for the key, compressed for who takes that. */
export type Answer<Key> = (request: Request, response: Response, key: Key, type: string) => Promise<void>

/** However many ask at once, little is rendered for them: it costs more than all the rest of an answer. */
export function answerWith<Key>(render: (key: Key) => string | Promise<string>): Answer<Key> {
  const whole = inBatches(async (key: Key) => Buffer.from(await render(key)))
  const zipped = inBatches(async (key: Key) => compressed(await whole(key)))
  return async (request, response, key, type) => {
    const zip = request.acceptsEncodings('gzip', 'identity') === 'gzip'
    const body = await (zip ? zipped : whole)(key)
    response.vary('Accept-Encoding').set({ 'Content-Type': type, 'Content-Length': String(body.length) })
    if (zip) response.set('Content-Encoding', 'gzip')
    // Not send(), which would look through the body for an ETag and a charset.
    response.end(request.method === 'HEAD' ? undefined : body)
  }
}

/**
 * The work, shared by all who ask for it at once: one piece of it at a time for each key, and who asks meanwhile shares
 * the next. So nobody gets what was begun before he asked.
 */
export function inBatches<Key, Result>(work: (key: Key) => Promise<Result>): (key: Key) => Promise<Result> {
  const underWay = new Map<Key, Promise<void>>()
  const next = new Map<Key, Promise<Result>>()
  return key => {
    const known = next.get(key)
    if (known) return known
    const batch = (underWay.get(key) ?? Promise.resolve()).then(() => {
      next.delete(key)
      const working = work(key)
      const over = (): void => undefined
      underWay.set(key, working.then(over, over))
      return working
    })
    next.set(key, batch)
    return batch
  }
}
