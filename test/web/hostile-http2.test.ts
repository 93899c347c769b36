import { connect as connectHttp2, constants, type ClientHttp2Session, type Settings } from 'node:http2'
import { connect, type TLSSocket } from 'node:tls'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { floodOf } from '../servers/hostile.ts'
import { authority, issue, type Signed } from './pki.ts'
import { ask, serving, shortLimits, type Served } from './serving.ts'

let ca: Signed
let server: Signed
beforeAll(async () => {
  ca = await authority('servers')
  server = await issue(ca)
})

const secured = (limits = shortLimits): Promise<Served> =>
  serving({ config: { tls_server_config: { cert: server.cert, key: server.key } }, limits })

/** It is another client's turn, on the other version of HTTP and on this one. */
async function stillServes({ port, logged }: Served): Promise<void> {
  expect((await ask({ port }, { path: '/-/healthy', ca: ca.cert })).status).toBe(200)
  expect(await statusOf(session({ port }), { ':path': '/-/healthy' })).toBe(200)
  expect(logged).toEqual([])
}

function session({ port }: { readonly port: number }, ours: Settings = {}): ClientHttp2Session {
  const opened = connectHttp2(`https://127.0.0.1:${port}`, { ca: ca.cert, settings: ours })
  opened.on('error', () => undefined)
  onTestFinished(() => opened.destroy())
  return opened
}

/** The status, or how the stream ended without one. */
const statusOf = (on: ClientHttp2Session, headers: Record<string, string>): Promise<number | string> =>
  new Promise(resolve => {
    const stream = on.request(headers)
    stream.on('response', ({ ':status': status = 0 }) => resolve(status))
    stream.on('error', error => resolve(String(error)))
    stream.on('close', () => resolve('closed')).resume()
  })

/** https://www.rfc-editor.org/rfc/rfc9113#section-4.1 */
function frame(type: number, flags: number, stream: number, payload: Buffer | string = ''): Buffer {
  const body = Buffer.from(payload)
  const first = Buffer.alloc(9)
  first.writeUIntBE(body.length, 0, 3)
  first.writeUInt8(type, 3)
  first.writeUInt8(flags, 4)
  first.writeUInt32BE(stream, 5)
  return Buffer.concat([first, body])
}
const [data, headers, priority, reset, settings, ping, windowUpdate, continuation] = [0, 1, 2, 3, 4, 6, 8, 9] as const
const endStream = 1
const endHeaders = 4
/** `:method GET`, `:scheme https`, `:path /` of the static table (RFC 7541, appendix A), and `:authority a`. */
const get = Buffer.from([0x82, 0x87, 0x84, 0x41, 0x01, 0x61])
const opening = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(settings, 0, 0)])

/** A connection that speaks in frames of its own. */
function rawly({ port }: Served): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca: ca.cert, ALPNProtocols: ['h2'] }, () => {
      socket.off('error', reject).on('error', () => undefined)
      socket.write(opening)
      resolve(socket)
    })
    socket.once('error', reject)
    onTestFinished(() => void socket.destroy())
  })
}

const closed = (socket: TLSSocket): Promise<void> =>
  new Promise(resolve => (socket.destroyed ? resolve() : socket.on('close', () => resolve())))

describe('frames without end', () => {
  const request = frame(headers, endStream | endHeaders, 1, get)
  const open = frame(headers, endHeaders, 1, get)
  it.each<[what: string, opening: Buffer, block: Buffer]>([
    ['settings', Buffer.alloc(0), frame(settings, 0, 0)],
    ['pings', Buffer.alloc(0), frame(ping, 0, 0, '12345678')],
    ['continuations of the headers', frame(headers, 0, 1, get), frame(continuation, 0, 1, '')],
    ['headers that continue', frame(headers, 0, 1, get), frame(continuation, 0, 1, Buffer.alloc(16_000, 0x82))],
    ['data of a stream that was answered', open, frame(data, 0, 1, '')],
    ['updates of a window', request, frame(windowUpdate, 0, 1, Buffer.from([0x7f, 0xff, 0xff, 0xff]))],
    ['resets of a stream that never was', request, frame(reset, 0, 99, Buffer.alloc(4))],
    ['nothing that is a frame', Buffer.alloc(0), Buffer.alloc(9, 0xff)],
  ])('that are %s end the connection', async (_, first, block) => {
    const web = await secured()
    const socket = await rawly(web)
    // It does not read what it is told either.
    socket.pause().write(first)
    const flow = floodOf(block)
    flow.into(socket)
    await closed(socket)
    await stillServes(web)
  })

  it('that mean nothing do no harm', async () => {
    const web = await secured()
    const socket = await rawly(web)
    const flow = floodOf(frame(priority, 0, 1, Buffer.from([0, 0, 0, 3, 1])))
    socket.resume()
    flow.into(socket)
    for (let i = 0; i < 10; i++) await stillServes(web)
  })
})

describe('headers', () => {
  it.each([
    ['one value', { x: 'x'.repeat(70_000) }],
    ['many names', Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`x-${i}`, 'x']))],
  ])('that are too large by %s have no answer but that', async (_, more) => {
    const web = await secured()
    const outcome = await statusOf(session(web), { ':path': '/-/healthy', ...more })
    expect(outcome).not.toBe(200)
    await stillServes(web)
  })

  it('that unpack to thousands of times their size do no harm', async () => {
    const web = await secured()
    const socket = await rawly(web)
    // 4,000 bytes into the dynamic table, and then that entry again and again, a byte each.
    const length = Buffer.from([0x7f, 0xa1, 0x1e])
    const entry = Buffer.concat([Buffer.from([0x40, 0x01, 0x78]), length, Buffer.alloc(4_000, 0x78)])
    const bomb = Buffer.concat([get, entry, Buffer.alloc(12_000, 0xbe)])
    const before = process.memoryUsage().rss
    for (let stream = 1; stream < 64; stream += 2)
      socket.write(
        frame(
          headers,
          endStream | endHeaders,
          stream,
          stream === 1 ? bomb : Buffer.concat([get, Buffer.alloc(16_000, 0xbe)]),
        ),
      )
    await stillServes(web)
    // Kept, they would be 2 GB.
    expect(process.memoryUsage().rss - before).toBeLessThan(500_000_000)
  })
})

describe('streams', () => {
  it('that are opened and reset at once, again and again, end the connection', async () => {
    const web = await secured()
    const socket = await rawly(web)
    socket.resume()
    const over = closed(socket)
    let sent = 0
    for (let id = 1; !socket.destroyed && sent < 50_000; id += 2, sent++) {
      socket.write(
        Buffer.concat([
          frame(headers, endStream | endHeaders, id, get),
          frame(reset, 0, id, Buffer.from([0, 0, 0, 8])),
        ]),
      )
      if (sent % 50 === 0) await new Promise(resolve => setImmediate(resolve))
    }
    await over
    expect(sent).toBeLessThan(50_000)
    await stillServes(web)
  })

  it('of which there are more than it takes at once are refused', async () => {
    const web = await secured()
    const socket = await rawly(web)
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    const all = Array.from({ length: 200 }, (_, i) => frame(headers, endStream | endHeaders, 2 * i + 1, get))
    socket.write(Buffer.concat(all))
    await closed(socket)
    const frames = framesIn(Buffer.concat(chunks))
    const refused = frames.filter(({ type, code }) => type === reset && code === constants.NGHTTP2_REFUSED_STREAM)
    const answered = frames.filter(({ type }) => type === headers)
    expect(answered.length).toBeGreaterThan(0)
    expect(refused.length).toBeGreaterThan(0)
    expect(answered.length + refused.length).toBe(200)
    await stillServes(web)
  })

  it('whose answer the client does not take are ended, even if the connection is kept busy', async () => {
    const web = await secured({ ...shortLimits, answerMs: 500, idleMs: 60_000 })
    const client = session(web, { initialWindowSize: 10 })
    const stream = client.request({ ':path': '/' }).pause()
    stream.on('error', () => undefined)
    const ping = setInterval(() => client.ping(() => undefined), 50)
    await new Promise<void>(resolve => stream.on('close', () => resolve()))
    clearInterval(ping)
    expect(client.destroyed).toBe(false)
    await stillServes(web)
  })
})

/** Type and, of a reset, its code. */
function framesIn(bytes: Buffer): { readonly type: number; readonly code: number | undefined }[] {
  const found = []
  for (let at = 0; at + 9 <= bytes.length;) {
    const length = bytes.readUIntBE(at, 3)
    const type = bytes.readUInt8(at + 3)
    found.push({ type, code: type === reset ? bytes.readUInt32BE(at + 9) : undefined })
    at += 9 + length
  }
  return found
}
