import { once } from 'node:events'
import tls from 'node:tls'
import { expect, it, onTestFinished } from 'vitest'
import { withContext } from '../../src/clients/secure-contexts.ts'
import { certificates } from '../servers/certificates.ts'
import { listen } from '../servers/hostile.ts'

const { ca, good, selfSigned } = await certificates()

it('is made once for all that trust the same, and anew when the authorities or the rules change', () => {
  const first = withContext({ ca }).secureContext
  expect(first).toBeDefined()
  expect(withContext({ ca }).secureContext).toBe(first)
  expect(withContext({ ca: selfSigned.cert }).secureContext).not.toBe(first)
  expect(withContext({ ca, minVersion: 'TLSv1.3' }).secureContext).not.toBe(first)
})

it('is not kept with a private key, and not made of what TLS refuses', () => {
  for (const options of [{ ca, cert: good.cert, key: good.key }, { ca, ciphers: 'no such cipher' }, {}])
    expect(withContext(options)).toBe(options)
})

it('keeps the last sixteen', () => {
  const context = (n: number) => withContext({ ca: `${ca}\n# ${n}` }).secureContext
  const made = Array.from({ length: 17 }, (_, n) => context(n))
  expect(context(16)).toBe(made[16])
  expect(context(1)).toBe(made[1])
  expect(context(0)).not.toBe(made[0])
})

it.each(['TLSv1.2', 'TLSv1.3'] as const)('never resumes a session of %s, and trusts as it should', async version => {
  const server = tls.createServer({ cert: good.cert, key: good.key, minVersion: version, maxVersion: version })
  server.on('secureConnection', socket => socket.on('error', () => undefined).end('x'))
  const { port, close } = await listen(server)
  onTestFinished(close)
  const handshake = async (trusted: string): Promise<unknown[]> => {
    const socket = tls.connect({ port, host: 'localhost', ...withContext({ ca: trusted }), rejectUnauthorized: false })
    await once(socket, 'data')
    // Null in a first session.
    const how = socket.isSessionReused() ? 'resumed' : 'whole'
    socket.destroy()
    return [socket.authorized, how]
  }
  for (let n = 0; n < 3; n++) {
    expect(await handshake(ca)).toEqual([true, 'whole'])
    expect(await handshake(selfSigned.cert)).toEqual([false, 'whole'])
  }
})
