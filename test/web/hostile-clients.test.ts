import { hash } from '@node-rs/bcrypt'
import { connect, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { endpoints as table } from '../../src/web/endpoints.ts'
import { usualLimits } from '../../src/web/limits.ts'
import { floodOf } from '../servers/hostile.ts'
import { waitFor } from '../servers/processes.ts'
import { ask, basic, said, serving, shortLimits, statusesIn, type Served } from './serving.ts'

/** What each test does to the server, it must go on serving. */
async function stillServes({ port, logged }: Served): Promise<void> {
  expect((await ask({ port }, { path: '/-/healthy' })).status).toBe(200)
  expect(logged).toEqual([])
}

const readable = ['/metrics', '/', '/failures', '/incidents', '/api/v1/status', '/probe', '/-/healthy', '/-/ready']
const endpoints = [...readable, '/-/reload', '/nowhere']
it('knows every endpoint', () => {
  expect(endpoints.toSorted()).toEqual([...table.map(({ path }) => path), '/nowhere'].sort())
})
const head = (line: string, ...more: string[]): string => [line, 'Host: exporter', ...more, '', ''].join('\r\n')

describe('a request that is too large', () => {
  it.each([
    ['header', head('GET / HTTP/1.1', `X: ${'x'.repeat(20_000)}`)],
    ['target', head(`GET /${'x'.repeat(20_000)} HTTP/1.1`)],
    ['query', head(`GET /?${'x'.repeat(20_000)} HTTP/1.1`)],
    ['number of headers', head('GET / HTTP/1.1', ...Array<string>(2_001).fill('a: b'), 'Transfer-Encoding: chunked')],
    ['many headers in a few bytes', head('GET / HTTP/1.1', ...Array<string>(120).fill('a:'))],
    ['header that never ends', `GET / HTTP/1.1\r\nX: ${'x'.repeat(200_000)}`],
  ])('by its %s is refused, and the connection with it', async (_, words) => {
    const web = await serving()
    expect(statusesIn(await said(web.port, words))).toEqual([431])
    await stillServes(web)
  })
})

describe('a body', () => {
  it.each(endpoints)('is not read by %s, however it is announced, and ends the connection', async path => {
    const web = await serving()
    for (const method of ['GET', 'POST', 'PUT', 'DELETE'])
      for (const header of ['Content-Length: 1000000', 'Transfer-Encoding: chunked'])
        // The second request is what came on the connection behind it, and nobody's any more.
        expect(statusesIn(await said(web.port, head(`${method} ${path} HTTP/1.1`, header) + 'x'.repeat(100)))).toEqual([
          413,
        ])
    await stillServes(web)
  })

  it('without an end is cut off', async () => {
    const web = await serving()
    const flow = floodOf('400\r\n' + 'x'.repeat(1_024) + '\r\n')
    const words = head('POST /metrics HTTP/1.1', 'Transfer-Encoding: chunked')
    await said(web.port, words, socket => flow.into(socket))
    // What the system holds for who does not read it.
    expect(flow.sent()).toBeLessThan(48 * 1_048_576)
    await stillServes(web)
  })

  it('is not invited', async () => {
    const web = await serving()
    const invited = head('POST /metrics HTTP/1.1', 'Expect: 100-continue', 'Content-Length: 10')
    expect(statusesIn(await said(web.port, invited))).toEqual([413])
    const bodiless = (expectation: string) =>
      said(web.port, head('GET /-/healthy HTTP/1.1', `Expect: ${expectation}`, 'Connection: close'))
    expect(statusesIn(await bodiless('100-continue'))).toEqual([200])
    expect(statusesIn(await bodiless('something-else'))).toEqual([200])
    await stillServes(web)
  })

  it('is not read for who has no right to be here, or asks too often', async () => {
    const users = { alice: await hash('right', 4) }
    const words = head('GET / HTTP/1.1', 'Content-Length: 100') + 'x'
    for (const config of [{ basic_auth_users: users }, { rate_limit: { interval: '1h', burst: 1 } }]) {
      const web = await serving({ config })
      await ask(web, { path: '/' })
      expect(statusesIn(await said(web.port, words))).toEqual([413])
    }
  })
})

describe('a client that takes its time', () => {
  const drip = (text: string, everyMs: number) => (socket: ReturnType<typeof connect>) => {
    const timer = setInterval(() => socket.write(text), everyMs)
    socket.on('close', () => clearInterval(timer))
  }

  it.each([
    ['says nothing', '', () => undefined],
    ['begins and goes no further', 'GET /metr', () => undefined],
    ['sends a header now and then', 'GET / HTTP/1.1\r\n', drip('a: b\r\n', 40)],
    ['sends a letter now and then', '', drip('G', 40)],
    ['sends line breaks now and then', '', drip('\r\n', 40)],
  ])('%s, is cut off', async (_, words, onOpen) => {
    const web = await serving({ limits: shortLimits })
    expect(statusesIn(await said(web.port, words, onOpen)).filter(status => status !== 408 && status !== 400)).toEqual(
      [],
    )
    await stillServes(web)
  })

  it('keeps its connection for a while after an answer, and not for ever', async () => {
    const web = await serving({ limits: shortLimits })
    const text = await said(web.port, head('GET /-/healthy HTTP/1.1'), socket => {
      // Within the time of keep-alive: a second request on the same connection.
      setTimeout(() => socket.write(head('GET /-/healthy HTTP/1.1')), shortLimits.keepAliveTimeout / 3)
    })
    expect(statusesIn(text)).toEqual([200, 200])
  })

  /** Far more answers than the system keeps for one that does not read. */
  const greedy = head('GET / HTTP/1.1').repeat(5_000)
  /** Paused, it does not see that it was closed: its writes tell. */
  const asksForMuch = ({ port }: Served): Socket => {
    const socket = connect(port, '127.0.0.1').pause()
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => undefined)
    socket.write(greedy)
    return socket
  }

  it('never reads, is cut off, and was answered no more than the system keeps for it', async () => {
    const web = await serving({ limits: shortLimits })
    const socket = asksForMuch(web)
    await waitFor(
      () => {
        socket.write('x')
        return socket.destroyed
      },
      { timeoutMs: 20_000, what: 'the server has closed the connection' },
    )
    const text = (await ask(web, { path: '/metrics' })).body
    const answered = Number(/^mailpath_http_requests_total\{handler="\/",code="200"\} (\d+)$/m.exec(text)?.[1])
    expect(answered).toBeLessThan(5_000)
    await stillServes(web)
  })

  it('reads a little now and then, is cut off as well', async () => {
    // The connection is never idle for so long.
    const limits = { ...usualLimits, headersTimeout: 60_000, requestTimeout: 60_000, answerMs: 500 }
    const web = await serving({ limits })
    const socket = asksForMuch(web)
    await waitFor(
      () => {
        socket.read(50_000)
        return socket.destroyed || socket.readableEnded
      },
      { timeoutMs: 20_000, what: 'the server has closed the connection' },
    )
    await stillServes(web)
  })
})

describe('a request that two servers could read in two ways', () => {
  const hidden = head('GET /-/healthy HTTP/1.1')
  it.each([
    ['Content-Length and Transfer-Encoding', ['Content-Length: 5', 'Transfer-Encoding: chunked'], `0\r\n\r\n${hidden}`],
    ['Transfer-Encoding and Content-Length', ['Transfer-Encoding: chunked', 'Content-Length: 5'], `0\r\n\r\n${hidden}`],
    ['two lengths', ['Content-Length: 0', 'Content-Length: 44'], hidden],
    ['a list of lengths', ['Content-Length: 0, 44'], hidden],
    ['a length with a sign', ['Content-Length: +0'], hidden],
    ['a length that is negative', ['Content-Length: -1'], hidden],
    ['a length in hexadecimal', ['Content-Length: 0x0'], hidden],
    ['an empty length', ['Content-Length:'], hidden],
    ['chunks that are not last', ['Transfer-Encoding: chunked, identity'], `0\r\n\r\n${hidden}`],
    ['chunks in disguise', ['Transfer-Encoding: xchunked'], `0\r\n\r\n${hidden}`],
    ['a space before the colon', ['Transfer-Encoding : chunked'], `0\r\n\r\n${hidden}`],
    ['a header over two lines', ['X: a', ' Content-Length: 44'], hidden],
    ['a header without a colon', ['Content-Length 44'], hidden],
    ['a bare line feed', ['X: a\nContent-Length: 44'], hidden],
    ['a bare carriage return', ['X: a\rContent-Length: 44'], hidden],
    ['a NUL', ['X: a\0Content-Length: 44'], hidden],
  ])('by %s is refused, and what is behind it not looked at', async (_, headers, behind) => {
    const web = await serving()
    const statuses = statusesIn(await said(web.port, head('POST / HTTP/1.1', ...headers) + behind))
    // It is a bad request, or one with a body.
    expect([[400], [413]]).toContainEqual(statuses)
    await stillServes(web)
  })

  it.each([
    'GET / HTTP/2.0',
    'GET / HTTP/3.0',
    'GET /',
    'GET  / HTTP/1.1',
    ' GET / HTTP/1.1',
    'get / HTTP/1.1',
    'PRI * HTTP/2.0',
  ])('by its first line (%s) leads to nothing worse than an answer', async line => {
    const web = await serving({ limits: shortLimits })
    const statuses = statusesIn(await said(web.port, head(line, 'Connection: close')))
    expect(statuses.filter(status => status !== 200 && status !== 400 && status !== 408)).toEqual([])
    await stillServes(web)
  })
})

describe('a method that an endpoint has not', () => {
  const others = ['PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND', 'SEARCH', 'LINK']

  it.each(endpoints.filter(path => path !== '/nowhere'))('of %s is refused with those that it has', async path => {
    const web = await serving()
    const allowed = path === '/-/reload' ? ['POST'] : ['GET', 'HEAD']
    const wrong = ['GET', 'HEAD', 'POST'].filter(method => !allowed.includes(method))
    for (const method of [...others, ...wrong]) {
      const { status, headers } = await ask(web, { path, method, headers: { 'Content-Length': 0 } })
      expect([method, status, headers.allow]).toEqual([method, 405, [...allowed, 'OPTIONS'].join(', ')])
    }
    await stillServes(web)
  })

  it('repeats nothing of a TRACE, and tunnels no CONNECT', async () => {
    const web = await serving({ limits: shortLimits })
    const elsewhere = await serving()
    const traced = await said(web.port, head('TRACE / HTTP/1.1', 'Cookie: canary=1', 'Connection: close'))
    expect(statusesIn(traced)).toEqual([405])
    expect(traced).not.toContain('canary')
    for (const target of [`127.0.0.1:${elsewhere.port}`, '/', '/metrics'])
      expect(await said(web.port, head(`CONNECT ${target} HTTP/1.1`))).toBe('')
    const upgraded = head('GET /-/healthy HTTP/1.1', 'Connection: upgrade', 'Upgrade: websocket')
    expect(statusesIn(await said(web.port, upgraded))).toEqual([200])
    await stillServes(web)
  })
})

describe('a target', () => {
  const outside = [
    '/../../etc/passwd',
    '/..%2f..%2fetc%2fpasswd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/%252e%252e/etc/passwd',
    '/..\\..\\etc\\passwd',
    '/..%5c..%5cetc%5cpasswd',
    '/....//....//etc/passwd',
    '/%c0%ae%c0%ae/etc/passwd',
    '/metrics/../package.json',
    '/metrics/..;/package.json',
    '/./package.json',
    '/package.json',
    '/src/main.ts',
    '/mailpath.yml',
    '/metrics%00.html',
    '/metrics%20',
    '/metrics;x',
    '/metrics/',
    '/METRICS',
    '//metrics',
    '//example.org/metrics',
    '/%2fmetrics',
    '/m%65trics',
    '/%zz',
    '/%',
    '/-/',
    '/-/healthy/..',
    '/__proto__',
    '/constructor',
    'file:///etc/passwd',
    'ftp://example.org/metrics',
    'example.org',
    '*',
  ]

  it('that is no endpoint leads to no file, and looks the same for all', async () => {
    const web = await serving()
    const whole = async (target: string) => {
      const text = await said(web.port, head(`GET ${target} HTTP/1.1`, 'Connection: close'))
      return [statusesIn(text)[0], text.split('\r\n\r\n')[1]]
    }
    for (const target of outside) {
      const [status, body] = await whole(target)
      // Not even a target, by the grammar, or none of ours.
      expect([target, status === 400 || (status === 404 && body === 'not found; see /\n')]).toEqual([target, true])
    }
    await stillServes(web)
  })

  it('in absolute form is that of its path, whatever host it names', async () => {
    const web = await serving()
    for (const target of ['http://example.org/-/healthy', 'HTTPS://user@example.org:1/-/healthy?a=b'])
      expect(await said(web.port, head(`GET ${target} HTTP/1.1`, 'Connection: close'))).toMatch(
        /^HTTP\/1\.1 200 .*healthy\n$/s,
      )
    await stillServes(web)
  })

  it('puts no header into an answer, nor anything into a page', async () => {
    const web = await serving()
    const evil = '%0d%0aX-Canary:%20<script>canary</script>%0d%0a%0d%0a'
    const raw = '<script>canary</script>"\'\\'
    for (const path of endpoints)
      for (const [target, host] of [
        [`${path}${evil}`, 'a'],
        [`${path}?refresh=${evil}`, 'a'],
        [`${path}?${raw.replaceAll(/["<>\\]/g, encodeURIComponent)}`, 'a'],
        [path, 'canary.example"><script>'],
        [path, 'canary:1/@%0d%0aX-Canary:1'],
      ] as const) {
        const text = await said(
          web.port,
          `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nX-Forwarded-Host: canary\r\nConnection: close\r\n\r\n`,
        )
        expect(text).not.toMatch(/canary/i)
      }
    await stillServes(web)
  })
})

describe('every answer', () => {
  it('has the headers that make a browser careful, and says nothing of what made it', async () => {
    const known = { alice: await hash('right', 4) }
    const web = await serving({ config: { basic_auth_users: known, rate_limit: { interval: '1h', burst: 14 } } })
    const alice = basic('alice', 'right')
    const answers = []
    for (const path of endpoints) answers.push(await ask(web, { path, headers: alice }))
    answers.push(await ask(web, { path: '/-/reload', method: 'POST', headers: alice }))
    answers.push(await ask(web, { path: '/metrics', method: 'HEAD', headers: alice }))
    answers.push(await ask(web, { path: '/metrics', method: 'PUT', headers: { ...alice, 'Content-Length': 0 } }))
    answers.push(await ask(web, { path: '/metrics' }))
    answers.push(await ask(web, { path: '/metrics', headers: alice }))
    answers.push(await ask(web, { path: '/metrics', headers: { 'Content-Length': 4 } }))
    const statuses = answers.map(({ status }) => status)
    expect(statuses).toEqual([200, 200, 200, 200, 200, 400, 200, 503, 405, 404, 403, 200, 405, 401, 429, 413])
    for (const { headers } of answers) {
      expect(headers).toMatchObject({
        'content-security-policy': expect.stringMatching(/^default-src 'none';.* frame-ancestors 'none'$/) as string,
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
      })
      for (const banner of ['server', 'x-powered-by', 'via', 'etag', 'last-modified', 'access-control-allow-origin'])
        expect(headers).not.toHaveProperty(banner)
    }
  })

  it('is counted by endpoint and status, of which there are few, whatever was asked for', async () => {
    const web = await serving()
    for (let i = 0; i < 300; i++) {
      const method = ['GET', 'POST', 'PUT', 'PURGE'][i % 4] ?? ''
      await said(
        web.port,
        head(`${method} /${i}/../${'x'.repeat(i)}?${i} HTTP/1.1`, 'Connection: close', 'Content-Length: 0'),
      )
    }
    const { body } = await ask(web, { path: '/metrics' })
    expect(body.match(/^mailpath_http_requests_total\{.*$/gm)).toEqual([
      'mailpath_http_requests_total{handler="other",code="404"} 300',
    ])
  })
})
