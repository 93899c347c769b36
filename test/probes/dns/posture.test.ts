import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import type { DkimSeen } from '../../../src/probes/dns/dkim/index.ts'
import { judge } from '../../../src/probes/dns/judge.ts'
import { postureOf, type PostureRow } from '../../../src/probes/dns/posture/index.ts'
import { textData, zoneName } from '../../../src/probes/dns/posture/zone-file.ts'
import type { DnsSeen } from '../../../src/probes/dns/seen.ts'
import { dnsSeen, dnsTarget } from '../../status/dns.ts'

const address = '192.0.2.10'
const well = dnsSeen()
const [key] = well.dkim ?? []
if (!key) throw new Error('the fixture has no key')

const rowsFor = (record: string, more: Partial<DnsSeen>, target: object = {}): readonly PostureRow[] =>
  postureOf(dnsSeen(more), dnsTarget(target)).rows.filter(row => row.record === record)
const rowFor = (record: string, more: Partial<DnsSeen>, target: object = {}): PostureRow | undefined =>
  rowsFor(record, more, target)[0]

test('of a domain that is in order, nothing is to be published', () => {
  const { rows, servers } = postureOf(well, dnsTarget())
  expect(servers).toEqual(['127.0.0.1:53'])
  expect(rows.filter(({ publish, advice }) => publish !== undefined || advice !== undefined)).toEqual([])
  expect(new Set(rows.map(({ state }) => state))).toEqual(new Set(['ok', 'unused']))
  expect(rows.map(({ record }) => record)).toEqual(
    'Domain MX SPF DKIM DMARC Alignment PTR HELO MTA-STS TLS-RPT'.split(' ').concat('Name servers'),
  )
})

describe('what to publish', () => {
  const senders = (result: 'softfail' | 'none') => [
    { sender: address, address, result, why: '~all of app.example.com' },
  ]
  const spf = (text: string, more: Partial<DnsSeen['spf']> = {}) => ({ spf: { ...well.spf, text, ...more } })

  it.each([
    [
      'a first SPF record, which refuses nobody that was forgotten',
      'SPF',
      { spf: { ...well.spf, record: 'missing', text: undefined, lookups: undefined, senders: senders('none') } },
      'app.example.com. IN TXT "v=spf1 ip4:192.0.2.10 ~all"',
    ],
    [
      'a sender in front of what is there, so that it counts',
      'SPF',
      spf('v=spf1 include:mail.example.net -all', { senders: senders('softfail') }),
      'app.example.com. IN TXT "v=spf1 ip4:192.0.2.10 include:mail.example.net -all"',
    ],
    [
      'an SPF record with an end',
      'SPF',
      spf('v=spf1 ip4:192.0.2.10 +all', { permissive: ['app.example.com ends with +all'] }),
      'app.example.com. IN TXT "v=spf1 ip4:192.0.2.10 ~all"',
    ],
    [
      'an SPF record with those who pass by its open end only',
      'SPF',
      spf('v=spf1 +all', {
        permissive: ['app.example.com: `+all` lets in everybody'],
        senders: [{ sender: address, address, result: 'pass', why: '`+all` in app.example.com', isByAll: true }],
      }),
      'app.example.com. IN TXT "v=spf1 ip4:192.0.2.10 ~all"',
    ],
    [
      'a key, of which only the signer knows the data',
      'DKIM',
      { dkim: [{ ...key, key: { kind: 'missing' } }] },
      's1._domainkey.app.example.com. IN TXT "v=DKIM1; k=rsa; p=KEY"',
    ],
    [
      'a record that SES asks for',
      'DKIM',
      {
        dkim: [{ ...key, ses: { target: 'abc.dkim.amazonses.com', leadsTo: undefined }, key: { kind: 'missing' } }],
      },
      's1._domainkey.app.example.com. IN CNAME abc.dkim.amazonses.com.',
    ],
    [
      'a first DMARC record, which has no mail refused',
      'DMARC',
      { dmarc: { kind: 'missing' } },
      '_dmarc.app.example.com. IN TXT "v=DMARC1; p=none; rua=mailto:dmarc-reports@app.example.com"',
    ],
    [
      'the name of an address, as the sender says hello',
      'PTR',
      { ptr: [{ sender: address, address, names: [], isConfirmed: undefined, isGeneric: false }] },
      '10.2.0.192.in-addr.arpa. IN PTR mail.example.com.',
    ],
    [
      'the address of that name',
      'HELO',
      { hello: { name: 'mail.example.com', addresses: [], notOf: [address] } },
      'mail.example.com. IN A 192.0.2.10',
    ],
  ] as const)('%s', (_, record, more, line) => {
    expect(rowFor(record, more as Partial<DnsSeen>)?.publish).toBe(line)
  })

  it('is the DMARC policy that is expected, in words: only its owner knows the rest of the record', () => {
    expect(
      rowFor('DMARC', { dmarc: { ...well.dmarc, policy: 'none' } }, { expect: { dmarc: 'reject' } }),
    ).toMatchObject({
      state: 'weak',
      advice: 'Publish the same record with p=reject, once the reports show no mail of your own that fails.',
      publish: undefined,
    })
  })

  it('is nothing that would have own mail refused: a `pct` spares some of it', () => {
    const adviceOf = (outdated: string[]) => rowFor('DMARC', { dmarc: { ...well.dmarc, outdated } })?.advice
    expect(adviceOf(['pct=10'])).toBe(
      'Publish the same record without pct=10, once the reports show no mail of your own that fails.',
    )
    expect(adviceOf(['pct=100'])).toBe('Publish the same record without pct=100.')
  })

  it('is nothing where nothing is known, or nothing is said of what should be there', () => {
    const unknown = rowFor('SPF', { spf: { ...well.spf, record: 'unanswered', text: undefined, senders: [] } })
    expect(unknown).toMatchObject({ state: 'unknown', publish: undefined })
    const notAsked = { mtaSts: { record: 'not_asked', problems: [], reports: 'not_asked' } } as const
    for (const record of ['MTA-STS', 'TLS-RPT'])
      expect(rowFor(record, notAsked, { mta_sts: false })).toMatchObject({
        state: 'not_judged',
        found: ['not looked at (`mta_sts: false`)'],
        publish: undefined,
      })
    expect(rowFor('DKIM', { dkim: undefined })).toMatchObject({ state: 'not_judged', publish: undefined })
  })
})

describe('a line of a zone file', () => {
  it('has strings of at most 255 bytes, and nothing that ends them', () => {
    expect(textData('a'.repeat(300))).toBe(`"${'a'.repeat(255)}" "${'a'.repeat(45)}"`)
    expect(textData('say "\\" and \u00e9\n')).toBe('"say \\"\\\\\\" and \\233\\010"')
    expect(textData('')).toBe('""')
  })
  it('has no name that a zone file would read as something else', () => {
    expect(zoneName('a;b "c.example.com')).toBe('a\\;b\\032\\"c.example.com.')
  })
})

/** The records that each reason is about. */
const about: Readonly<Record<string, string>> = {
  dns_mx_missing: 'MX',
  dns_mx_invalid: 'MX',
  dns_spf_missing: 'SPF',
  dns_spf_invalid: 'SPF',
  dns_spf_not_covering: 'SPF',
  dns_spf_permissive: 'SPF',
  dns_spf_deprecated: 'SPF',
  dns_dkim_missing: 'DKIM',
  dns_dkim_revoked: 'DKIM',
  dns_dkim_invalid: 'DKIM',
  dns_dkim_weak: 'DKIM',
  dns_dkim_testing: 'DKIM',
  dns_ses_token_missing: 'DKIM',
  dns_dmarc_missing: 'DMARC',
  dns_dmarc_invalid: 'DMARC',
  dns_dmarc_weaker: 'DMARC',
  dns_dmarc_testing: 'DMARC',
  dns_dmarc_unmonitored: 'DMARC',
  dns_dmarc_outdated: 'DMARC',
  dns_dmarc_reports_refused: 'DMARC',
  dns_dmarc_not_aligned: 'Alignment',
  dns_ptr_missing: 'PTR',
  dns_ptr_generic: 'PTR',
  dns_hello_invalid: 'HELO',
  dns_mta_sts_invalid: 'MTA-STS',
  dns_mta_sts_testing: 'MTA-STS',
  dns_tls_rpt_missing: 'TLS-RPT',
  dns_inconsistent: 'Name servers',
}

const maybe = fc.constantFrom(true, false, undefined)
const few = (text: string) => fc.constantFrom([], [text])
const keySeen: fc.Arbitrary<DkimSeen['key']> = fc.oneof(
  fc.constantFrom<DkimSeen['key']>(
    { kind: 'unanswered' },
    { kind: 'missing' },
    { kind: 'revoked' },
    { kind: 'invalid', problem: 'has no p=' },
  ),
  fc.record({
    kind: fc.constant('key' as const),
    algorithm: fc.constantFrom('rsa' as const, 'ed25519' as const),
    bits: fc.constantFrom(512, 1024, 2048),
    isTesting: fc.boolean(),
    hashes: fc.constantFrom(undefined, ['sha1'], ['sha1', 'sha256']),
    isForMail: fc.boolean(),
  }),
)
const ses = fc.constantFrom<DkimSeen['ses']>(
  undefined,
  { target: 't.dkim.amazonses.com', leadsTo: undefined },
  { target: 't.dkim.amazonses.com', leadsTo: 'unanswered' },
  { target: 't.dkim.amazonses.com', leadsTo: { name: 'elsewhere.example.com' } },
  { target: 't.dkim.amazonses.com', leadsTo: { name: 't.dkim.amazonses.com' } },
)
const dkim = fc
  .record({ key: keySeen, ses, domain: fc.constantFrom('app.example.com', 'other.example.net') })
  .map((more): DkimSeen => ({ selector: 's1', name: `s1._domainkey.${more.domain}`, ...more }))
const spf: fc.Arbitrary<DnsSeen['spf']> = fc.oneof(
  fc.constant<DnsSeen['spf']>({ ...well.spf, record: 'unanswered', text: undefined, lookups: undefined, senders: [] }),
  fc.constant<DnsSeen['spf']>({ ...well.spf, record: 'missing', text: undefined, lookups: undefined, senders: [] }),
  fc
    .record({
      result: fc.constantFrom('pass', 'fail', 'softfail', 'neutral', 'temperror', 'permerror'),
      errors: few('app.example.com has two SPF records'),
      permissive: few('app.example.com has no all'),
      deprecated: few('app.example.com has ptr'),
    })
    .map(({ result, ...more }) => ({
      ...well.spf,
      ...more,
      senders: [{ sender: address, address, result, why: 'by -all' }] as DnsSeen['spf']['senders'],
    })),
)
const dmarc: fc.Arbitrary<DnsSeen['dmarc']> = fc.record({
  kind: fc.constantFrom('unanswered', 'missing', 'invalid', 'found'),
  name: fc.constant('_dmarc.app.example.com'),
  policy: fc.constantFrom('none', 'quarantine', 'reject'),
  tag: fc.constantFrom('p', 'sp'),
  isTesting: fc.boolean(),
  reports: fc.boolean(),
  refusedReports: fc.constantFrom([], [{ address: 'a@b.example', name: 'app.example.com._report._dmarc.b.example' }]),
  ignored: few('has p=nothing'),
  outdated: few('pct'),
  alignment: fc.record({
    spf: fc.constantFrom('relaxed', 'strict'),
    dkim: fc.constantFrom('relaxed', 'strict'),
  }),
  organizations: fc.constantFrom(
    undefined,
    new Map([
      ['app.example.com', 'example.com'],
      ['bounce.example.com', 'example.com'],
      ['other.example.net', 'example.net'],
    ]),
  ),
})
const seen = fc
  .record({
    envelope: fc.constantFrom('app.example.com', 'bounce.example.com', 'other.example.net'),
    envelopeDomain: fc.record({
      name: fc.constant('app.example.com'),
      exists: fc.constantFrom(true, undefined),
      nullMx: fc.constant(false),
      servers: fc.constantFrom(
        undefined,
        [],
        [{ name: 'mx.example.com', problem: undefined, isPrivate: false }],
        [{ name: 'mx.example.com', problem: 'has no address', isPrivate: false }],
      ),
      hasAddress: maybe,
    }),
    spf,
    dkim: fc.option(fc.array(dkim, { maxLength: 3 }), { nil: undefined }),
    dmarc,
    ptr: fc.array(
      fc
        .record({
          names: fc.constantFrom(undefined, [], ['host.example.com']),
          isConfirmed: maybe,
          isGeneric: fc.boolean(),
        })
        // What has no name is not confirmed by one.
        .map(({ names, ...more }) => ({
          sender: address,
          address,
          names,
          ...(names?.length === 1 ? more : { isConfirmed: undefined, isGeneric: false }),
        })),
      { maxLength: 2 },
    ),
    mtaSts: fc.record({
      record: fc.constantFrom('unanswered' as const, 'missing' as const, 'found' as const),
      mode: fc.constantFrom(undefined, 'enforce' as const, 'testing' as const, 'none' as const),
      problems: few('the policy is not there'),
      reports: fc.constantFrom('unanswered' as const, 'missing' as const, 'invalid' as const, 'found' as const),
    }),
  })
  // Without a record there is no policy.
  .map(({ mtaSts, ...rest }) => ({
    ...rest,
    mtaSts: mtaSts.record === 'found' ? mtaSts : { ...mtaSts, mode: undefined, problems: [] },
  }))
const target = fc.record({
  bulk: fc.boolean(),
  direct: fc.boolean(),
  expect: fc.constantFrom(undefined, { dmarc: 'quarantine' }),
})

test('a row asks for something exactly where there is a reason', () => {
  fc.assert(
    fc.property(seen, target, (more, options) => {
      const found = dnsSeen(more)
      const configured = dnsTarget(options)
      const reasons = judge(found, configured).reasons.flatMap(({ code }) => about[code] ?? [])
      const asking = postureOf(found, configured).rows.filter(({ state }) =>
        ['weak', 'wrong', 'missing'].includes(state),
      )
      expect(new Set(asking.map(({ record }) => record))).toEqual(new Set(reasons))
      for (const row of asking) expect(row.publish ?? row.advice, JSON.stringify(row)).toBeTypeOf('string')
    }),
    { numRuns: 2_000, seed: 18 },
  )
})
