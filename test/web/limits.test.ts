import { connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { waitFor } from '../servers/processes.ts'
import { authority, issue } from './pki.ts'
import { ask, said, serving, shortLimits, statusesIn, type Served } from './serving.ts'

const patient = {
  ...shortLimits,
  headersTimeout: 30_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 30_000,
  idleMs: 30_000,
}
const get = (path: string, ...more: string[]): string =>
  [`GET ${path} HTTP/1.1`, 'Host: a', ...more, '', ''].join('\r\n')

interface Client {
  readonly socket: Socket
  readonly heard: () => string
}

function client({ port }: Served, words = ''): Promise<Client> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => resolve({ socket, heard: () => text }))
    socket.once('error', reject).on('error', () => undefined)
    socket.on('data', chunk => (text += chunk.toString('latin1')))
    if (words !== '') socket.write(words)
    onTestFinished(() => void socket.destroy())
  })
}
const until = (what: string, holds: () => boolean) =>
  waitFor(() => Promise.resolve(holds()), { what, timeoutMs: 15_000 })
const isOver = ({ socket }: Client): boolean => socket.destroyed || socket.readyState !== 'open'
const refusedIn = async (web: Served): Promise<Record<string, number>> => {
  const { body } = await ask(web, { path: '/metrics' })
  const lines = body.matchAll(/^mailpath_http_connections_refused_total\{reason="(\w+)"\} ([1-9]\d*)$/gm)
  const entries = [...lines].map(([, reason = '', count]): [string, number] => [reason, Number(count)])
  return Object.fromEntries(entries)
}

describe('requests that come before the answer to the one before', () => {
  it('are answered in their order, however they are cut', async () => {
    const web = await serving()
    const words = [get('/-/healthy'), get('/nowhere'), '\r\n', get('/-/ready'), get('/-/healthy', 'Connection: close')]
    const inOrder = [200, 404, 503, 200]
    const all = words.join('')
    expect(statusesIn(await said(web.port, all))).toEqual(inOrder)
    for (const size of [1, 2, 3, 7, 50]) {
      const text = await said(web.port, '', socket => {
        socket.setNoDelay()
        for (let at = 0; at < all.length; at += size) socket.write(all.slice(at, at + size))
      })
      expect(statusesIn(text)).toEqual(inOrder)
    }
  })

  it('are not looked at where there are too many: the answer under way is the last, and says so', async () => {
    const web = await serving()
    const text = await said(web.port, get('/metrics').repeat(500))
    expect(statusesIn(text)).toEqual([200])
    expect(text).toMatch(/^Connection: close\r$/m)
    expect(text).toContain('mailpath_build_info{')
    expect(await refusedIn(web)).toEqual({ too_early: 1 })
    // None of the others was so much as counted. In the second that follows, what is counted is told.
    const counted = async () => {
      const { body } = await ask(web, { path: '/metrics' })
      return Number(/^mailpath_http_requests_total\{handler="\/metrics",code="200"\} (\d+)$/m.exec(body)?.[1] ?? 0)
    }
    await waitFor(async () => (await counted()) > 0, { what: 'requests are counted', everyMs: 300 })
    expect(await counted()).toBeLessThan(20)
  })

  it('cut the connection where they do not end', async () => {
    const web = await serving({ limits: { ...patient, answerMs: 30_000 } })
    const { socket } = await client(web)
    socket.pause()
    const flow = setInterval(() => socket.write(get('/').repeat(1_000)), 5)
    onTestFinished(() => clearInterval(flow))
    await until('the connection is cut', () => socket.destroyed)
    expect((await ask(web, { path: '/-/healthy' })).status).toBe(200)
  })
})

describe('more connections than there may be', () => {
  const limits = { ...patient, maxConnections: 12, maxPerAddress: 8 }

  it('of one address end those that have not asked, the oldest first, and none that was answered', async () => {
    const web = await serving({ limits })
    const scraper = await client(web, get('/-/healthy'))
    await until('it is answered', () => statusesIn(scraper.heard()).length === 1)
    const silent: Client[] = []
    for (let i = 0; i < 20; i++) silent.push(await client(web))
    await until('most have ended', () => silent.filter(isOver).length === 13)
    expect(silent.slice(-7).some(isOver)).toBe(false)
    scraper.socket.write(get('/-/healthy'))
    await until('the scraper is answered', () => statusesIn(scraper.heard()).length === 2)
    expect(await refusedIn(web)).toEqual({ gave_way: 14 })
  })

  it('are refused with an answer where all the others are in use', async () => {
    const web = await serving({ limits })
    const kept: Client[] = []
    for (let i = 0; i < 8; i++) kept.push(await client(web, get('/-/healthy')))
    await until('all are answered', () => kept.every(({ heard }) => statusesIn(heard()).length === 1))
    const refused = await said(web.port, get('/metrics'))
    expect(refused).toMatch(/^HTTP\/1\.1 503 .*^Connection: close.*too many connections\n$/ms)
    expect(kept.some(isOver)).toBe(false)
    kept[0]?.socket.destroy()
    // Its place is free again.
    await waitFor(async () => statusesIn(await said(web.port, get('/-/healthy', 'Connection: close')))[0] === 200, {
      what: 'there is a place',
    })
    expect(await refusedIn(web)).toMatchObject({ address: expect.any(Number) as number })
  })

  it('of an address that has most make room for one that has less', async () => {
    const web = await serving({ limits: { ...limits, maxConnections: 8 }, places: [{ host: '::', port: 0 }] })
    const kept: Client[] = []
    for (let i = 0; i < 8; i++) {
      kept.push(await client(web, get('/-/healthy')))
      await until('it is answered', () => statusesIn(kept.at(-1)?.heard() ?? '').length === 1)
    }
    expect((await ask(web, { path: '/-/healthy', host: '127.0.0.1', localAddress: '127.0.0.9' })).status).toBe(200)
    // The youngest of those that are idle.
    await until('one has ended', () => kept.some(isOver))
    expect(kept.map(isOver)).toEqual([...Array<boolean>(7).fill(false), true])
  })
})

describe('answers that the client does not take', () => {
  it('are bounded over all connections: who takes none goes, and who takes his stays', async () => {
    const web = await serving({ limits: { ...patient, answerMs: 60_000, maxHeld: 20 * 8_192 + 200_000 } })
    const scraper = await client(web, get('/metrics'))
    await until('it is answered', () => statusesIn(scraper.heard()).length === 1)
    const greedy: Client[] = []
    for (let i = 0; i < 30; i++) {
      const one = await client(web)
      one.socket.pause()
      // More than the system keeps for one that does not read.
      const timer = setInterval(() => one.socket.write(get('/metrics').repeat(20)), 10)
      one.socket.on('close', () => clearInterval(timer))
      greedy.push(one)
    }
    await until('some have ended', () => greedy.some(({ socket }) => socket.destroyed))
    for (const one of greedy) one.socket.destroy()
    scraper.socket.write(get('/metrics'))
    await until('the scraper is answered', () => statusesIn(scraper.heard()).length === 2)
  })

  it('are bounded over all streams of HTTP/2: those beyond end, and the connections of others serve', async () => {
    const ca = await authority('servers')
    const server = await issue(ca)
    const web = await serving({
      config: { tls_server_config: { cert: server.cert, key: server.key } },
      limits: { ...patient, maxHeld: 40 * 32_768 },
    })
    const session = (initialWindowSize: number) => {
      const one = connectHttp2(`https://127.0.0.1:${web.port}`, { ca: ca.cert, settings: { initialWindowSize } })
      one.on('error', () => undefined)
      onTestFinished(() => one.destroy())
      return one
    }
    const statusOf = (on: ReturnType<typeof session>): Promise<number | string> =>
      new Promise(resolve => {
        const stream = on.request({ ':path': '/-/healthy' })
        stream.on('response', ({ ':status': status = 0 }) => resolve(status))
        stream.on('error', error => resolve(String(error))).resume()
      })
    const scraper = session(65_535)
    expect(await statusOf(scraper)).toBe(200)
    const outcomes: string[] = []
    for (let i = 0; i < 4; i++) {
      const one = session(0)
      for (let n = 0; n < 30; n++)
        one
          .request({ ':path': '/-/healthy' })
          .on('error', () => undefined)
          .on('close', () => outcomes.push('closed'))
          .resume()
    }
    await until('some are refused', () => outcomes.length > 0)
    await waitFor(async () => (await statusOf(scraper)) === 200, { what: 'the scraper is served', timeoutMs: 15_000 })
    expect(scraper.destroyed).toBe(false)
  })
})
