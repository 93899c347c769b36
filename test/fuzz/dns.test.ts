import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { mostQueries, openDns } from '../../src/clients/dns/index.ts'
import { dns } from '../../src/probes/dns/index.ts'
import type { DnsTarget } from '../../src/probes/dns/target.ts'
import { look } from '../probes/look.ts'
import { startDnsDouble, type DnsDouble, type DnsRow } from '../servers/dns-double.ts'
import { a, cname, mx, ns, ptr, soa, text, uint16 } from '../servers/dns-records.ts'
import { assertAsync, bounded, patienceMs } from './limits.ts'

let server: DnsDouble
beforeAll(async () => {
  server = await startDnsDouble()
})
afterAll(() => server.close())

const open = () =>
  openDns({
    servers: [`127.0.0.1:${server.port}`],
    signal: new AbortController().signal,
    note: () => undefined,
    timeoutMs: 4_000,
  })

const types = ['A', 'AAAA', 'CNAME', 'MX', 'NS', 'PTR', 'SOA', 'TXT'] as const
const kinds = ['found', 'none', 'failed']

const label = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ maxLength: 70 }),
  fc.constantFrom('xn--', 'xn--a', 'xn--bcher-kva', 'XN--A-ECP.RU', '_dmarc', '*', '\\046', '\0', '127', '..', '%00'),
)

it(
  'a name is asked for as it is, or not at all',
  async () => {
    server.serve({})
    await assertAsync(
      fc.array(label, { maxLength: 5 }).map(labels => labels.join('.')),
      async name => {
        const before = server.asked.length
        expect(await open().ask(name, 'TXT')).toEqual({ kind: 'none', exists: false })
        const asked = server.asked.slice(before)
        expect([[], [`TXT ${name.toLowerCase().replace(/\.$/, '')}`]]).toContainEqual(asked)
      },
      bounded(3, 2_000),
    )
  },
  patienceMs,
)

/** A record as it should be, then cut or with other bytes in it. */
const records = fc
  .array(
    fc.record({
      pointer: fc.oneof(fc.constant(0xc00c), fc.integer({ min: 0, max: 0xffff })),
      type: fc.constantFrom(1, 2, 5, 6, 12, 15, 16, 28, 41, 255),
      data: fc.uint8Array({ maxLength: 80 }),
      lie: fc.constantFrom(0, 0, 0, 1, 300),
    }),
    { maxLength: 5 },
  )
  .map(list =>
    Buffer.concat(
      list.map(({ pointer, type, data, lie }) =>
        Buffer.concat([uint16(pointer), uint16(type), uint16(1), Buffer.alloc(4), uint16(data.length + lie), data]),
      ),
    ),
  )

it(
  'whatever bytes answer a question, it ends with what is known',
  async () => {
    await assertAsync(
      fc.record({ tail: records, answers: fc.integer({ min: 0, max: 9 }), type: fc.constantFrom(...types) }),
      async ({ tail, answers, type }) => {
        server.serve({ 'a.test': { answers, tail } })
        const answer = await open().ask('a.test', type)
        expect(kinds).toContain(answer.kind)
        if (answer.kind === 'failed') expect(answer.text).not.toMatch(/[\0-\x1f]/)
      },
      bounded(4, 3_000),
    )
  },
  patienceMs,
)

const host = fc.constantFrom(
  'app.test',
  'spf.app.test',
  'mx.app.test',
  'app.test.',
  'nowhere.test',
  '',
  '.',
  'a b',
  'x'.repeat(60),
)
const word = fc.constantFrom(
  ...[
    'v=spf1',
    'v=DMARC1',
    'v=DKIM1',
    'v=STSv1',
    'v=TLSRPTv1',
    ' ',
    ';',
    '; ',
    '-all',
    '+all',
    'p=',
    'p=none',
    'p=reject',
  ],
  ...[
    'include:spf.app.test',
    'include:app.test',
    'redirect=app.test',
    'a:%{i}.app.test',
    'exists:%{d}',
    'mx',
    'ptr',
    'ip4:198.51.100.7',
  ],
  ...[
    'rua=mailto:a@b.test',
    'k=rsa',
    'k=ed25519',
    't=y',
    'h=sha1',
    's=*',
    'id=1',
    '\0',
    '\x1b[31m',
    '<script>',
    '"',
    '\\',
    'é',
  ],
)
const row: fc.Arbitrary<DnsRow> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .array(
        fc.oneof(
          fc.array(word, { maxLength: 8 }).map(words => text(words.join(' ').slice(0, 120))),
          fc.array(word, { maxLength: 8 }).map(words => text(words.join('').slice(0, 120))),
          host.map(cname),
          fc.tuple(fc.nat(20), host).map(([preference, name]) => mx(preference, name)),
          host.map(ns),
          host.map(ptr),
          host.map(name => soa(name, 1)),
          fc.constantFrom('198.51.100.7', '10.0.0.1', '0.0.0.0').map(a),
        ),
        { maxLength: 6 },
      )
      .map(records => ({ records })),
  },
  { weight: 1, arbitrary: fc.constantFrom<DnsRow>({ rcode: 2 }, { rcode: 5 }, { garbage: 40 }) },
)
const names = [
  'app.test',
  'test',
  '_dmarc.app.test',
  '_dmarc.test',
  's1._domainkey.app.test',
  'spf.app.test',
  'mx.app.test',
  '_mta-sts.app.test',
  '_smtp._tls.app.test',
  '*.in-addr.arpa',
  'b.test',
  '*.b.test',
]

it(
  'whatever records there are, a look ends with reasons that are bounded, one for each code',
  async () => {
    const zone = fc
      .tuple(...names.map(() => row))
      .map(rows => Object.fromEntries(names.map((name, n) => [name, rows[n]])))
    const target: DnsTarget = {
      name: 'mail',
      domain: 'app.test',
      dkim: ['s1'],
      senders: ['198.51.100.7', 'mx.app.test'],
      helo: 'mx.app.test',
      direct: true,
      bulk: true,
      mta_sts: true,
      expect: { dmarc: 'reject' },
      servers: [`127.0.0.1:${server.port}`],
    }
    await assertAsync(
      zone,
      async rows => {
        server.serve(rows as Record<string, DnsRow>)
        const before = server.asked.length
        const ran = await look(dns, { ...target }, { timeoutMs: 5_000 })
        expect(server.asked.length - before).toBeLessThanOrEqual(mostQueries)
        const reasons = ran?.reasons ?? []
        expect(new Set(reasons.map(({ code }) => code)).size).toBe(reasons.length)
        for (const { code, text } of reasons) {
          expect(Object.keys(dns.reasons)).toContain(code)
          expect(text.length).toBeLessThan(4_000)
          expect(text).not.toMatch(/[\0-\x1f\x7f]/)
        }
        expect(ran?.seen).toBeDefined()
      },
      bounded(6, 300),
    )
  },
  patienceMs,
)
