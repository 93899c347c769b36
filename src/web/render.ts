import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Request, Response } from 'express'

const compressed = promisify(gzip)

/** Answers with what is rendered for the key, compressed for who takes that. */
export type Answer<Key> = (request: Request, response: Response, key: Key, type: string) => Promise<void>

/**
 * However many ask, it is rendered, and compressed, once for what it follows from: that costs more than all the rest of
 * an answer. `causes` are told by identity.
 */
export function answerWith<Key>(
  causes: () => readonly unknown[],
  render: (key: Key) => string | Promise<string>,
): Answer<Key> {
  const whole = oncePerCause(causes, async (key: Key) => Buffer.from(await render(key)))
  const zipped = oncePerCause(causes, async (key: Key) => compressed(await whole(key)))
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
 * The work, done once for each key while its causes stay the same: who asks meanwhile shares it. So nobody gets what was
 * made of older causes than those of the moment in which he asked.
 */
export function oncePerCause<Key, Result>(
  causes: () => readonly unknown[],
  work: (key: Key) => Promise<Result>,
): (key: Key) => Promise<Result> {
  const kept = new Map<Key, Promise<Result>>()
  let of: readonly unknown[] = []
  return key => {
    const now = causes()
    if (now.some((cause, i) => cause !== of[i])) kept.clear()
    of = now
    const known = kept.get(key)
    if (known) return known
    const result = work(key)
    kept.set(key, result)
    result.catch(() => {
      if (kept.get(key) === result) kept.delete(key)
    })
    return result
  }
}
