import type { Socket } from 'node:net'
import type { Guest } from './crowd.ts'

/** What may come before the answer under way was taken: a few requests (pipelining). */
const maxEarly = 4_096
/** Who sends so much more without waiting for an answer is cut off. */
const maxIgnored = 65_536

/**
 * Lets the parser of Node have one request of the connection at a time. Given a whole segment, it would parse all requests
 * in it before the first is answered: 2,000 of them in 54 kB, whatever `pause` says. What comes while an answer is under
 * way, or not taken, waits here; where it is too much, that answer is the last one (RFC 9112, section 9.3.2). Called after
 * the listeners of Node, whose place it takes.
 */
export function oneAtATime(socket: Socket, guest: Guest, tooEarly: () => void): void {
  const parsers = socket.listeners('data')
  const heads = headsIn()
  let early = empty
  let ignored = 0
  const isBusy = (): boolean => guest.answers.size > 0 || guest.last || socket.destroyed

  const keep = (rest: Buffer): void => {
    if (rest.length <= maxEarly) {
      // Of a segment of 64 kB no few bytes may keep the whole.
      early = rest.length > 0 ? Buffer.from(rest) : rest
      return
    }
    early = empty
    ignored = rest.length
    tooEarly()
  }
  const feed = (chunk: Buffer): void => {
    if (!isBusy() && heads.isWhole(chunk)) {
      for (const parse of parsers) parse.call(socket, chunk)
      return
    }
    let rest = chunk
    while (rest.length > 0 && !isBusy()) {
      const end = heads.endIn(rest)
      const piece = rest.subarray(0, end)
      rest = rest.subarray(end)
      for (const parse of parsers) parse.call(socket, piece)
    }
    if (!guest.last && !socket.destroyed) keep(rest)
  }
  // A listener of its own: from now on Node reads no further than it is given (`unconsume` of its HTTP server).
  socket.on('data', (chunk: Buffer) => {
    if (guest.last) {
      ignored += chunk.length
      if (ignored > maxIgnored) socket.destroy()
    } else if (early.length > 0) keep(Buffer.concat([early, chunk]))
    else feed(chunk)
  })
  for (const parse of parsers) socket.off('data', parse as (chunk: Buffer) => void)
  guest.free = () => {
    if (guest.last) socket.destroySoon()
    else if (early.length > 0 && socket.writable) {
      const chunk = early
      early = empty
      feed(chunk)
    }
  }
}

const empty: Buffer = Buffer.alloc(0)
const [lineFeed, carriageReturn] = [10, 13]
/** How a head ends: with an empty line, of which some parsers take the second way too. */
const [emptyLine, bareEmptyLine] = [Buffer.from('\n\r\n'), Buffer.from('\n\n')]

/** Finds in a stream of bytes where the head of a request ends: after an empty line behind one that is not. */
function headsIn() {
  let begun = false
  let isEmpty = true
  return {
    /** Whether a chunk is one head as a whole, as that of a scraper is. It is the way of nearly all requests, and short. */
    isWhole: (chunk: Buffer): boolean =>
      !begun &&
      isEmpty &&
      chunk.length > emptyLine.length &&
      chunk.indexOf(emptyLine) === chunk.length - emptyLine.length &&
      !chunk.includes(bareEmptyLine),
    /** Where the head ends; the length of the chunk if not in it. */
    endIn(chunk: Buffer): number {
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
    },
  }
}
