import http from 'node:http'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { HttpFailure, addressOf, httpRequest, type HttpRequest } from '../../src/clients/http.ts'
import { certificates } from '../servers/certificates.ts'
import { cutOff, drip, listen, refusedPort, silent, type Listening } from '../servers/hostile.ts'
import { waitFor } from '../servers/ports.ts'
import { startVaultDouble } from '../servers/vault-double.ts'

const canary = 'canary-Zq7/pS+word'
let stop: AbortController
beforeEach(() => {
  stop = new AbortController()
})
afterEach(() => vi.unstubAllEnvs())

async function open<S extends Listening>(starting: Promise<S>): Promise<S> {
  const server = await starting
  onTestFinished(() => server.close())
  return server
}

const serve = (handler: http.RequestListener) => open(listen(http.createServer(handler)))

const get = (url: string, more: Partial<HttpRequest> = {}) =>
  httpRequest({ method: 'GET', url, headers: { 'X-Vault-Token': canary }, signal: stop.signal, ...more })

async function failure(asked: Promise<unknown>): Promise<HttpFailure> {
  const error: unknown = await asked.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof HttpFailure)) throw new Error(`not an HttpFailure: ${inspect(error)}`)
  expect(inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error) + error.message).not.toContain(canary)
  return error
}

describe('httpRequest', () => {
  it('sends method, headers and body, and takes any status for an answer', async () => {
    const { port } = await serve((request, response) => {
      void request.setEncoding('utf8').on('data', (body: string) => {
        response.writeHead(503, { 'x-seen': `${request.method ?? ''} ${String(request.headers['x-vault-token'])}` })
        response.end(`got ${body}`)
      })
    })
    const answer = await get(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'ä' })
    expect(answer).toMatchObject({ status: 503, body: 'got ä', headers: { 'x-seen': `POST ${canary}` } })
  })

  it('does not follow redirects and uses no proxy of the environment', async () => {
    const elsewhere = await serve((_, response) => response.end())
    vi.stubEnv('http_proxy', `http://127.0.0.1:${elsewhere.port}`)
    vi.stubEnv('HTTP_PROXY', `http://127.0.0.1:${elsewhere.port}`)
    const location = `http://127.0.0.1:${elsewhere.port}/`
    const server = await serve((_, response) => response.writeHead(307, { location }).end())
    expect((await get(`http://127.0.0.1:${server.port}/`)).status).toBe(307)
    expect(elsewhere.accepted).toBe(0)
  })

  it('opens a connection each time and leaves none behind', async () => {
    const server = await serve((_, response) => response.end('{}'))
    await get(`http://127.0.0.1:${server.port}/`)
    await get(`http://127.0.0.1:${server.port}/`)
    expect(server.accepted).toBe(2)
    await waitFor(() => server.connections === 0, { timeoutMs: 500, what: 'the client left' })
  })

  it('refuses a body over 1 MiB', async () => {
    const server = await serve((_, response) => response.end(Buffer.alloc(1_048_577)))
    const error = await failure(get(`http://127.0.0.1:${server.port}/`))
    expect(error.message).toBe(`127.0.0.1:${server.port}: the answer is larger than 1 MiB`)
    await waitFor(() => server.connections === 0, { timeoutMs: 500, what: 'the client left' })
  })

  it.each([
    ['a silent server', () => silent(), 'wait'],
    ['a server that drips headers', () => drip('HTTP/1.1 200 OK\r\n'.repeat(50), 20), 'wait'],
    ['a server that drips the body', () => drip('HTTP/1.1 200 OK\r\n\r\n', 1, { after: 'repeat' }), 'body'],
  ])('leaves %s when the signal aborts', async (_, start, phase) => {
    const server = await open(start())
    const from = performance.now()
    setTimeout(() => stop.abort(new Error('no answer within 0.3 s')), 300)
    const error = await failure(get(`http://127.0.0.1:${server.port}/`))
    expect(error).toMatchObject({ message: `127.0.0.1:${server.port}: no answer within 0.3 s`, phase })
    expect(performance.now() - from).toBeLessThan(1_000)
    await waitFor(() => server.connections === 0, { timeoutMs: 500, what: 'the client left' })
  })

  it('does not connect once the signal has aborted', async () => {
    const server = await open(silent())
    stop.abort(new Error('shutting down'))
    expect((await failure(get(`http://127.0.0.1:${server.port}/`))).message).toContain('shutting down')
    expect(server.accepted).toBe(0)
  })

  it.each([
    ['refuses', refusedPort, 'connect', 'ECONNREFUSED', 'connect ECONNREFUSED'],
    [
      'hangs up',
      () => cutOff(0, { how: 'fin' }),
      'wait',
      'ECONNRESET',
      'the connection was closed before an answer came',
    ],
    [
      'cuts the body',
      () => cutOff(99, { greeting: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"a"' }),
      'body',
      'ECONNRESET',
      'the connection was closed in the middle of the answer',
    ],
    [
      'switches protocols',
      () => cutOff(999, { greeting: 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n' }),
      'wait',
      undefined,
      'the connection was closed',
    ],
  ])('says where a server %s', async (_, start, phase, code, text) => {
    const { port } = await open<Listening>(start())
    const error = await failure(get(`http://127.0.0.1:${port}/`))
    expect(error).toMatchObject({ phase, code })
    expect(error.message).toContain(`127.0.0.1:${port}: ${text}`)
  })

  it('says which name cannot be resolved', async () => {
    const error = await failure(get('http://nowhere.invalid/'))
    expect(error.phase).toBe('dns')
    expect(error.message).toMatch(
      /^nowhere\.invalid:80: the(?:re is no such name| name server).*\((?:ENOTFOUND|EAI_AGAIN)\)$/,
    )
  })

  it('keeps a header that cannot be sent out of the error', async () => {
    await failure(get('http://127.0.0.1:9/', { headers: { 'X-Vault-Token': `${canary}\n` } }))
  })
})

describe('httpRequest over TLS', () => {
  it('trusts the authority it is given', async () => {
    const { ca, good } = await certificates()
    const { port } = await open(startVaultDouble({ token: canary, tls: good }))
    expect((await get(`https://127.0.0.1:${port}/v1/sys/health`, { ca })).status).toBe(200)
    expect((await get(`https://localhost:${port}/v1/sys/health`, { ca })).status).toBe(200)
  })

  it.each(['selfSigned', 'expired', 'wrongName'] as const)('sends nothing to a %s certificate', async which => {
    // The exporter's own requests do not obey it.
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    // Node warns of it once.
    const warning = vi.spyOn(process, 'emitWarning').mockReturnValue()
    onTestFinished(() => warning.mockRestore())
    const made = await certificates()
    const server = await open(startVaultDouble({ token: canary, tls: made[which] }))
    const error = await failure(get(`https://127.0.0.1:${server.port}/`, { ca: made.ca }))
    expect(error.phase).toBe('tls')
    expect(server.requests).toEqual([])
  })

  it('says in short that a port speaks no TLS', async () => {
    const { port } = await open(startVaultDouble({ token: canary }))
    const error = await failure(get(`https://127.0.0.1:${port}/`))
    expect(error.message).toBe(`127.0.0.1:${port}: TLS: wrong version number (EPROTO)`)
    expect(error.phase).toBe('tls')
  })
})

it.each([
  ['https://vault-01', 'vault-01:443'],
  ['http://vault-01/v1', 'vault-01:80'],
  ['https://[::1]:8200', '[::1]:8200'],
])('addressOf(%s) is %s', (url, address) => {
  expect(addressOf(url)).toBe(address)
})
