import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Shown } from '../core/shown.ts'
import { takesGzip } from '../exposition/accept.ts'
import { plain } from './text.ts'

const compressed = promisify(gzip)

/** Whether there is room for this body to wait until it is taken. */
export type Hold = (response: ServerResponse, body: Buffer) => boolean

/** Answers with what is rendered for the key, compressed for who takes that. */
export type Answer<Key> = (
  request: IncomingMessage,
  response: ServerResponse,
  key: Key,
  type: string,
  vary?: string,
) => Promise<void>

/**
 * However many ask, it is rendered, and compressed, once for what it follows from: that costs more than all the rest of
 * an answer. `causes` are told by identity.
 */
export function answerWith<Key>(
  render: (key: Key) => Shown | Promise<Shown>,
  causes: () => readonly unknown[],
  hold: Hold,
): Answer<Key> {
  const whole = oncePerCause(async (key: Key) => Buffer.from(await render(key)), causes)
  const zipped = oncePerCause(async (key: Key) => compressed(await whole(key)), causes)
  return async (request, response, key, type, vary = 'Accept-Encoding') => {
    const zip = takesGzip(request.headers['accept-encoding'])
    const body = await (zip ? zipped : whole)(key)
    if (!hold(response, body)) {
      plain(response.setHeader('Retry-After', '1'), 503, 'too many answers wait to be taken')
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
 * The work, done once for each key while its causes stay the same: who asks meanwhile shares it. So nobody gets what was
 * made of older causes than those of the moment in which he asked.
 */
export function oncePerCause<Key, Result>(
  work: (key: Key) => Promise<Result>,
  causes: () => readonly unknown[],
): (key: Key) => Promise<Result> {
  let of: readonly unknown[] = []
  let done = new Map<Key, Promise<Result>>()
  return key => {
    const now = causes()
    if (now.length !== of.length || now.some((cause, i) => cause !== of[i])) done = new Map()
    of = now
    const known = done.get(key)
    if (known) return known
    const mine = done
    const result = work(key)
    mine.set(key, result)
    result.catch(() => mine.delete(key))
    return result
  }
}
