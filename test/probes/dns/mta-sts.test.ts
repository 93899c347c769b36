import { createServer, type Server } from 'node:https'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import type { RequestListener } from 'node:http'
import { once } from 'node:events'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { fetchPolicy } from '../../../src/probes/dns/mta-sts/fetch.ts'
import { covers, readPolicy } from '../../../src/probes/dns/mta-sts/policy.ts'
import { readReportsRecord, readStsRecord } from '../../../src/probes/dns/mta-sts/record.ts'
import { lookAtMtaSts } from '../../../src/probes/dns/mta-sts/index.ts'
import { mtaStsReasons } from '../../../src/probes/dns/judge/mta-sts.ts'
import { certificateFor, certificates, type Certificate } from '../../servers/certificates.ts'
import { needs } from '../../servers/processes.ts'
import { dnsOf, type Zones } from './zones.ts'

const host = 'mta-sts.example.com'
const address = '127.61.8.1'
const url = `https://${host}/.well-known/mta-sts.txt`
const policy = 'version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.mx.example.com\nmax_age: 604800\n'
const zones: Zones = {
  '_mta-sts.example.com': { TXT: ['v=STSv1; id=20261130T1;'] },
  '_smtp._tls.example.com': { TXT: ['v=TLSRPTv1; rua=mailto:tls@example.com'] },
  [host]: { A: [address] },
  'example.com': { MX: [{ preference: 10, exchange: 'mail.example.com' }] },
}

describe.skipIf(!needs('port 443', process.getuid?.() === 0 ? 'root' : undefined, 'root'))(
  'a policy over HTTPS',
  () => {
    let good: Certificate
    let server: Server | undefined
    const open = new Set<Socket>()
    beforeAll(async () => {
      good = await certificateFor(host)
    })
    afterEach(async () => {
      for (const socket of open) socket.destroy()
      if (server?.listening) await new Promise(resolve => server?.close(resolve))
      server = undefined
    })

    async function serve(answer: RequestListener, { cert, key }: Certificate = good): Promise<void> {
      server = createServer({ cert, key }, answer)
      server.on('connection', (socket: Socket) => open.add(socket))
      server.listen(443, address)
      await once(server, 'listening')
    }
    const sending =
      (text: string, { type = 'text/plain; charset=utf-8', status = 200 } = {}): RequestListener =>
      (_, response) =>
        response.writeHead(status, { 'Content-Type': type }).end(text)

    async function judged(records: Zones = {}, { timeoutMs = 3_000, signal = AbortSignal.timeout(20_000) } = {}) {
      const notes: string[] = []
      const options = {
        signal,
        timeoutMs,
        note: (text: string) => notes.push(text),
        failed: () => undefined,
        ca: good.ca,
      }
      const mtaSts = await lookAtMtaSts(dnsOf({ ...zones, ...records }), 'example.com', options)
      const reasons = mtaStsReasons({ mtaSts, envelope: 'example.com', zone: { lookedAt: 0 } })
      return { mtaSts, notes, lines: reasons.map(({ verdict, code, text }) => `${verdict} ${code}: ${text}`) }
    }

    it('is read, at the address that the name servers give, under the name of the host', async () => {
      let asked: unknown
      await serve((request, response) => {
        asked = [request.method, request.url, request.headers.host, request.headers.authorization]
        sending(policy)(request, response)
      })
      const { mtaSts, lines } = await judged()
      expect(lines).toEqual([])
      expect(mtaSts).toMatchObject({ record: 'found', id: '20261130T1', mode: 'enforce', reports: 'found' })
      expect(mtaSts.fingerprint).toMatch(/^[0-9a-f]{64}$/)
      expect(asked).toEqual(['GET', '/.well-known/mta-sts.txt', host, undefined])
    })

    it('is only tested, or is none', async () => {
      await serve(sending(policy.replace('enforce', 'testing')))
      expect((await judged()).lines).toEqual([
        'warn dns_mta_sts_testing: the MTA-STS policy of example.com has the mode testing',
      ])
      server?.removeAllListeners('request').on('request', sending('version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n'))
      const { mtaSts, lines } = await judged({ 'example.com': { MX: [{ preference: 10, exchange: 'other.test' }] } })
      expect([mtaSts.mode, lines]).toEqual(['none', []])
    })

    it('does not cover a mail server, or the domain that has none', async () => {
      await serve(sending(policy))
      const exchanges = ['mail.example.com', 'a.mx.example.com', 'a.b.mx.example.com', 'mx.example.com']
      const MX = exchanges.map((exchange, preference) => ({ preference, exchange }))
      expect((await judged({ 'example.com': { MX } })).lines).toEqual([
        `warn dns_mta_sts_invalid: the policy at ${url} does not cover the mail server a.b.mx.example.com; the policy at ${url} does not cover the mail server mx.example.com`,
      ])
      expect((await judged({ 'example.com': { A: ['192.0.2.1'] } })).lines).toEqual([
        `warn dns_mta_sts_invalid: the policy at ${url} does not cover the mail server example.com`,
      ])
      expect((await judged({ 'example.com': { failing: 'all' } })).lines).toEqual([])
    })

    it.each<[string, RequestListener, string]>([
      ['not found', sending('', { status: 404 }), `${url} answers HTTP 404`],
      [
        'moved',
        (_, response) => response.writeHead(301, { Location: 'https://elsewhere.test/' }).end(),
        `${url} redirects (HTTP 301), which senders do not follow`,
      ],
      ['a page', sending(policy, { type: 'text/html' }), `${url} is not sent as text/plain`],
      ['no type', (_, response) => response.end(policy), `${url} is not sent as text/plain`],
      ['too large', sending('x'.repeat(65_537)), `${host}:443: the answer is larger than 64 KiB`],
      ['endless', (_, response) => void endless(response), `${host}:443: the answer is larger than 64 KiB`],
      ['without max_age', sending(policy.replace(/max_age.*\n/, '')), `the policy at ${url} has no max_age`],
      ['not HTTP', request => void request.socket.end('SSH-2.0-x\r\n\r\n'), `${host}:443: Parse Error`],
    ])('cannot be used: %s', async (_, answer, problem) => {
      await serve(answer)
      const { mtaSts, lines } = await judged()
      expect(lines).toHaveLength(1)
      expect(lines[0]).toContain(`warn dns_mta_sts_invalid: ${problem}`)
      expect(mtaSts.mode).toBeUndefined()
    })

    it.each<[string, () => Promise<Certificate>]>([
      ['another name', async () => (await certificates()).wrongName],
      ['expired', async () => (await certificates()).expired],
      ['nobody vouches for it', async () => (await certificates()).selfSigned],
    ])('has a wrong certificate, and is not asked for: %s', async (_, certificate) => {
      let asked = 0
      await serve(() => asked++, await certificate())
      const { lines } = await judged()
      expect(lines).toHaveLength(1)
      expect(lines[0]).toMatch(/^warn dns_mta_sts_invalid: mta-sts\.example\.com:443: /)
      expect(asked).toBe(0)
    })

    it.each<[string, RequestListener]>([
      ['in trouble', sending('', { status: 503 })],
      ['too busy', sending('', { status: 429 })],
      ['silent', () => undefined],
      [
        'cut off',
        (_, response) => void response.writeHead(200, { 'Content-Length': 999 }).write('v', () => response.destroy()),
      ],
      ['dripping', (_, response) => drip(response)],
    ])('is not known of a server that is %s', async (_, answer) => {
      await serve(answer)
      const { mtaSts, lines } = await judged({}, { timeoutMs: 900 })
      expect(lines).toHaveLength(1)
      expect(lines[0]).toMatch(/^unknown dns_mta_sts_unread: /)
      expect(mtaSts.problems).toEqual([])
    })

    it('is not known where no way leads', async () => {
      expect((await judged()).lines).toEqual([
        `unknown dns_mta_sts_unread: ${host}:443: connect ECONNREFUSED ${address}:443`.replace(
          ` ${address}:443`,
          ` ${address}:443`,
        ),
      ])
    })

    it('has no host, or one that was not answered for', async () => {
      expect((await judged({ [host]: {} })).lines).toEqual([
        `warn dns_mta_sts_invalid: ${host}, where the policy has to be, has no address`,
      ])
      expect((await judged({ [host]: { failing: 'all' } })).lines).toEqual([
        `unknown dns_mta_sts_unread: ${host} was not answered for`,
      ])
    })

    it('ends with the run', async () => {
      const controller = new AbortController()
      await serve(() => controller.abort(new Error('stopped')))
      await expect(judged({}, { signal: controller.signal })).rejects.toThrow('stopped')
    })

    it('is fetched only where a record announces it', async () => {
      const none = await judged({ '_mta-sts.example.com': {}, '_smtp._tls.example.com': {} })
      expect([none.mtaSts.record, none.lines]).toEqual(['missing', []])
      const unanswered = await judged({ '_mta-sts.example.com': { failing: 'all' } })
      expect([unanswered.mtaSts.record, unanswered.lines]).toEqual(['unanswered', []])
      const broken = await judged({ '_mta-sts.example.com': { TXT: ['v=STSv1'] }, '_smtp._tls.example.com': {} })
      expect(broken.lines).toEqual([
        'warn dns_mta_sts_invalid: the record _mta-sts.example.com has no id',
        'warn dns_tls_rpt_missing: _smtp._tls.example.com has no record, though example.com has MTA-STS',
      ])
    })
  },
)

async function endless(response: Parameters<RequestListener>[1]): Promise<void> {
  response.writeHead(200, { 'Content-Type': 'text/plain' }).on('error', () => undefined)
  while (!response.destroyed)
    if (!response.write('x'.repeat(8_192))) await Promise.race([once(response, 'drain'), once(response, 'close')])
}

function drip(response: Parameters<RequestListener>[1]): void {
  response.writeHead(200, { 'Content-Type': 'text/plain' })
  const timer = setInterval(() => response.write('x'), 20)
  response.on('close', () => clearInterval(timer))
}

describe('a server without TLS', () => {
  it('has no policy', async () => {
    const { ca } = await certificates()
    const server = createTcpServer(socket =>
      socket
        .on('error', () => undefined)
        .resume()
        .end('220 mail.example.com ESMTP\r\n'),
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const options = {
      signal: AbortSignal.timeout(5_000),
      timeoutMs: 3_000,
      note: () => undefined,
      failed: () => undefined,
      ca,
    }
    expect(await fetchPolicy(`localhost:${port}`, ['127.0.0.1'], options)).toMatchObject({ kind: 'problem' })
    server.close()
  })
})

const oddId = { kind: 'invalid', problem: 'has an id that is not made of 1 to 32 letters and digits' }

describe('the records', () => {
  it.each<[string, readonly string[], unknown]>([
    ['as in RFC 8461, 3.1', ['v=STSv1; id=20160831085700Z;'], { kind: 'found', id: '20160831085700Z' }],
    ['without spaces, with other fields', ['v=STSv1;x=y;id=1'], { kind: 'found', id: '1' }],
    ['of a field that is there twice the first', ['v=STSv1; id=1; id=2'], { kind: 'found', id: '1' }],
    ['beside others', ['v=spf1 -all', 'v=STSv1; id=1'], { kind: 'found', id: '1' }],
    ['none', [], { kind: 'missing' }],
    ['of a wildcard', ['v=spf1 include:sts.example.com -all'], { kind: 'missing' }],
    ['twice', ['v=STSv1; id=1', 'v=STSv1; id=2'], { kind: 'invalid', problem: 'is there 2 times, so none counts' }],
    ['in small letters', ['v=stsv1; id=1'], { kind: 'invalid', problem: 'does not begin with v=STSv1;' }],
    ['of another version', ['v=STSv2; id=1'], { kind: 'invalid', problem: 'does not begin with v=STSv1;' }],
    ['without id', ['v=STSv1;'], { kind: 'invalid', problem: 'has no id' }],
    ['with a long id', [`v=STSv1; id=${'1'.repeat(33)}`], oddId],
    ['with an odd id', ['v=STSv1; id=2026-11-30'], oddId],
    ['with an odd part', ['v=STSv1; id'], { kind: 'invalid', problem: 'has a part that is not key=value' }],
  ])('of MTA-STS: %s', (_, records, expected) => {
    expect(readStsRecord(records)).toEqual(expected)
  })

  it.each<[readonly string[], string]>([
    [['v=TLSRPTv1; rua=mailto:reports@example.com'], 'found'],
    [['v=TLSRPTv1;rua=https://reporting.example.com/v1/tlsrpt'], 'found'],
    [['v=TLSRPTv1; rua=mailto:a@example.com, https://b.example.com/x'], 'found'],
    [[], 'missing'],
    [['v=spf1 -all'], 'missing'],
    [['v=TLSRPTv1; rua=mailto:a@example.com', 'v=TLSRPTv1; rua=mailto:b@example.com'], 'invalid'],
    [['v=TLSRPTv1;'], 'invalid'],
    [['v=TLSRPTv1; rua=a@example.com'], 'invalid'],
    [['v=TLSRPTv1; rua=http://a.example.com'], 'invalid'],
    [['v=TLSRPT1; rua=mailto:a@example.com'], 'invalid'],
  ])('of TLS-RPT: %j is %s', (records, kind) => {
    expect(readReportsRecord(records).kind).toBe(kind)
  })
})

describe('a policy', () => {
  it.each([
    [
      'as in RFC 8461, 3.2',
      'version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\nmx: backupmx.example.com\nmax_age: 604800',
    ],
    [
      'with other fields, spaces and CRLF',
      'version:STSv1\r\nx-y: z\r\nmode:   enforce \r\nmx: A.example.com\r\nmax_age: 0\r\n\r\n',
    ],
    [
      'of a field that is there twice the first',
      'version: STSv1\nmode: enforce\nmode: testing\nmx: a.test\nmax_age: 1',
    ],
  ])('%s', (_, text) => {
    expect(readPolicy(text)).toMatchObject({ mode: 'enforce' })
  })

  const lines = { version: 'STSv1', mode: 'enforce', mx: 'a.test', max_age: '86400' }
  const text = (changes: { readonly [Key in keyof typeof lines]?: string | undefined }) =>
    Object.entries<string | undefined>({ ...lines, ...changes })
      .flatMap(([key, value]) => (value === undefined ? [] : [`${key}: ${value}`]))
      .join('\n')
  it.each<[string, string]>([
    ['', 'has no version'],
    [text({ version: 'STSv2' }), 'has a version other than STSv1'],
    [text({ mode: undefined }), 'has no mode'],
    [text({ mode: 'Enforce' }), 'has an unknown mode: Enforce'],
    [text({ max_age: '31557601' }), 'has a max_age that is not a number of seconds up to 31557600: 31557601'],
    [text({ max_age: '-1' }), 'has a max_age that is not a number of seconds up to 31557600: -1'],
    [text({ mx: undefined }), 'names no mx'],
    [text({ mx: '*.*.test' }), 'has an mx that is no name: *.*.test'],
    [text({ mx: 'a.test, b.test' }), 'has an mx that is no name: a.test, b.test'],
    ['<html>\n</html>', 'has a line that is not "key: value": <html>'],
  ])('%j', (broken, problem) => {
    expect(readPolicy(broken)).toEqual({ problem })
  })

  it('covers one label by an asterisk', () => {
    const wide = { mode: 'enforce', mx: ['*.example.com'] } as const
    expect(
      ['a.example.com', 'a.b.example.com', 'example.com', 'aexample.com', 'localhost'].map(name => covers(wide, name)),
    ).toEqual([true, false, false, false, false])
  })
})
