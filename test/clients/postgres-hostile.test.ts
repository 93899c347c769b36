import net from 'node:net'
import fc from 'fast-check'
import { expect, it, onTestFinished } from 'vitest'
import { postgres } from '../../src/probes/postgres/index.ts'
import { listen } from '../servers/hostile.ts'
import { env, look } from '../probes/look.ts'

/** A server that answers whatever it hears with these bytes, after a login that succeeds at once or not at all. */
async function answering(bytes: Buffer): Promise<number> {
  const server = await listen(
    net.createServer(socket => {
      socket.on('error', () => undefined)
      let heard = 0
      socket.on('data', () => socket.write(heard++ === 0 ? 'N' : bytes))
    }),
    {},
  )
  onTestFinished(() => server.close())
  return server.port
}

const message = (type: string, body: Buffer, length = body.length + 4): Buffer => {
  const head = Buffer.alloc(5)
  head.write(type, 0, 'latin1')
  head.writeInt32BE(length, 1)
  return Buffer.concat([head, body])
}

async function verdictOn(bytes: Buffer) {
  const port = await answering(bytes)
  const target = postgres.target.parse({
    name: 'x',
    cluster: 'kb',
    url: `postgres://a@127.0.0.1:${port}/b`,
    password: { env: 'P' },
  })
  const seen = await look(postgres, target, { timeoutMs: 150, references: env({ P: 'x' }) })
  return seen?.verdict
}

const authenticated = Buffer.concat([message('R', Buffer.from([0, 0, 0, 0])), message('Z', Buffer.from('I'))])

// Each of these freezes or ends a process that gives it to the parser of node-postgres as it is.
it.each([
  ['an error without its final zeros', message('E', Buffer.from('SFATAL'))],
  ['an error that ends in the middle of a field', message('E', Buffer.from('SFATAL\0Mx\0C'))],
  ['a length of -1', message('Z', Buffer.from('I'), -1)],
  ['a length of 0', message('Z', Buffer.from('I'), 0)],
  ['a length of 2 GB', message('D', Buffer.from('I'), 0x7fffffff)],
  ['a row with -1 fields', Buffer.concat([authenticated, message('D', Buffer.from([0xff, 0xff]))])],
  ['a row description cut short', Buffer.concat([authenticated, message('T', Buffer.from([0, 9, 65]))])],
  ['a copy response cut short', Buffer.concat([authenticated, message('G', Buffer.from([0]))])],
])('survives %s', async (_, bytes) => {
  expect(await verdictOn(bytes)).toBe('fail')
})

it('survives any sequence of messages, and never calls it ok', async () => {
  const types = fc.constantFrom(...'RKZSTDEN12CAsnIGHWdcv3tX'.split(''))
  const messages = fc.array(fc.tuple(types, fc.uint8Array({ maxLength: 40 })), { minLength: 1, maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(fc.boolean(), messages, async (loggedIn, parts) => {
      const noise = parts.map(([type, body]) => message(type, Buffer.from(body)))
      expect(await verdictOn(Buffer.concat([loggedIn ? authenticated : Buffer.alloc(0), ...noise]))).toBe('fail')
    }),
    { numRuns: 60 },
  )
}, 60_000)
