import { createHash } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { connect, type Socket } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { checkOf, fine, never } from '../monitor/checks.ts'
import { lasting, serving } from './serving.ts'

const crowd = 1_000
/** Of which half hang. */
const checks = Array.from({ length: 100 }, (_, i) =>
  checkOf(i % 2 === 0 ? never : () => Promise.resolve(fine), { target: `target ${i}`, timeoutMs: 100_000 }),
)

interface Taken {
  readonly status: number
  /** Of the body without what differs from one scrape to the next. */
  readonly print: string
  readonly bytes: number
}

const sha = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex')
/** By the hash of what was sent: many get the same. */
const known = new Map<string, Omit<Taken, 'status'>>()

function takenIn(sent: Buffer, zipped: boolean): Omit<Taken, 'status'> {
  const seen = known.get(sha(sent))
  if (seen) return seen
  const body = (zipped ? gunzipSync(sent) : sent).toString()
  const taken = { print: sha(lasting(body)), bytes: body.length }
  known.set(sha(sent), taken)
  return taken
}

const connected = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket)).on('error', reject)
  })

/** A scrape on a connection of its own, of which nothing but this is kept. */
function scrape(socket: Socket, zipped: boolean): Promise<Taken> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const accept = zipped ? 'Accept-Encoding: gzip\r\n' : ''
    socket.write(`GET /metrics HTTP/1.1\r\nHost: a\r\n${accept}Connection: close\r\n\r\n`)
    socket.on('error', reject)
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('end', () => {
      const all = Buffer.concat(chunks)
      const border = all.indexOf('\r\n\r\n')
      const head = all.subarray(0, border).toString()
      const sent = all.subarray(border + 4)
      if (sent.length === Number(/content-length: (\d+)/i.exec(head)?.[1]))
        resolve({ status: Number(head.slice(9, 12)), ...takenIn(sent, zipped) })
      else reject(new Error('not the whole of it'))
    })
  })
}

it('a thousand scrapes at once all get the whole, and the same, while probes hang', { timeout: 120_000 }, async () => {
  const web = await serving({ checks })
  const stop = new AbortController()
  // A listener per check.
  setMaxListeners(0, stop.signal)
  const running = web.monitor.runAll(stop.signal)
  const one = await scrape(await connected(web.port), false)
  const sockets = await Promise.all(Array.from({ length: crowd }, () => connected(web.port)))

  let most = 0
  const held = () => process.memoryUsage().arrayBuffers
  const before = held()
  const measuring = setInterval(() => (most = Math.max(most, held() - before)), 5)
  const taken = await Promise.all(sockets.map((socket, i) => scrape(socket, i % 2 === 0)))
  clearInterval(measuring)
  stop.abort(new Error('the test is over'))
  await running

  console.info(`${crowd} scrapes of ${one.bytes} bytes: ${most} bytes of buffers at most`)
  expect(new Set(taken.map(({ status }) => status))).toEqual(new Set([200]))
  expect(new Set(taken.map(({ print }) => print)).size).toBe(1)
  // Half of it is what the clients here have received that do not zip; on the side of the server a body is shared.
  expect(most).toBeLessThan((crowd * one.bytes * 3) / 4)
})
