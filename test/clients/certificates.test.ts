import https from 'node:https'
import tls from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  chainOf,
  endSeconds,
  endsSoonIn,
  watchHandshake,
  whatIsWrong,
  type Chain,
} from '../../src/clients/certificates.ts'
import { HttpFailure, httpRequest, type HttpResponse } from '../../src/clients/http.ts'
import { codeOf } from '../../src/core/errors.ts'
import { authority, days, leaf, type Pair } from '../servers/chains.ts'
import { listen } from '../servers/hostile.ts'

const root = await authority('Root', days(100, 1000))
const otherRoot = await authority('Other Root', days(1000, 300))
const deadRoot = await authority('Dead Root', days(1000, -30))
const dyingRoot = await authority('Dying Root', days(1000, 5))
const r3 = await authority('R3', days(100, 500), root)
const expired = await authority('R3', days(100, -30), root, r3)
const future = await authority('R3', days(-10, 100), root, r3)
const soon = await authority('R3', days(100, 5), root, r3)
const byDying = await authority('R3', days(100, 500), dyingRoot, r3)
/** The root, signed by another one as well: by one that has expired, and in a certificate that has, or soon will. */
const crossOfDead = await authority('Root', days(1000, -30), deadRoot, root)
const crossExpired = await authority('Root', days(1000, -30), otherRoot, root)
const crossSoon = await authority('Root', days(1000, 5), otherRoot, root)
const good = await leaf('mail.example.com', days(1, 300), r3)
const leafSoon = await leaf('mail.example.com', days(1, 3), r3)
const leafExpired = await leaf('mail.example.com', days(9, -3), r3)
const r4 = await authority('R4', days(1, 300))
const selfSigned = await leaf('alone.example.com', days(1, 300))
const selfSignedExpired = await leaf('alone.example.com', days(9, -1))
const elsewhere = await leaf('other.example', days(1, 300), r3, [])
const junk = await leaf('junk', days(10, -2), root)

const date = ({ to }: { to: Date }): string => to.toISOString().slice(0, 10)
const ago30 = date(days(0, -30))

const soonDays = 14
const warned = ({ chain, at }: { chain: Chain; at: number }, limit = soonDays): string | undefined =>
  endsSoonIn({ chain, verified: true, at }, limit * 86_400_000)

interface Shaken {
  readonly chain: Chain
  readonly problems: readonly string[]
  readonly at: number
}

async function serve(own: Pair, more: readonly Pair[]): Promise<number> {
  const server = tls.createServer({ cert: [own, ...more].map(one => one.cert).join('\n'), key: own.key })
  server.on('tlsClientError', () => undefined)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as { port: number }).port
}

/** Shakes hands with a server that has a chain, for a client that trusts some authorities. */
async function shake(own: Pair, more: readonly Pair[], trusted: readonly Pair[]): Promise<Shaken> {
  const port = await serve(own, more)
  const ca = trusted.map(one => one.cert).join('\n')
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', ca, rejectUnauthorized: false }, () => {
      const chain = chainOf(socket, ca)
      const problems = socket.authorized ? [] : [String(socket.authorizationError)]
      socket.destroy()
      if (chain) resolve({ chain, problems, at: Date.now() })
      else reject(new Error('there is no chain'))
    })
    socket.on('error', reject)
  })
}

describe('a chain that verifies', () => {
  it.each<[what: string, own: Pair, more: Pair[], trusted: Pair[], decides: string, at: Pair | undefined]>([
    ['the leaf ends first', good, [r3], [root], 'mail.example.com', undefined],
    ['with the root sent too', good, [r3, root], [root], 'mail.example.com', undefined],
    ['the intermediate ends first', good, [soon], [root], 'R3', undefined],
    ['the authority itself ends first', good, [byDying], [dyingRoot], 'Dying Root', undefined],
    ['the intermediate is known, and not sent', good, [], [root, r3], 'mail.example.com', undefined],
    [
      'an expired intermediate is sent, and a good one known',
      good,
      [expired],
      [root, r3],
      'mail.example.com',
      undefined,
    ],
    ['an expired intermediate is sent before a good one', good, [expired, r3], [root], 'mail.example.com', undefined],
    ['and behind it', good, [r3, expired], [root], 'mail.example.com', undefined],
    ['cross-signed by a root that has expired', good, [r3, crossOfDead], [root], 'mail.example.com', undefined],
    ['and that one is known as well', good, [r3, crossOfDead], [deadRoot, root], 'mail.example.com', undefined],
    ['cross-signed, and that expired', good, [r3, crossExpired], [otherRoot, root], 'mail.example.com', undefined],
    ['cross-signed, and that ends soon', good, [r3, crossSoon], [root], 'mail.example.com', undefined],
    ['cross-signed, and only that one is known', good, [r3, crossSoon], [otherRoot], 'Root', undefined],
    ['something else is sent, and has expired', good, [junk, r3], [root], 'mail.example.com', undefined],
  ])('%s', async (_, own, more, trusted, decides) => {
    const { chain, problems, at } = await shake(own, more, trusted)
    expect(problems).toEqual([])
    expect(chain.anchored).toBe(true)
    const first = chain.certificates.find(one => one.notAfter / 1000 === endSeconds({ chain, verified: true, at }))
    expect(first?.name).toBe(decides)
    expect(warned({ chain, at }) === undefined).toBe(decides === 'mail.example.com')
  })

  it('says which certificate ends soon, and when', async () => {
    const leafs = await shake(leafSoon, [r3], [root])
    expect(warned(leafs)).toBe(`the certificate expires on ${date(days(0, 3))}, in 2 days, less than 14 days`)
    const intermediates = await shake(good, [soon], [root])
    expect(warned(intermediates)).toBe(
      `the intermediate certificate "R3" (depth 1) expires on ${date(days(0, 5))}, in 4 days, less than 14 days`,
    )
    const roots = await shake(good, [byDying], [dyingRoot])
    expect(warned(roots)).toBe(
      `the root certificate "Dying Root" (depth 2) expires on ${date(days(0, 5))}, in 4 days, less than 14 days`,
    )
    expect(warned(roots, 4)).toBeUndefined()
  })
})

describe('a chain that does not verify', () => {
  it.each<[what: string, own: Pair, more: Pair[], trusted: Pair[], text: string | RegExp]>([
    [
      'an expired intermediate',
      good,
      [expired],
      [root],
      `the intermediate certificate "R3" (depth 1) expired on ${ago30}`,
    ],
    [
      'an intermediate that is not valid yet',
      good,
      [future],
      [root],
      `the intermediate certificate "R3" (depth 1) is not valid before ${date(days(0, 10))}`,
    ],
    ['an expired leaf', leafExpired, [r3], [root], `the certificate expired on ${date(days(0, -3))}`],
    [
      'both expired',
      leafExpired,
      [expired],
      [root],
      `the certificate expired on ${date(days(0, -3))}, and the intermediate certificate "R3" (depth 1) expired on ${ago30}`,
    ],
    [
      'only the authority that expired is known',
      good,
      [r3, crossOfDead],
      [deadRoot],
      `the intermediate certificate "Root" (depth 2) expired on ${ago30}, and the root certificate "Dead Root" (depth 3) expired on ${ago30}`,
    ],
    [
      'the intermediate is not sent',
      good,
      [],
      [root],
      'the certificate is by an authority that is not known here, or its chain is incomplete: there is no certificate of "R3" (UNABLE_TO_VERIFY_LEAF_SIGNATURE)',
    ],
    [
      'an authority of somebody else',
      good,
      [r3],
      [otherRoot],
      'the certificate is by an authority that is not known here, or its chain is incomplete: there is no certificate of "Root" (UNABLE_TO_GET_ISSUER_CERT_LOCALLY)',
    ],
    [
      'the same, and it is sent',
      good,
      [r3, root],
      [otherRoot],
      'the certificate is by an authority that is not known here: "Root" (SELF_SIGNED_CERT_IN_CHAIN)',
    ],
    ['self-signed', selfSigned, [], [root], 'the certificate is self-signed'],
    [
      'an authority in place of a server',
      r4,
      [],
      [root],
      'the certificate does not verify (INVALID_PURPOSE), and is self-signed',
    ],
    ['self-signed and expired', selfSignedExpired, [], [root], /^the certificate expired on .*, and is self-signed$/],
    [
      'expired, and by an authority of somebody else',
      leafExpired,
      [r3],
      [otherRoot],
      /^the certificate expired on .*, and is by an authority that is not known here/,
    ],
  ])('%s', async (_, own, more, trusted, text) => {
    const { chain, problems, at } = await shake(own, more, trusted)
    expect(problems).toHaveLength(1)
    const told = whatIsWrong(chain, { problems, expected: '127.0.0.1', at })
    if (typeof text === 'string') expect(told).toBe(text)
    else expect(told).toMatch(text)
  })

  it('is known by the error of a client that verifies', async () => {
    const port = await serve(good, [expired])
    const error: unknown = await new Promise(resolve => {
      const socket = tls.connect({ port, host: '127.0.0.1', ca: root.cert, rejectUnauthorized: true })
      const handshake = watchHandshake(socket, '127.0.0.1', root.cert)
      socket.on('error', (reason: unknown) => resolve(handshake.explained(reason)))
    })
    expect(codeOf(error)).toBe('CERT_HAS_EXPIRED')
    expect(String(error)).toContain(`TLS: the intermediate certificate "R3" (depth 1) expired on ${ago30}`)
  })
})

describe('httpRequest', () => {
  async function ask(own: Pair, more: readonly Pair[], trusted: Pair): Promise<HttpResponse> {
    const chain = [own, ...more].map(one => one.cert).join('\n')
    const server = https.createServer({ cert: chain, key: own.key }, (_, response) => response.end('{}'))
    const { port, close } = await listen(server)
    onTestFinished(close)
    const signal = AbortSignal.timeout(5_000)
    return httpRequest({ method: 'GET', url: `https://127.0.0.1:${port}/`, ca: trusted.cert, signal })
  }
  const refused = async (asked: Promise<unknown>): Promise<HttpFailure> => {
    const error: unknown = await asked.catch((reason: unknown) => reason)
    if (!(error instanceof HttpFailure)) throw new Error('it was not refused')
    return error
  }

  it('gives the chain with the answer', async () => {
    const { chain, status } = await ask(good, [soon], root)
    expect(status).toBe(200)
    expect(chain && warned({ chain, at: Date.now() })).toContain('"R3" (depth 1) expires on')
  })

  it.each<[what: string, own: Pair, more: Pair[], code: string, text: string]>([
    [
      'an expired intermediate',
      good,
      [expired],
      'CERT_HAS_EXPIRED',
      `the intermediate certificate "R3" (depth 1) expired on ${ago30}`,
    ],
    [
      'one not valid yet',
      good,
      [future],
      'CERT_NOT_YET_VALID',
      'the intermediate certificate "R3" (depth 1) is not valid before',
    ],
    [
      'no intermediate',
      good,
      [],
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'the certificate is by an authority that is not known here, or its chain is incomplete: there is no certificate of "R3"',
    ],
    [
      'another name',
      elsewhere,
      [r3],
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'the certificate is not for 127.0.0.1 but for DNS:other.example',
    ],
  ])('names the certificate it refuses: %s', async (_, own, more, code, text) => {
    const error = await refused(ask(own, more, root))
    expect(error).toMatchObject({ code, phase: 'tls', message: expect.stringContaining(`: TLS: ${text}`) as string })
    expect(error.chain?.certificates[0]?.name).toBe(own === elsewhere ? 'other.example' : 'mail.example.com')
  })
})

it('a server that sends many certificates of one name is looked at in bounded time', async () => {
  const many = await Promise.all(Array.from({ length: 60 }, () => authority('R3', days(100, 50), root, r3)))
  const from = performance.now()
  const { chain } = await shake(good, many, [root])
  expect(chain.certificates.map(one => one.name)).toEqual(['mail.example.com', 'R3', 'Root'])
  expect(performance.now() - from).toBeLessThan(2_000)
})
