/** Hostile clients of HTTP/1, each on a connection of its own, for as long as the signal lasts. */
import { setMaxListeners } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface Flood {
  /** Connections at the same time. */
  readonly connections: number
  /** Requests that are sent at once on one that pipelines. */
  readonly pipelined: number
}

const request = 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n'

/** What a client does once it is connected; one that ends is followed by another of its kind. */
const shapes: readonly ((socket: Socket, flood: Flood) => void)[] = [
  // Takes no answer.
  (socket, { pipelined }) => void socket.pause().write(request.repeat(pipelined)),
  // A byte of a header in a second.
  socket => {
    socket.resume().write('GET / HTTP/1.1\r\nX: ')
    const timer = setInterval(() => socket.write('x'), 1_000)
    socket.on('close', () => clearInterval(timer))
  },
  // Half a request.
  socket => void socket.resume().write(request.slice(0, -2)),
  // A body without an end.
  socket => void socket.resume().write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe'),
  // Nothing at all.
  socket => void socket.resume(),
  // Asks, and is gone.
  socket => void socket.write(request, () => setTimeout(() => socket.resetAndDestroy(), 20)),
  // No HTTP.
  socket => void socket.resume().write('\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03'),
  // Pages, one after the other, on a connection that it keeps.
  socket => {
    const ask = (): void => void socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const timer = setInterval(ask, 1_000)
    socket.resume().on('close', () => clearInterval(timer))
    ask()
  },
]

/** Who was cut off comes back after this long. */
const backMs = 200

/** Resolves when the signal has ended it and every connection is closed. Never rejects. */
export async function flood(port: number, given: Flood, signal: AbortSignal): Promise<void> {
  setMaxListeners(0, signal)
  const one = (at: number): Promise<void> =>
    new Promise(resolve => {
      const begin = (): void => {
        const socket = connect(port, '127.0.0.1', () => shapes[at % shapes.length]?.(socket, given))
        const end = (): void => void socket.destroy()
        signal.addEventListener('abort', end)
        socket.on('error', () => undefined)
        socket.on('close', () => {
          signal.removeEventListener('abort', end)
          if (signal.aborted) resolve()
          else setTimeout(() => (signal.aborted ? resolve() : begin()), backMs)
        })
      }
      begin()
    })
  await Promise.all(Array.from({ length: given.connections }, (_, at) => one(at)))
}
