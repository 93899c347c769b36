import { connect, type ClientHttp2Session } from 'node:http2'
import { gunzipSync } from 'node:zlib'
import { request } from 'node:https'
import { connect as connectTls } from 'node:tls'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { usualLimits } from '../../src/web/limits.ts'
import { have, needs, runProcess } from '../servers/processes.ts'
import { authority, issue, type Signed } from './pki.ts'
import { lasting, serving, type Served } from './serving.ts'

let ca: Signed
let server: Signed
beforeAll(async () => {
  ca = await authority('servers')
  server = await issue(ca)
})

const secured = (http: object = {}, routePrefix = ''): Promise<Served> =>
  serving({
    config: { tls_server_config: { cert: server.cert, key: server.key }, http_server_config: http },
    routePrefix,
  })

interface Asked {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

interface Answered {
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: Buffer
}

function byHttp1({ port }: Served, { body, ...asked }: Asked): Promise<Answered> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, ca: ca.cert, agent: false, ...asked }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }),
      )
    })
      .on('error', reject)
      .end(body)
  })
}

function byHttp2(session: ClientHttp2Session, { method, path, headers, body }: Asked): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': method, ':path': path, ...headers }, { endStream: body === undefined })
    let answer: Omit<Answered, 'body'> | undefined
    const chunks: Buffer[] = []
    stream.on('response', ({ ':status': status, ...rest }) => (answer = { status, headers: rest }))
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', reject)
    stream.on('close', () =>
      answer ? resolve({ ...answer, body: Buffer.concat(chunks) }) : reject(new Error('there was no answer')),
    )
    if (body !== undefined) stream.end(body)
  })
}

const session2 = ({ port }: Served): ClientHttp2Session => {
  const session = connect(`https://127.0.0.1:${port}`, { ca: ca.cert })
  session.on('error', () => undefined)
  onTestFinished(() => session.destroy())
  return session
}

const get = (path: string, headers?: Asked['headers']): Asked => ({ method: 'GET', path, ...(headers && { headers }) })
const cases: readonly (readonly [Asked, number])[] = [
  [get('/metrics'), 200],
  [get('/metrics', { 'accept-encoding': 'gzip' }), 200],
  [get('/metrics', { accept: 'application/openmetrics-text; version=1.0.0' }), 200],
  [get('/metrics?name[]=x'), 200],
  [{ method: 'HEAD', path: '/metrics' }, 200],
  [{ method: 'HEAD', path: '/metrics', headers: { 'accept-encoding': 'gzip' } }, 200],
  [get('/'), 200],
  [get('/?refresh=off', { 'accept-encoding': 'gzip, deflate, br' }), 200],
  [{ method: 'HEAD', path: '/' }, 200],
  [get('/api/v1/status'), 200],
  [get('/api/v1/status', { 'accept-encoding': 'gzip' }), 200],
  [get('/probe'), 400],
  [get('/probe?probe=fake&target=there'), 404],
  [{ method: 'POST', path: '/probe?probe=fake&target=it' }, 405],
  [get('/failures?probe=fake&target=it'), 200],
  [get('/failures?probe=fake&target=it', { 'accept-encoding': 'gzip' }), 200],
  [get('/failures?probe=fake&target=it&debug=true'), 400],
  [{ method: 'POST', path: '/failures' }, 405],
  [get('/-/healthy'), 200],
  [{ method: 'HEAD', path: '/-/healthy' }, 200],
  [get('/-/ready'), 503],
  [get('/nowhere'), 404],
  [get('/METRICS'), 404],
  [get('/metrics/'), 404],
  [get('/-/reload'), 405],
  [{ method: 'POST', path: '/-/reload' }, 403],
  [{ method: 'POST', path: '/-/reload', headers: { 'content-length': '0' }, body: '' }, 403],
  [{ method: 'POST', path: '/metrics' }, 405],
  [{ method: 'DELETE', path: '/' }, 405],
  [{ method: 'OPTIONS', path: '/metrics' }, 204],
  [{ method: 'TRACE', path: '/metrics' }, 405],
  [{ method: 'POST', path: '/-/reload', headers: { 'content-length': '4' }, body: 'body' }, 413],
  [{ method: 'GET', path: '/metrics', headers: { 'content-length': '4' }, body: 'body' }, 413],
  // Of no declared length: `Transfer-Encoding: chunked`, and nothing at all.
  [{ method: 'POST', path: '/-/reload', body: 'body' }, 413],
]

describe('HTTP/2 and HTTP/1.1 on one port', () => {
  it.each(cases)('answer %j in the same way', async (asked, status) => {
    const web = await secured()
    const one = await byHttp1(web, asked)
    const two = await byHttp2(session2(web), asked)
    expect([one.status, two.status]).toEqual([status, status])
    const comparable = ({ headers, body }: Answered) => {
      // Rendered anew, it may have another length.
      const own = ['date', 'connection', 'keep-alive', ...(status === 200 ? ['content-length'] : [])]
      const rest = Object.fromEntries(Object.entries(headers).filter(([name]) => !own.includes(name)))
      const isZipped = headers['content-encoding'] === 'gzip' && body.length > 0
      return { headers: rest, text: lasting((isZipped ? gunzipSync(body) : body).toString()) }
    }
    expect(comparable(two)).toEqual(comparable(one))
    for (const { headers, body } of status === 204 ? [] : [one, two]) {
      if (asked.method !== 'HEAD') expect(body.length).toBe(Number(headers['content-length']))
      else expect([body.length, Number(headers['content-length']) > 0]).toEqual([0, true])
    }
    const allow = asked.path === '/-/reload' ? 'POST, OPTIONS' : 'GET, HEAD, OPTIONS'
    if (status === 405 || status === 204) expect(two.headers).toMatchObject({ allow })
    expect(two.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' })
  })

  it.each([
    ['/mail/metrics', 200],
    ['/mail/', 200],
    ['/mail', 302],
    ['/metrics', 404],
  ])('find %s below a route prefix in the same way', async (path, status) => {
    const web = await secured({}, '/mail')
    const [one, two] = [await byHttp1(web, get(path)), await byHttp2(session2(web), get(path))]
    expect([one.status, two.status]).toEqual([status, status])
    expect(two.headers['location']).toBe(one.headers['location'])
  })

  it('refuse an answer for which there is no room in the same way', async () => {
    const config = { tls_server_config: { cert: server.cert, key: server.key } }
    // Room for a request, and hardly more.
    const limited = (perRequest: number) => serving({ config, limits: { ...usualLimits, maxHeld: perRequest + 100 } })
    const answers = [
      await byHttp1(await limited(8_192), get('/metrics')),
      await byHttp2(session2(await limited(32_768)), get('/metrics')),
    ]
    for (const { status, headers, body } of answers) {
      expect([status, body.toString()]).toEqual([503, 'too many answers wait to be taken\n'])
      expect(headers).toMatchObject({ 'retry-after': '1' })
    }
  })

  it('are chosen by ALPN; without it, it is HTTP/1.1', async () => {
    const web = await secured()
    const spoken = (ALPNProtocols?: string[]) =>
      new Promise((resolve, reject) => {
        const socket = connectTls({
          host: '127.0.0.1',
          port: web.port,
          ca: ca.cert,
          ...(ALPNProtocols && { ALPNProtocols }),
        })
        socket.on('error', reject).on('secureConnect', () => {
          resolve(socket.alpnProtocol)
          socket.destroy()
        })
      })
    expect([await spoken(['http/1.1', 'h2']), await spoken(['http/1.1']), await spoken()]).toEqual([
      'h2',
      'http/1.1',
      false,
    ])
    expect((await byHttp1(web, get('/-/healthy'))).status).toBe(200)
    await expect(spoken(['spdy/3'])).rejects.toThrow(/alert|disconnected/)
  })

  it.skipIf(!needs('curl', have('curl'), 'apt-get install curl'))('are both spoken with curl', async () => {
    const web = await secured()
    await web.rewrite('ca.crt', ca.cert)
    const curl = async (...more: string[]) => {
      const form = ['--write-out', '%{http_version} %{http_code} %{content_type}', '--output', '/dev/null', '--silent']
      return runProcess('curl', [
        '--cacert',
        `${web.folder}/ca.crt`,
        ...form,
        ...more,
        `https://localhost:${web.port}/metrics`,
      ])
    }
    const served = '200 text/plain; version=0.0.4; charset=utf-8'
    expect(await curl('--http2', '--compressed')).toBe(`2 ${served}`)
    expect(await curl('--http1.1')).toBe(`1.1 ${served}`)
    expect(await curl('--http2', '--data', 'body')).toMatch(/^2 413 /)
    expect(await curl('--http1.1', '--data', 'body', '--header', 'Expect: 100-continue')).toMatch(/^1.1 413 /)
    expect(await curl('--http2', '--head')).toBe(`2 ${served}`)
  })

  it('are one without the other where http2 is off', async () => {
    const web = await secured({ http2: false })
    expect((await byHttp1(web, get('/-/healthy'))).status).toBe(200)
    const failed = new Promise(resolve => session2(web).on('error', resolve))
    expect(String(await failed)).toMatch(/alert|disconnected|no application protocol/i)
  })

  it('have the headers that are set, and ours where none are', async () => {
    const policy = "default-src 'self'"
    const headers = {
      'Content-Security-Policy': policy,
      'Strict-Transport-Security': 'max-age=1',
      'X-XSS-Protection': 0,
    }
    const [own, ours] = [await secured({ headers }), await secured()]
    for (const ask of [byHttp1, (web: Served, asked: Asked) => byHttp2(session2(web), asked)]) {
      for (const path of ['/', '/nowhere', '/metrics'])
        expect((await ask(own, get(path))).headers).toMatchObject({
          'content-security-policy': policy,
          'strict-transport-security': 'max-age=1',
          'x-xss-protection': '0',
        })
      const page = await ask(ours, get('/'))
      expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; .*frame-ancestors 'none'$/)
      for (const banner of ['x-powered-by', 'etag', 'server']) expect(page.headers).not.toHaveProperty(banner)
    }
  })
})
