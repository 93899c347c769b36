import { connect, type Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { waitFor } from '../servers/processes.ts'
import { ask, serving, shortLimits, statusesIn } from '../web/serving.ts'
import { assertAsync, bounded, endsWith, patienceMs, stillServes } from './limits.ts'

/** So short that what never comes to an end by itself is ended while the next ones wait. */
const limits = {
  ...shortLimits,
  headersTimeout: 80,
  requestTimeout: 120,
  keepAliveTimeout: 60,
  connectionsCheckingInterval: 20,
  idleMs: 300,
  answerMs: 300,
}
const endMs = 5_000
const atOnce = 24
const canary = 'Canary7Zq'
const statuses = new Set([200, 204, 400, 401, 403, 404, 405, 408, 413, 414, 417, 429, 431, 501, 503, 505])

const lineEnd = fc.oneof(
  { weight: 80, arbitrary: fc.constant('\r\n') },
  fc.constantFrom('\n', '\r', '\r\r\n', '\n\r', '\r\n ', '\r\n\t', ''),
)
const noise = fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes).toString('latin1'))
const odd = (usual: fc.Arbitrary<string>) => fc.oneof({ weight: 40, arbitrary: usual }, noise, fc.constant(''))

const method = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'OPTIONS', 'TRACE', 'CONNECT', 'PRI', 'get', 'G(T')
const path = fc.constantFrom(
  ...['/', '/metrics', '/failures', '/probe', '/api/v1/status', '/-/ready', '/-/reload', '/nowhere', '*', '//', '/%zz'],
  ...[`/?${canary}`, `/${canary}`, `/probe?probe=${canary}&target=%00`, `/../../${canary}`, '/metrics?collect[]=x'],
  ...[`http://${canary}/metrics`, `https://u:${canary}@a:1/`, `http://[::1/`, `${canary}:443`, `//${canary}/metrics`],
)
const version = fc.constantFrom('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/1.10', '')
const header = fc.oneof(
  fc.constantFrom(
    'Host: a',
    `Host: ${canary}`,
    'Host:',
    'Connection: close',
    'Connection: keep-alive, upgrade',
    'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABkAAQAAP__',
    'Expect: 100-continue',
    'Accept-Encoding: gzip, br;q=0, *',
    'Accept: application/openmetrics-text;version=1.0.0;q=x',
    'Content-Length: 0',
    'Content-Length: 5',
    'Transfer-Encoding: chunked',
    'Authorization: Basic Q2FuYXJ5N1pxOng=',
    `Cookie: ${canary}`,
    `X-Forwarded-Host: ${canary}`,
    `${canary}: ${canary}`,
    `X: ${'x'.repeat(17_000)}`,
  ),
  fc.tuple(noise, noise).map(parts => parts.join(':')),
  fc.integer({ min: 90, max: 2_100 }).map(count => Array<string>(count).fill('a:b').join('\r\n')),
)
const chunks = fc.constantFrom(
  '5\r\nhello\r\n0\r\n\r\n',
  'ffffffffffffffff1\r\n',
  '0\r\n',
  '5;x=y\r\nhel',
  '-1\r\n',
  'xyz',
)
const message = fc
  .record({
    line: fc.tuple(odd(method), odd(path), odd(version)).map(parts => parts.join(' ')),
    headers: fc.array(odd(header), { maxLength: 5 }),
    ends: fc.array(lineEnd, { minLength: 8, maxLength: 8 }),
    body: fc.oneof({ weight: 6, arbitrary: fc.constant('') }, chunks, noise),
  })
  .map(({ line, headers, ends, body }) => {
    const lines = [line, 'Host: exporter', ...headers, '']
    return lines.map((text, at) => text + (ends[at] ?? '\r\n')).join('') + body
  })

const flip = fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.nat(255))
/** A connection of a client: what it sends, in how many pieces, and how it goes. */
const visit = fc.record({
  messages: fc.array(message, { minLength: 1, maxLength: 6 }).map(all => Buffer.from(all.join(''), 'latin1')),
  /** Bytes put in place of others, by where in the whole. */
  flips: fc.oneof({ weight: 3, arbitrary: fc.constant<[number, number][]>([]) }, fc.array(flip, { maxLength: 3 })),
  cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 }),
  /** `last`: with one good request at the end that closes the connection; `deaf`: takes no answer. */
  manner: fc.constantFrom('last', 'last', 'last', 'last', 'last', 'waits', 'deaf', 'half', 'reset'),
})
type Visit = typeof visit extends fc.Arbitrary<infer T> ? T : never

function bytesOf({ messages, flips }: Visit): Buffer {
  const bytes = Buffer.from(messages)
  for (const [where, byte] of flips) bytes[Math.floor(where * bytes.length)] = byte
  return bytes
}

const lastWords = 'GET /-/healthy HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'

/** All that comes back until the server ends the connection, which it has to do by itself. */
function visited(port: number, pieces: readonly Buffer[], manner: Visit['manner']): Promise<string> {
  const over = new Promise<string>(resolve => {
    let text = ''
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    socket.on('error', () => undefined).on('close', () => resolve(text))
    socket.on('end', () => socket.end())
    if (manner !== 'deaf') socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
    const speak = async (): Promise<void> => {
      for (const piece of pieces) {
        socket.write(piece)
        await setImmediate()
      }
      if (manner === 'last') socket.write(lastWords)
      if (manner === 'half') socket.end()
      if (manner === 'reset') socket.resetAndDestroy()
      // Of who takes no answer nothing tells that the connection is gone but a write.
      if (manner === 'deaf') socket.destroy()
    }
    void speak()
  })
  return endsWith(endMs, over)
}

function inPieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map(cut => Math.floor(cut * bytes.length)).sort((a, b) => a - b), bytes.length]
  return places.slice(1).map((to, at) => bytes.subarray(places[at], to))
}

it(
  'answers or refuses whatever is sent, repeats nothing of it, and goes on serving',
  { timeout: patienceMs },
  async () => {
    const web = await serving({ limits })
    const seen = new Set<number>()
    await assertAsync(
      fc.array(visit, { minLength: atOnce, maxLength: atOnce }),
      async visits => {
        const answers = await Promise.all(
          visits.map(async one => {
            const bytes = bytesOf(one)
            return { bytes, text: await visited(web.port, inPieces(bytes, one.cuts), one.manner) }
          }),
        )
        for (const { bytes, text } of answers) {
          expect(text).toMatch(/^$|^HTTP\/1\.1 \d{3} /)
          const got = statusesIn(text)
          for (const status of got) seen.add(status)
          expect(got.filter(status => !statuses.has(status))).toEqual([])
          // A request has a line at least: nothing is answered twice, and no answer is one to nothing.
          expect(got.length).toBeLessThanOrEqual(bytes.toString('latin1').split(/[\r\n]/).length + 1)
          expect(text).not.toContain(canary)
        }
        await stillServes(() => ask(web, { path: '/metrics' }))
        expect(web.logged).toEqual([])
      },
      // A busy machine takes longer for these few, and all of them are needed for the list below.
      bounded(60, 12),
    )
    // Some got as far as that.
    expect([...seen]).toEqual(expect.arrayContaining([200, 400, 404, 405, 413, 431]))
  },
)

const smuggled = 'GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n'
const length = smuggled.length
/** Ways to say that a body follows, which not every proxy reads alike. */
const framings = [
  ...['', ' ', '\t', '  '].map(space => `Content-Length:${space}${length}`),
  ...[`0${length}`, `+${length}`, `-${length}`, `${length} `, `${length}, ${length}`, `${length}, 0`, `${length};`]
    .concat(['0x27', '1e2', `${length}\r\nContent-Length: 0`, `0\r\nContent-Length: ${length}`, '18446744073709551617'])
    .map(value => `Content-Length: ${value}`),
  ...[
    'chunked',
    'Chunked',
    'CHUNKED',
    '\tchunked',
    'chunked ',
    'xchunked',
    'chunkedx',
    'gzip, chunked',
    'chunked, gzip',
  ]
    .concat(['identity', 'identity, chunked', 'chunked;q=1', '"chunked"', '\x0bchunked', 'chunked\x0b', ',chunked'])
    .map(value => `Transfer-Encoding: ${value}`),
  `Content-Length : ${length}`,
  'Transfer-Encoding : chunked',
  '\x00Transfer-Encoding: chunked',
  `content-length: ${length}`,
  'transfer-encoding: chunked',
  `X: y\nTransfer-Encoding: chunked`,
  `X: y\rTransfer-Encoding: chunked`,
]
const hidden = fc.record({
  method: fc.constantFrom('GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'QUERY'),
  path: fc.constantFrom('/metrics', '/', '/nowhere', '/-/reload', 'http://a/metrics'),
  version: fc.constantFrom('1.1', '1.1', '1.1', '1.0'),
  framings: fc.array(fc.constantFrom(...framings), { minLength: 1, maxLength: 3 }),
  more: fc.array(fc.constantFrom('Connection: keep-alive', 'Expect: 100-continue', 'X: y'), { maxLength: 2 }),
  chunk: fc.constantFrom(
    '',
    '0\r\n\r\n',
    '0\r\n',
    '0\n\n',
    '1\r\nZ\r\n0\r\n\r\n',
    '00\r\n\r\n',
    '0;\r\n\r\n',
    '0\r\nX: y\r\n\r\n',
  ),
  cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 2 }),
})

it(
  'never takes what stands in a body, however it is announced, for another request',
  { timeout: patienceMs },
  async () => {
    const web = await serving({ limits })
    await assertAsync(
      fc.array(hidden, { minLength: atOnce, maxLength: atOnce }),
      async all => {
        await Promise.all(
          all.map(async ({ method, path, version, framings, more, chunk, cuts }) => {
            const head = [`${method} ${path} HTTP/${version}`, 'Host: a', ...more, ...framings, '', ''].join('\r\n')
            const bytes = Buffer.from(head + chunk + smuggled, 'latin1')
            const text = await visited(web.port, inPieces(bytes, cuts), 'waits')
            expect(text, head).not.toContain('healthy')
            expect(statusesIn(text).filter(status => status === 200)).toEqual([])
          }),
        )
        await stillServes(() => ask(web, { path: '/metrics' }))
        expect(web.logged).toEqual([])
      },
      bounded(20, 25),
    )
  },
)

it('keeps nothing of who asked many things at once and is gone', { timeout: 60_000 }, async () => {
  // With the time that an answer may take by default: that is how long Node 20 kept each request, and a timer for it.
  const web = await serving()
  const timers = (): number => process.getActiveResourcesInfo().filter(kind => kind === 'Timeout').length
  const before = timers()
  // More than the system holds for who does not read.
  const asked = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(800)
  const sockets = await Promise.all(
    Array.from({ length: 3 }, () => {
      const socket = connect(web.port, '127.0.0.1').pause()
      socket.on('error', () => undefined).write(asked)
      return new Promise<Socket>(resolve => socket.once('connect', () => resolve(socket)))
    }),
  )
  // Behind these, so that what is answered at all has been.
  for (let n = 0; n < 5; n++) await ask(web, { path: '/metrics' })
  for (const socket of sockets) socket.resetAndDestroy()
  // One for the wait itself, and those of connections that are being closed.
  await waitFor(() => timers() < before + 20, { timeoutMs: 20_000, everyMs: 20, what: 'nothing is kept' })
})
