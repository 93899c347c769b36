import { connect, type TLSSocket } from 'node:tls'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { authority, issue } from '../web/pki.ts'
import { ask, serving, shortLimits } from '../web/serving.ts'
import { assertAsync, bounded, endsWith, patienceMs, stillServes } from './limits.ts'

/** What idles is ended while the next ones wait. */
const limits = { ...shortLimits, idleMs: 300, answerMs: 300 }
const endMs = 5_000
/** Who takes no answer goes after this long. */
const deafMs = 50
const atOnce = 16
const canary = 'Canary7Zq'

/** https://www.rfc-editor.org/rfc/rfc9113#section-4.1 */
interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
  /** In place of that of the payload. */
  readonly length?: number | undefined
}

function bytesOf({ type, flags, stream, payload, length = payload.length }: Frame): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(length & 0xff_ff_ff, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

const frameTypes = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const

/** A header by its names of the static table, or of its own, as a literal without indexing (RFC 7541, section 6.2.2). */
const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value, 'latin1')])
const literal = (name: string, value: string): Buffer => Buffer.concat([Buffer.from([0]), text(name), text(value)])
const [methodGet, schemeHttps, methodPost] = [0x82, 0x87, 0x83]

const short = fc.string({ maxLength: 20 })
const field = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom('/', '/metrics', '/nowhere', `/${canary}`).map(path => literal(':path', path)),
  },
  fc.constantFrom(methodGet, schemeHttps, methodPost).map(byte => Buffer.from([byte])),
  fc
    .constantFrom<[string, string]>(
      [':authority', canary],
      [':authority', 'a'],
      [':method', 'CONNECT'],
      [':method', 'TRACE'],
      [':protocol', 'websocket'],
      [':scheme', 'http'],
      [':status', '200'],
      [':path', '*'],
      ['host', canary],
      ['transfer-encoding', 'chunked'],
      ['connection', 'close'],
      ['content-length', '5'],
      ['content-length', '0'],
      ['te', 'gzip'],
      ['X-Upper', 'a'],
      ['a b', 'c'],
      ['cookie', canary],
      ['x', 'a\r\nX-Canary: 1'],
      ['x', 'a\0b'],
      ['', ''],
    )
    .map(([name, value]) => literal(name, value)),
  fc.tuple(short, short).map(([name, value]) => literal(name, value)),
  // Indices, changes of the table, and Huffman codes of all kinds.
  fc.uint8Array({ maxLength: 12 }).map(bytes => Buffer.from(bytes)),
)
const whole = Buffer.concat([
  Buffer.from([methodGet, schemeHttps]),
  literal(':path', '/-/ready'),
  literal(':authority', 'a'),
])
const block = fc.oneof(
  { weight: 3, arbitrary: fc.constant(whole) },
  fc.array(field, { maxLength: 8 }).map(parts => Buffer.concat(parts)),
  fc.array(field, { maxLength: 3 }).map(parts => Buffer.concat([whole, ...parts])),
)
const stream = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 12 }).map(n => 2 * n + 1) },
  fc.constantFrom(0, 0, 2, 0x7fffffff, 0xffffffff),
)
const payloadOf: Readonly<Record<keyof typeof frameTypes, fc.Arbitrary<Buffer>>> = {
  data: fc.uint8Array({ maxLength: 60 }).map(bytes => Buffer.from(bytes)),
  headers: block,
  reset: fc.nat(14).map(code => Buffer.from([0, 0, 0, code])),
  settings: fc
    .array(fc.tuple(fc.nat(10), fc.constantFrom(0, 1, 2, 100, 16_384, 0x7fffffff, 0xffffffff)), { maxLength: 4 })
    .map(pairs =>
      Buffer.concat(
        pairs.map(([id, value]) => {
          const bytes = Buffer.alloc(6)
          bytes.writeUInt16BE(id, 0)
          bytes.writeUInt32BE(value, 2)
          return bytes
        }),
      ),
    ),
  ping: fc.constant(Buffer.from('12345678')),
  goaway: fc.nat(14).map(code => Buffer.from([0, 0, 0, 0, 0, 0, 0, code, 65])),
  windowUpdate: fc.constantFrom(0, 1, 65_535, 0x7fffffff, 0xffffffff).map(size => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(size)
    return bytes
  }),
  continuation: block,
}
/** 4: the last of its headers. 1: the last of its stream, or an acknowledgement. */
const flags = fc.oneof({ weight: 6, arbitrary: fc.constant(5) }, fc.constantFrom(0, 1, 4, 8, 0x20, 0x2d, 0xff))
const usual = fc
  .constantFrom<keyof typeof frameTypes>(
    'headers',
    'headers',
    'headers',
    ...(Object.keys(frameTypes) as (keyof typeof frameTypes)[]),
  )
  .chain(kind => {
    const own = kind === 'settings' || kind === 'ping' ? fc.constantFrom(0, 0, 0, 1) : flags
    const on = kind === 'settings' || kind === 'ping' || kind === 'goaway' ? fc.constant(0) : stream
    return fc.record({ type: fc.constant<number>(frameTypes[kind]), flags: own, stream: on, payload: payloadOf[kind] })
  })
const bytes = fc.uint8Array({ maxLength: 60 }).map(all => Buffer.from(all))
const frame: fc.Arbitrary<Frame> = fc.oneof(
  { weight: 30, arbitrary: usual },
  fc.record({ type: fc.nat(255), flags: fc.nat(255), stream, payload: bytes }),
  fc.record({
    type: fc.nat(9),
    flags,
    stream,
    payload: bytes,
    length: fc.constantFrom(0, 1, 16_384, 16_385, 0xffffff),
  }),
)
const visit = fc.record({
  preface: fc.oneof(
    { weight: 12, arbitrary: fc.constant('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n') },
    fc.constantFrom('', 'PRI * HTTP/2.0\r\n\r\nSM\r\n', 'GET / HTTP/1.1\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n'),
  ),
  settings: fc.oneof({ weight: 6, arbitrary: fc.constant(Buffer.alloc(0)) }, payloadOf.settings),
  frames: fc.array(frame, { maxLength: 12 }),
  flips: fc.oneof(
    { weight: 3, arbitrary: fc.constant<[number, number][]>([]) },
    fc.array(fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.nat(255)), { maxLength: 3 }),
  ),
  manner: fc.constantFrom('ends', 'ends', 'ends', 'waits', 'resets', 'deaf'),
})
type Visit = typeof visit extends fc.Arbitrary<infer T> ? T : never

function spoken({ preface, settings, frames, flips }: Visit): Buffer {
  const first = bytesOf({ type: frameTypes.settings, flags: 0, stream: 0, payload: settings })
  const all = Buffer.concat([Buffer.from(preface), first, ...frames.map(bytesOf)])
  for (const [where, byte] of flips) all[Math.floor(where * all.length)] = byte
  return all
}

/** All that comes back until the connection is closed. */
function visited(port: number, ca: string, words: Buffer, manner: Visit['manner']): Promise<Buffer> {
  const over = new Promise<Buffer>(resolve => {
    const chunks: Buffer[] = []
    const socket: TLSSocket = connect({ host: '127.0.0.1', port, ca, ALPNProtocols: ['h2'] }, () => {
      socket.write(words)
      // What is answered at once is, before the end is heard of.
      if (manner === 'ends') setImmediate(() => socket.end())
      if (manner === 'resets') socket.destroy()
      if (manner === 'deaf') setTimeout(() => socket.destroy(), deafMs)
      else socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    })
    socket.on('error', () => undefined).on('close', () => resolve(Buffer.concat(chunks)))
  })
  return endsWith(endMs, over)
}

/** Types of the frames in what came; undefined where it is not made of whole frames. */
function typesIn(came: Buffer): number[] | undefined {
  const types: number[] = []
  for (let at = 0; at + 9 <= came.length;) {
    types.push(came[at + 3] ?? 0)
    at += 9 + came.readUIntBE(at, 3)
    if (at > came.length) return undefined
  }
  return types
}

it('answers or refuses any frames, repeats nothing of them, and goes on serving', { timeout: patienceMs }, async () => {
  const ca = await authority('servers')
  const server = await issue(ca)
  const web = await serving({ config: { tls_server_config: { cert: server.cert, key: server.key } }, limits })
  let answered = 0
  let refused = 0
  await assertAsync(
    fc.array(visit, { minLength: atOnce, maxLength: atOnce }),
    async visits => {
      await Promise.all(
        visits.map(async one => {
          const words = spoken(one)
          const came = await visited(web.port, ca.cert, words, one.manner)
          // HTTP/1 in the middle of a connection that was agreed to be none would be another protocol's answer.
          expect(came.toString('latin1')).not.toMatch(/^HTTP\//)
          expect(came.toString('latin1')).not.toContain(canary)
          const types = typesIn(came) ?? []
          const count = (type: number): number => types.filter(given => given === type).length
          // No more than was asked for: with a bound of the length there is one on the number of requests.
          expect(count(frameTypes.headers)).toBeLessThanOrEqual(words.length / 9)
          if (count(frameTypes.headers) > 0) answered++
          if (count(frameTypes.goaway) + count(frameTypes.reset) > 0) refused++
        }),
      )
      await stillServes(() => ask({ port: web.port }, { path: '/metrics', ca: ca.cert }))
      expect(web.logged).toEqual([])
    },
    bounded(20, 5),
  )
  // Some got as far as that.
  expect(Math.min(answered, refused)).toBeGreaterThan(0)
})
