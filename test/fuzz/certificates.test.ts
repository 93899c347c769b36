import { X509Certificate } from 'node:crypto'
import net from 'node:net'
import https from 'node:https'
import tls from 'node:tls'
import fc from 'fast-check'
import { beforeAll, expect, it } from 'vitest'
import { chainInWords, endSeconds, endsSoonIn, faultsOf, whatIsWrong } from '../../src/clients/certificates.ts'
import { HttpFailure, httpRequest } from '../../src/clients/http.ts'
import { PemError, certificatesIn, checkedCertificates, checkedKeyPair } from '../../src/clients/pem.ts'
import { authority, days, leaf, type Pair } from '../servers/chains.ts'
import { listen, type Listening } from '../servers/hostile.ts'
import { waitFor } from '../servers/processes.ts'
import * as pki from '../web/pki.ts'
import { ask, serving, shortLimits } from '../web/serving.ts'
import { assertAsync, bounded, endsWith, patienceMs, stillServes } from './limits.ts'

const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/
/** Long enough for a handshake on a machine that is busy. */
const timeoutMs = 5_000
/** What hangs by a byte that was changed is given up after this long. */
const hangsMs = 800
const atOnce = 16

let pool: readonly Pair[]
let leaves: readonly Pair[]
let good: Pair
let intermediate: Pair
let root: Pair
beforeAll(async () => {
  root = await authority('Root', days(100, 1000))
  const other = await authority('Other Root', days(1000, 300))
  const dead = await authority('Dead Root', days(1000, -30))
  intermediate = await authority('R3', days(100, 500), root)
  const crossed = await authority('Root', days(1000, -30), dead, root)
  const expired = await authority('R3', days(100, -30), root, intermediate)
  const future = await authority('R3', days(-10, 100), root, intermediate)
  const odd = await authority('a\u202eb\u0007"<i>\n CN=x, O=y', days(1, 9), other)
  good = await leaf('mail.example.com', days(1, 300), intermediate)
  pool = [root, other, dead, intermediate, crossed, expired, future, odd]
  leaves = [
    good,
    await leaf('mail.example.com', days(9, -3), intermediate),
    await leaf('mail.example.com', days(-3, 9), intermediate),
    await leaf('mail.example.com', days(1, 3), odd),
    await leaf('x'.repeat(64), days(1, 300), undefined, ['*', '*.*.example', 'a b', '192.0.2.1']),
    await leaf('\u0000\u001b[31m\u2028', days(1, 300), intermediate, ['\u0007', 'a, DNS:localhost', '"']),
  ]
}, 60_000)

const derOf = ({ cert }: { readonly cert: string }): Buffer => Buffer.from(new X509Certificate(cert).raw)
const pemOf = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`

/** Bytes put in place of others, by where in the whole. */
const place = fc.double({ min: 0, max: 0.999, noNaN: true })
const flips = fc.array(fc.tuple(place, fc.nat(255)), { maxLength: 3 })
function flipped(bytes: Buffer, changes: readonly (readonly [number, number])[]): Buffer {
  const copy = Buffer.from(bytes)
  for (const [where, byte] of changes) copy[Math.floor(where * copy.length)] = byte
  return copy
}

/** Edits of a text: cut out, put in. */
const edits = fc.array(
  fc.record({
    at: place,
    cut: fc.oneof(fc.nat(3), fc.nat(400)),
    put: fc.constantFrom(
      '',
      '\n',
      '\0',
      '-',
      '=',
      'AAAA',
      '-----BEGIN CERTIFICATE-----\n',
      '-----END CERTIFICATE-----',
      ' ',
    ),
  }),
  { maxLength: 4 },
)
const edited = (text: string, changes: readonly { at: number; cut: number; put: string }[]): string =>
  changes.reduce((now, { at, cut, put }) => {
    const from = Math.floor(at * now.length)
    return now.slice(0, from) + put + now.slice(from + cut)
  }, text)

it(
  'takes certificates and keys out of any text, or says what is wrong, and shows nothing of it',
  { timeout: patienceMs },
  () => {
    const secret = good.key.split('\n')[1]?.slice(0, 24) ?? ''
    const part = fc.tuple(fc.constantFrom('cert', 'key', 'noise', 'open'), fc.nat(11), edits, flips)
    const textOf = (
      parts: readonly [
        string,
        number,
        readonly { at: number; cut: number; put: string }[],
        readonly [number, number][],
      ][],
    ): string =>
      parts
        .map(([kind, which, changes, bytes]) => {
          const all = [...pool, ...leaves]
          const pair = all[which % all.length] ?? good
          if (kind === 'noise') return edited('# a comment\n', changes)
          if (kind === 'open') return '-----BEGIN CERTIFICATE-----\n'.repeat(200)
          return edited(kind === 'key' ? good.key : pemOf(flipped(derOf(pair), bytes)), changes)
        })
        .join('')
    const said = (work: () => unknown): void => {
      try {
        work()
      } catch (error) {
        if (!(error instanceof PemError)) throw error
        expect(error.message).toMatch(/^(ca|cert|key)\.pem[:, ]/)
        expect(error.message).not.toMatch(control)
        expect(error.message.length).toBeLessThan(300)
        expect(error.message).not.toContain(secret)
      }
    }
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 3 }),
        fc.array(part, { maxLength: 2 }),
        fc.boolean(),
        (certs, keys, isWhole) => {
          const [cert, key] = [textOf(certs), textOf(keys)]
          said(() => {
            const taken = checkedCertificates(cert, 'ca.pem', { whole: isWhole })
            // What is handed to TLS is certificates, and those that were in the text.
            const given = certificatesIn(cert).map(one => one.fingerprint256)
            expect(certificatesIn(taken).map(one => one.fingerprint256)).toEqual(given)
            expect(given.length).toBeGreaterThan(0)
          })
          said(() => {
            const pair = checkedKeyPair({ cert, key }, { cert: 'cert.pem', key: 'key.pem' })
            expect(() => tls.createSecureContext(pair)).not.toThrow()
          })
        },
      ),
      bounded(20, 150),
    )
  },
)

interface Shown {
  readonly own: number
  readonly ownFlips: readonly (readonly [number, number])[]
  readonly sent: readonly (readonly [number, readonly (readonly [number, number])[]])[]
  readonly trusted: readonly number[]
}
const shown: fc.Arbitrary<Shown> = fc.record({
  own: fc.nat(5),
  ownFlips: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, flips),
  sent: fc.array(fc.tuple(fc.nat(7), fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, flips)), { maxLength: 5 }),
  trusted: fc.array(fc.nat(7), { minLength: 1, maxLength: 3 }),
})

/** Undefined where OpenSSL takes no such certificate for a server. */
function serverOf({ own, ownFlips, sent }: Shown): tls.Server | undefined {
  const pair = leaves[own] ?? good
  const chain = sent.map(([which, changes]) => pemOf(flipped(derOf(pool[which] ?? root), changes)))
  try {
    return https.createServer(
      { cert: [pemOf(flipped(derOf(pair), ownFlips)), ...chain].join(''), key: pair.key },
      (_, response) => response.end('{}'),
    )
  } catch {
    return undefined
  }
}

it('believes no changed certificate, and names what is wrong with any', { timeout: patienceMs }, async () => {
  const outcomes = { trusted: 0, refused: 0 }
  await assertAsync(
    fc.array(shown, { minLength: atOnce, maxLength: atOnce }),
    async all => {
      await Promise.all(
        all.map(async one => {
          const server = serverOf(one)
          if (!server) return
          const at = await listen(server)
          const ca = one.trusted.map(which => pool[which]?.cert ?? '').join('\n')
          try {
            await endsWith(timeoutMs, request(at, ca, one, outcomes))
          } finally {
            await at.close()
          }
        }),
      )
    },
    bounded(20, 6),
  )
  // Both came to pass.
  expect(Math.min(outcomes.trusted, outcomes.refused)).toBeGreaterThan(0)
})

async function request(
  at: Listening,
  ca: string,
  one: Shown,
  outcomes: { trusted: number; refused: number },
): Promise<void> {
  const now = Date.now()
  const url = `https://localhost:${at.port}/`
  try {
    const { status, chain } = await httpRequest({ method: 'GET', url, ca, signal: AbortSignal.timeout(timeoutMs) })
    outcomes.trusted++
    expect(status).toBe(200)
    const changed = one.ownFlips.some(([where, byte]) => {
      const der = derOf(leaves[one.own] ?? good)
      return der[Math.floor(where * der.length)] !== byte
    })
    expect(changed, 'a certificate that was changed has no signature').toBe(false)
    if (!chain) throw new Error('there is no chain')
    expect(chain.anchored, JSON.stringify([one, chain])).toBe(true)
    // Node does not show which of two intermediates it took: what has ended was not needed.
    expect(endSeconds({ chain, verified: true, at: now })).toBeGreaterThan(now / 1000)
    expectWords(chainInWords(chain), endsSoonIn({ chain, verified: true, at: now }, 1e12) ?? '-')
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error
    outcomes.refused++
    expectWords(error.message)
    if (!error.chain) return
    const problems = [error.code ?? '']
    expectWords(chainInWords(error.chain), whatIsWrong(error.chain, { problems, expected: 'localhost', at: now }))
    // Of one kind at most is put right alone; where the chain that is shown has no fault, the words are the code's.
    if (faultsOf(error.chain, problems, now).size === 0)
      expect(whatIsWrong(error.chain, { problems, expected: 'localhost', at: now })).toContain(problems[0])
  }
}

function expectWords(...texts: readonly string[]): void {
  for (const text of texts) {
    expect(text).not.toBe('')
    expect(text).not.toMatch(control)
    expect(text.length).toBeLessThan(4_000)
  }
}

it('is led astray by no byte of a handshake that was changed on its way', { timeout: patienceMs }, async () => {
  const server = await listen(
    https.createServer({ cert: good.cert + '\n' + intermediate.cert, key: good.key }, (_, response) =>
      response.end('{}'),
    ),
  )
  const way = fc.record({
    flips: fc.array(fc.tuple(fc.integer({ min: 0, max: 4_000 }), fc.nat(255)), { maxLength: 3 }),
    cutAt: fc.option(fc.integer({ min: 0, max: 4_000 }), { nil: undefined }),
  })
  const isAnswered = async ({ flips, cutAt }: Way): Promise<boolean> => {
    const proxy = await changing(server.port, flips, cutAt)
    const url = `https://localhost:${proxy.port}/`
    const asked = httpRequest({ method: 'GET', url, ca: root.cert, signal: AbortSignal.timeout(hangsMs) })
    try {
      const { body } = await endsWith(hangsMs, asked)
      // Of a few bytes nobody makes anything (the version in the head of a record); of none another answer.
      expect(body).toBe('{}')
      return true
    } catch (error) {
      if (!(error instanceof HttpFailure)) throw error
      expectWords(error.message)
      return false
    } finally {
      await proxy.close()
    }
  }
  try {
    const unchanged = () => isAnswered({ flips: [], cutAt: undefined })
    await waitFor(unchanged, { timeoutMs: 10_000, everyMs: 50, what: 'what was not changed is answered' })
    await assertAsync(
      fc.array(way, { minLength: 2 * atOnce, maxLength: 2 * atOnce }),
      async all => {
        await Promise.all(all.map(isAnswered))
      },
      bounded(20, 2),
    )
  } finally {
    await server.close()
  }
})

interface Way {
  readonly flips: readonly (readonly [number, number])[]
  readonly cutAt: number | undefined
}

/** Passes on what the server says, with other bytes at some places, and only so much of it. */
function changing(
  port: number,
  flips: readonly (readonly [number, number])[],
  cutAt: number | undefined,
): Promise<Listening> {
  return listen(
    net.createServer(socket => {
      const behind = net.connect(port, '127.0.0.1')
      let passed = 0
      behind.on('error', () => undefined).on('close', () => socket.destroy())
      socket.on('close', () => behind.destroy())
      socket.pipe(behind)
      behind.on('data', (chunk: Buffer) => {
        for (const [where, byte] of flips) {
          const here = where - passed
          if (here >= 0 && here < chunk.length) chunk[here] = byte
        }
        const left = cutAt === undefined ? chunk.length : Math.max(0, cutAt - passed)
        passed += chunk.length
        socket.write(chunk.subarray(0, left))
        if (left < chunk.length) socket.destroy()
      })
    }),
  )
}

it(
  'lets no client in with a changed certificate, whatever it shows or says first',
  { timeout: patienceMs },
  async () => {
    const [ours, clients] = await Promise.all([pki.authority('servers'), pki.authority('clients')])
    const [own, client] = await Promise.all([pki.issue(ours), pki.issue(clients, [{ dns: 'scraper.example' }])])
    const tlsConfig = {
      cert: own.cert,
      key: own.key,
      client_ca: clients.cert,
      client_auth_type: 'RequireAndVerifyClientCert',
    }
    const limits = { ...shortLimits, handshakeTimeout: 300, headersTimeout: 300, idleMs: 400 }
    const web = await serving({
      config: { tls_server_config: { ...tlsConfig, client_allowed_sans: ['scraper.example'] } },
      limits,
    })
    const der = derOf(client)
    const hello = await clientHello()
    const shownByClient = fc.oneof(
      fc.record({ kind: fc.constant('certificate' as const), flips }),
      fc.record({ kind: fc.constant('hello' as const), flips, to: place }),
    )
    let letIn = 0
    await assertAsync(
      fc.array(shownByClient, { minLength: atOnce, maxLength: atOnce }),
      async all => {
        await Promise.all(
          all.map(async one => {
            if (one.kind === 'hello') {
              const words = flipped(hello, one.flips)
              const came = await endsWith(5_000, raw(web.port, words.subarray(0, Math.ceil(one.to * words.length))))
              expect(came.toString('latin1')).not.toContain('HTTP/')
              return
            }
            const bytes = flipped(der, one.flips)
            const given = { path: '/metrics', ca: ours.cert, cert: pemOf(bytes), key: client.key }
            const status = await ask({ port: web.port }, given).then(
              answer => answer.status,
              () => undefined,
            )
            if (status === undefined) return
            letIn++
            expect([status, bytes.equals(der)]).toEqual([200, true])
          }),
        )
        await stillServes(() =>
          ask({ port: web.port }, { path: '/metrics', ca: ours.cert, cert: client.cert, key: client.key }),
        )
        expect(web.logged).toEqual([])
      },
      bounded(20, 4),
    )
    expect(letIn).toBeGreaterThan(0)
  },
)

/** The first words of a client of TLS. */
async function clientHello(): Promise<Buffer> {
  let heard: (words: Buffer) => void
  const words = new Promise<Buffer>(resolve => (heard = resolve))
  const server = await listen(net.createServer(socket => socket.once('data', chunk => heard(chunk))))
  const client = tls.connect({ host: server.host, port: server.port, servername: 'localhost', ALPNProtocols: ['h2'] })
  client.on('error', () => undefined)
  const hello = await words
  await server.close()
  return hello
}

/** All that comes back to these bytes, until the connection is closed. */
function raw(port: number, words: Buffer): Promise<Buffer> {
  return new Promise(resolve => {
    const chunks: Buffer[] = []
    const socket = net.connect(port, '127.0.0.1', () => socket.write(words))
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', () => undefined).on('close', () => resolve(Buffer.concat(chunks)))
  })
}
