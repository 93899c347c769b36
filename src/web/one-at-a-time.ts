import type { Socket } from 'node:net'
import type { Connection } from './connection.ts'

/** Bytes that may come before the answer under way was taken: a few requests (pipelining). */
const maxEarly = 4_096
/** After this many more bytes the connection is cut. */
const maxIgnored = 65_536

/**
 * Gives the parser of Node one request of the connection at a time. The parser would parse a whole segment before the
 * first request in it is answered: 2,000 requests in 54 kB, even after `pause`. What comes while an answer is under way
 * waits here. If that is too much, the answer is the last one (RFC 9112, section 9.3.2). Call this after Node has added its
 * listeners: it takes their place.
 */
export function oneAtATime(socket: Socket, connection: Connection, tooEarly: () => void): void {
  const parsers = socket.listeners('data')
  const endOfHead = findHeads()
  let early = empty
  let ignored = 0
  const isBusy = (): boolean => connection.answers.size > 0 || connection.last || socket.destroyed

  const keep = (rest: Buffer): void => {
    if (rest.length <= maxEarly) {
      // A copy: a few bytes must not keep the whole segment of 64 kB in memory.
      early = rest.length > 0 ? Buffer.from(rest) : rest
      return
    }
    early = empty
    ignored = rest.length
    tooEarly()
  }
  const feed = (chunk: Buffer): void => {
    let rest = chunk
    while (rest.length > 0 && !isBusy()) {
      const end = endOfHead(rest)
      const piece = rest.subarray(0, end)
      rest = rest.subarray(end)
      for (const parse of parsers) parse.call(socket, piece)
    }
    if (!connection.last && !socket.destroyed) keep(rest)
  }
  // With a second listener, the HTTP server of Node no longer reads from the system itself (`unconsume`).
  socket.on('data', (chunk: Buffer) => {
    if (connection.last) {
      ignored += chunk.length
      if (ignored > maxIgnored) socket.destroy()
    } else if (early.length > 0) keep(Buffer.concat([early, chunk]))
    else feed(chunk)
  })
  for (const parse of parsers) socket.off('data', parse as (chunk: Buffer) => void)
  connection.free = () => {
    if (connection.last) socket.destroySoon()
    else if (early.length > 0 && socket.writable) {
      const chunk = early
      early = empty
      feed(chunk)
    }
  }
}

const empty: Buffer = Buffer.alloc(0)
const [lineFeed, carriageReturn] = [10, 13]

/**
 * Returns a function that says where the head of a request ends in the next chunk of a stream: after the first empty line
 * that follows one that is not empty; at the end of the chunk if the head goes on.
 */
function findHeads(): (chunk: Buffer) => number {
  let begun = false
  let isEmpty = true
  return chunk => {
    for (let from = 0; ;) {
      const at = chunk.indexOf(lineFeed, from)
      const length = (at < 0 ? chunk.length : at) - from
      if (length > 1 || (length === 1 && chunk[from] !== carriageReturn)) isEmpty = false
      if (at < 0) return chunk.length
      const isEnd = begun && isEmpty
      begun = !isEnd && (begun || !isEmpty)
      isEmpty = true
      from = at + 1
      if (isEnd) return from
    }
  }
}
