/** What hostile clients do on each of their connections. */
import type { Socket } from 'node:net'
import { usualLimits } from '../../src/web/limits.ts'

export interface Shape {
  readonly name: string
  readonly speaks: 'http' | 'tls' | 'h2' | 'tcp'
  /** The server has users. */
  readonly users?: boolean
  /** Called when the connection, or its TLS, stands. */
  readonly open: (socket: Socket) => void
}

const head = (line: string, ...more: string[]): string => [line, 'Host: exporter', ...more, '', ''].join('\r\n')
const get = (path: string, ...more: string[]): string => head(`GET ${path} HTTP/1.1`, ...more)
const filling = (text: string): string => text.repeat(Math.floor(54_000 / text.length))

const every = (socket: Socket, ms: number, say: () => string | Buffer): void => {
  const timer = setInterval(() => socket.write(say()), ms)
  socket.on('close', () => clearInterval(timer))
}
/** Paused, nothing is read from the system either. */
const unread = (socket: Socket, words: string | Buffer): void => void socket.pause().write(words)

/** https://www.rfc-editor.org/rfc/rfc9113#section-4.1 */
function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const first = Buffer.alloc(9)
  first.writeUIntBE(payload.length, 0, 3)
  first.writeUInt8(type, 3)
  first.writeUInt8(flags, 4)
  first.writeUInt32BE(stream, 5)
  return Buffer.concat([first, payload])
}
const [headers, reset, settings, ping, windowUpdate, continuation] = [1, 3, 4, 6, 8, 9] as const
const [endStream, endHeaders] = [1, 4] as const
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const opening = Buffer.concat([preface, frame(settings, 0, 0)])
/** SETTINGS_INITIAL_WINDOW_SIZE of 0. */
const shut = Buffer.concat([preface, frame(settings, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0]))])
/** `:method GET`, `:scheme https`, `:path` as given, `:authority a`. */
const asked = (path: string): Buffer =>
  Buffer.concat([Buffer.from([0x82, 0x87, 0x04, path.length]), Buffer.from(path), Buffer.from([0x41, 0x01, 0x61])])
const streams = (count: number, path: string): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, i) => frame(headers, endStream | endHeaders, 2 * i + 1, asked(path))))

const asksAgain: Shape['open'] = socket => {
  unread(socket, get('/metrics'))
  every(socket, 500, () => get('/'))
}

export const shapes: readonly Shape[] = [
  { name: 'says nothing', speaks: 'tcp', open: () => undefined },
  { name: 'pipelines /metrics, never reads', speaks: 'http', open: socket => unread(socket, filling(get('/metrics'))) },
  { name: 'pipelines /, never reads', speaks: 'http', open: socket => unread(socket, filling(get('/'))) },
  {
    name: 'pipelines the shortest request',
    speaks: 'http',
    open: socket => unread(socket, filling('GET / HTTP/1.1\r\nHost:\r\n\r\n')),
  },
  {
    name: 'pipelines without a password',
    speaks: 'http',
    users: true,
    open: socket => unread(socket, filling(get('/metrics'))),
  },
  {
    name: 'asks again and again, never reads',
    speaks: 'http',
    open: asksAgain,
  },
  {
    name: 'asks once, never reads',
    speaks: 'http',
    open: socket => unread(socket, get('/api/v1/status')),
  },
  {
    name: 'asks and reads as fast as it can',
    speaks: 'http',
    open: socket => {
      socket.on('data', (chunk: Buffer) => {
        if (chunk.length < 60_000) socket.write(get('/-/healthy'))
      })
      socket.write(get('/-/healthy'))
    },
  },
  {
    name: 'asks once and stays',
    speaks: 'http',
    open: socket => void socket.resume().write(get('/-/healthy')),
  },
  {
    name: 'slow headers',
    speaks: 'http',
    open: socket => {
      socket.resume().write('GET /metrics HTTP/1.1\r\n')
      every(socket, 2_000, () => `X-${'x'.repeat(100)}: a\r\n`)
    },
  },
  {
    name: 'almost all of the largest headers',
    speaks: 'http',
    open: socket => {
      socket.resume().write(`GET /metrics HTTP/1.1\r\nX: ${'x'.repeat(usualLimits.maxHeaderSize - 500)}`)
      every(socket, 2_000, () => 'x')
    },
  },
  {
    name: 'slow bodies',
    speaks: 'http',
    open: socket => {
      socket.resume().write(head('POST /metrics HTTP/1.1', 'Content-Length: 1000000'))
      every(socket, 500, () => 'x'.repeat(1_000))
    },
  },
  {
    name: 'chunks without end',
    speaks: 'http',
    open: socket => {
      unread(socket, head('POST /-/reload HTTP/1.1', 'Transfer-Encoding: chunked'))
      every(socket, 200, () => `2000\r\n${'x'.repeat(8_192)}\r\n`)
    },
  },
  {
    name: 'wrong passwords',
    speaks: 'http',
    users: true,
    open: socket => {
      const wrong = () =>
        get('/metrics', `Authorization: Basic ${Buffer.from(`alice:${Math.random()}`).toString('base64')}`)
      socket.resume().write(wrong())
      every(socket, 1_000, wrong)
    },
  },
  { name: 'TLS: says nothing', speaks: 'tcp', open: () => undefined },
  {
    name: 'TLS: begins a handshake and goes no further',
    speaks: 'tcp',
    open: socket => void socket.resume().write(Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3])),
  },
  { name: 'TLS: shakes hands and says nothing', speaks: 'tls', open: () => undefined },
  { name: 'TLS: pipelines /, never reads', speaks: 'tls', open: socket => unread(socket, filling(get('/'))) },
  {
    name: 'TLS: asks again and again, never reads',
    speaks: 'tls',
    open: asksAgain,
  },
  {
    name: 'HTTP/2: 32 streams, zero window',
    speaks: 'h2',
    open: socket => unread(socket, Buffer.concat([shut, streams(32, '/metrics')])),
  },
  {
    name: 'HTTP/2: 32 streams of /, zero window, reads',
    speaks: 'h2',
    open: socket => {
      socket.resume().write(Buffer.concat([shut, streams(32, '/')]))
      every(socket, 1_000, () => frame(ping, 0, 0, Buffer.alloc(8)))
    },
  },
  {
    name: 'HTTP/2: 32 streams, all read slowly',
    speaks: 'h2',
    open: socket => {
      socket.resume().write(Buffer.concat([shut, streams(32, '/metrics')]))
      every(socket, 1_000, () =>
        Buffer.concat(
          Array.from({ length: 32 }, (_, i) => frame(windowUpdate, 0, 2 * i + 1, Buffer.from([0, 0, 0, 1]))),
        ),
      )
    },
  },
  {
    name: 'HTTP/2: rapid reset',
    speaks: 'h2',
    open: socket => {
      let id = 1
      socket.resume().write(opening)
      every(socket, 100, () =>
        Buffer.concat(
          Array.from({ length: 100 }, () => {
            const stream = id
            id += 2
            return Buffer.concat([
              frame(headers, endStream | endHeaders, stream, asked('/')),
              frame(reset, 0, stream, Buffer.from([0, 0, 0, 8])),
            ])
          }),
        ),
      )
    },
  },
  {
    name: 'HTTP/2: continuations without end',
    speaks: 'h2',
    open: socket => {
      socket.resume().write(Buffer.concat([opening, frame(headers, 0, 1, asked('/'))]))
      every(socket, 50, () => frame(continuation, 0, 1, Buffer.alloc(16_000, 0x82)))
    },
  },
  {
    name: 'HTTP/2: settings and pings, never reads',
    speaks: 'h2',
    open: socket => {
      unread(socket, opening)
      every(socket, 100, () =>
        Buffer.concat(
          Array.from({ length: 200 }, () => Buffer.concat([frame(settings, 0, 0), frame(ping, 0, 0, Buffer.alloc(8))])),
        ),
      )
    },
  },
  {
    name: 'HTTP/2: bodies without end',
    speaks: 'h2',
    open: socket => {
      socket.resume().write(Buffer.concat([opening, frame(headers, endHeaders, 1, asked('/'))]))
      every(socket, 100, () => frame(0, 0, 1, Buffer.alloc(1_000)))
    },
  },
]
