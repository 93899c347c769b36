import { describe, expect, it } from 'vitest'
import { aligns, lookAtDmarc, type DmarcQuestion, type DmarcSeen } from '../../../src/probes/dns/dmarc/index.ts'
import { dmarcRecord, isDmarc, whyNoDmarc } from '../../../src/probes/dns/dmarc/record.ts'
import { namesFrom } from '../../../src/probes/dns/dmarc/walk.ts'
import { dnsOf, type Zones } from './zones.ts'

/** Zones with a DMARC record below each domain. */
const zonesOf = (records: Readonly<Record<string, string | readonly string[]>>, more: Zones = {}): Zones => ({
  ...Object.fromEntries(Object.entries(records).map(([domain, text]) => [`_dmarc.${domain}`, { TXT: [text].flat() }])),
  ...more,
})
const look = (zones: Zones, domain: string, more: Partial<DmarcQuestion> = {}) =>
  lookAtDmarc(dnsOf(zones), { domain, envelope: domain, dkimDomains: [], ...more })
const reject = 'v=DMARC1; p=reject; rua=mailto:r@example.com'

describe('a record', () => {
  it.each(['v=DMARC1', 'v=DMARC1;', 'V = DMARC1 ;p=none', 'v=DMARC1\t; p=none', 'v=DMARC1;p=none'])(
    'is one: %s',
    text => {
      expect([isDmarc(text), whyNoDmarc(text)]).toEqual([true, undefined])
    },
  )

  // RFC 9989, 4.7: `v`.
  it.each([
    'v=dmarc1; p=none',
    'v=DMARC1 p=none',
    'v=DMARC2; p=none',
    ' v=DMARC1; p=none',
    '"v=DMARC1; p=none"',
    'v=DMARC1\\; p=none',
  ])('is none, and looks like one: %s', text => {
    expect([isDmarc(text), whyNoDmarc(text)]).toEqual([false, expect.stringContaining('it has to begin with')])
  })
  it.each(['v=spf1 -all', '', 'p=none; v=DMARC1', 'dmarc'])('is none: %s', text => {
    expect([isDmarc(text), whyNoDmarc(text)]).toEqual([false, undefined])
  })

  it('is read with all that it has', () => {
    const text =
      'v=DMARC1; p=Reject; sp=quarantine; np=none; adkim=s; aspf=r; t=y; psd=n; fo=1; rua=mailto:a@example.com!10m, mailto:b@example.com ; ruf=mailto:c@example.com?x=1;'
    expect(dmarcRecord(text)).toEqual({
      policies: { p: 'reject', sp: 'quarantine', np: 'none' },
      unused: undefined,
      psd: 'n',
      isTesting: true,
      alignment: { spf: 'relaxed', dkim: 'strict' },
      rua: ['a@example.com', 'b@example.com'],
      ruf: ['c@example.com'],
      problems: [],
      outdated: [],
    })
  })

  it.each<[record: string, policy: string, problems: readonly string[]]>([
    // RFC 9989, 4.10.1: without a valid policy it counts as none where reports are asked for.
    ['rua=mailto:r@example.com', 'none', ['has no `p`: receivers take `none`']],
    ['p=rejct; rua=mailto:r@example.com', 'none', ['has `p=rejct`, which is no policy: receivers take `none`']],
    ['p=reject; sp=x; rua=mailto:r@example.com', 'none', ['has `sp=x`, which is no policy: receivers take `none`']],
    // 4.8: what is wrong elsewhere is ignored.
    [
      'p=reject; hello; aspf=strict',
      'reject',
      ['has a part that is not `name=value`: `hello`', 'has `aspf=strict`, and only `r` and `s` count'],
    ],
    [
      'p=reject; t=1; psd=x; adkim=',
      'reject',
      [
        'has `adkim=`, and only `r` and `s` count',
        'has `t=1`, and only `y` and `n` count',
        'has `psd=x`, and only `y`, `n` and `u` count',
      ],
    ],
    ['p=none; p=reject', 'reject', ['has the tag `p` twice']],
    ['p=reject; rua=r@example.com', 'reject', ['has `r@example.com` without `mailto:`']],
    ['p=reject; unknown=1', 'reject', []],
  ])('has an error: %s', (record, policy, problems) => {
    const read = dmarcRecord(`v=DMARC1; ${record}`)
    expect([read.policies.p, read.problems, read.unused]).toEqual([policy, problems, undefined])
  })

  it.each<[record: string, unused: string]>([
    ['v=DMARC1', 'has no `p`, and no address in `rua`: receivers do nothing for it'],
    ['v=DMARC1; p=block', 'has `p=block`, which is no policy, and no address in `rua`: receivers do nothing for it'],
    [
      'v=DMARC1; p=none; np=maybe; rua=x',
      'has `np=maybe`, which is no policy, and no address in `rua`: receivers do nothing for it',
    ],
  ])('is not used: %s', (record, unused) => {
    expect(dmarcRecord(record).unused).toBe(unused)
  })

  it('has tags that are gone', () => {
    expect(dmarcRecord('v=DMARC1; p=reject; pct=20; rf=afrf; ri=3600').outdated).toEqual([
      'pct=20',
      'rf=afrf',
      'ri=3600',
    ])
  })
})

describe('RFC 9989, 4.10', () => {
  it('asks for eight names at most', () => {
    expect(namesFrom('a.b.c.d.e.f.g.h.i.j.mail.example.com')).toEqual([
      'a.b.c.d.e.f.g.h.i.j.mail.example.com',
      'g.h.i.j.mail.example.com',
      'h.i.j.mail.example.com',
      'i.j.mail.example.com',
      'j.mail.example.com',
      'mail.example.com',
      'example.com',
      'com',
    ])
    expect(namesFrom('example.com')).toEqual(['example.com', 'com'])
    expect(namesFrom('a.b.c.d.e.f.example.com')).toHaveLength(8)
    expect(namesFrom('b.c.d.e.f.example.com')).toHaveLength(7)
  })

  // 4.10.2, the examples at its end. Another domain is in the question, so that alignment is looked at.
  it.each<[what: string, records: Readonly<Record<string, string>>, organization: string]>([
    ['the one with the fewest labels', { 'mail.example.com': reject, 'example.com': reject }, 'example.com'],
    ['psd=n', { 'mail.example.com': `${reject}; psd=n`, 'example.com': reject }, 'mail.example.com'],
    ['psd=y above', { com: `${reject}; psd=y` }, 'example.com'],
    ['psd=y of itself', { 'a.mail.example.com': `${reject}; psd=y` }, 'a.mail.example.com'],
    ['only its own', { 'a.mail.example.com': reject }, 'a.mail.example.com'],
  ])('finds the organizational domain: %s', async (_, records, organization) => {
    const { organizations } = await look(zonesOf(records), 'a.mail.example.com', { envelope: 'example.net' })
    expect(organizations?.get('a.mail.example.com')).toBe(organization)
    expect(organizations?.get('example.net')).toBe('example.net')
  })

  it.each<
    [
      what: string,
      question: DmarcQuestion,
      records: Readonly<Record<string, string>>,
      seen: Partial<DmarcSeen>,
      spf: boolean,
      dkim: boolean,
    ]
  >([
    [
      'B.4.1',
      { domain: 'example.com', envelope: 'example.com', dkimDomains: ['signing.example.com'] },
      { 'example.com': reject, 'signing.example.com': reject },
      { name: '_dmarc.example.com', tag: 'p' },
      true,
      true,
    ],
    [
      'B.4.2',
      { domain: 'a.b.c.d.e.f.g.h.i.j.k.example.com', envelope: 'example.com', dkimDomains: ['signing.example.com'] },
      { 'example.com': reject, 'signing.example.com': reject },
      { name: '_dmarc.example.com' },
      true,
      true,
    ],
    [
      'B.4.3',
      { domain: 'giant.bank.example', envelope: 'mail.giant.bank.example', dkimDomains: ['mail.mega.bank.example'] },
      { 'bank.example': 'v=DMARC1; p=reject; psd=y', 'giant.bank.example': 'v=DMARC1; p=quarantine' },
      { name: '_dmarc.giant.bank.example', policy: 'quarantine' },
      true,
      false,
    ],
    [
      'B.1.1 and B.1.2, example 1',
      { domain: 'example.com', envelope: 'example.com', dkimDomains: ['example.com'] },
      { 'example.com': `${reject}; aspf=s; adkim=s` },
      {},
      true,
      true,
    ],
    [
      'B.1.1 and B.1.2, example 2',
      { domain: 'child.example.com', envelope: 'example.com', dkimDomains: ['example.com'] },
      { 'example.com': reject },
      {},
      true,
      true,
    ],
    [
      'B.1.1 and B.1.2, example 3',
      { domain: 'child.example.com', envelope: 'example.net', dkimDomains: ['example.net'] },
      { 'example.com': reject },
      {},
      false,
      false,
    ],
    [
      'strict',
      { domain: 'child.example.com', envelope: 'example.com', dkimDomains: ['x.child.example.com'] },
      { 'example.com': `${reject}; aspf=s; adkim=s` },
      {},
      false,
      false,
    ],
  ])('example %s', async (_, question, records, seen, spf, dkim) => {
    const found = await lookAtDmarc(dnsOf(zonesOf(records)), question)
    expect(found).toMatchObject({ kind: 'found', ...seen })
    const { domain, envelope, dkimDomains } = question
    expect(aligns(found, 'spf', domain, envelope)).toBe(spf)
    expect(dkimDomains.map(one => aligns(found, 'dkim', domain, one))).toEqual([dkim])
  })
})

describe('the record that applies', () => {
  const exists: Zones = { 'x.app.example.com': { A: ['192.0.2.1'] } }
  const three = 'v=DMARC1; p=reject; sp=quarantine; np=none; rua=mailto:r@example.com'
  it.each<
    [what: string, records: Readonly<Record<string, string | readonly string[]>>, more: Zones, seen: Partial<DmarcSeen>]
  >([
    [
      'its own',
      { 'x.app.example.com': 'v=DMARC1; p=none', 'example.com': three },
      exists,
      { policy: 'none', tag: 'p' },
    ],
    ['sp of the organizational domain', { 'example.com': three }, exists, { policy: 'quarantine', tag: 'sp' }],
    ['np, for a domain that is not there', { 'example.com': three }, {}, { policy: 'none', tag: 'np' }],
    [
      'sp, for an alias that leads nowhere',
      { 'example.com': three },
      { 'x.app.example.com': { CNAME: ['gone.example.net'] } },
      { policy: 'quarantine', tag: 'sp' },
    ],
    ['sp, where there is no np', { 'example.com': 'v=DMARC1; p=reject; sp=none' }, {}, { policy: 'none', tag: 'sp' }],
    ['p, where there is no sp', { 'example.com': 'v=DMARC1; p=reject' }, {}, { policy: 'reject', tag: 'p' }],
    [
      'not known whether it is there',
      { 'example.com': three },
      { 'x.app.example.com': { failing: ['A'] } },
      { kind: 'found', policy: undefined },
    ],
    [
      'not that of a domain between',
      { 'app.example.com': 'v=DMARC1; p=none', 'example.com': reject },
      exists,
      { name: '_dmarc.example.com' },
    ],
    ['that of the public suffix', { com: `${reject}; psd=y` }, exists, { name: '_dmarc.com', policy: 'reject' }],
    [
      'that of the public suffix, since the organizational domain has none',
      { 'app.example.com': 'v=DMARC1; p=none', com: `${reject}; psd=y` },
      exists,
      { name: '_dmarc.com' },
    ],
    [
      'the one above, since there are two',
      { 'x.app.example.com': [reject, reject], 'example.com': reject },
      exists,
      {
        name: '_dmarc.example.com',
        ignored: ['_dmarc.x.app.example.com is there 2 times, so that receivers ignore all of them'],
      },
    ],
    [
      'the one beside another TXT record',
      { 'x.app.example.com': ['v=spf1 -all', reject] },
      exists,
      { policy: 'reject', ignored: [] },
    ],
    ['none', {}, exists, { kind: 'missing', name: '_dmarc.x.app.example.com' }],
    [
      'none, since there are two',
      { 'example.com': [reject, reject] },
      exists,
      { kind: 'invalid', name: '_dmarc.example.com' },
    ],
    [
      'none, since it begins wrongly',
      { 'x.app.example.com': 'v=dmarc1; p=none' },
      exists,
      { kind: 'invalid', name: '_dmarc.x.app.example.com' },
    ],
    [
      'one of no use',
      { 'x.app.example.com': 'v=DMARC1', 'example.com': reject },
      exists,
      { kind: 'invalid', name: '_dmarc.x.app.example.com' },
    ],
  ])('%s', async (_, records, more, seen) => {
    expect(await look(zonesOf(records, more), 'x.app.example.com')).toMatchObject(seen)
  })

  const silent: Zones = { '_dmarc.example.com': { failing: 'all' } }
  it('is not known if a name on the way was not answered', async () => {
    expect(await look(silent, 'app.example.com')).toMatchObject({ kind: 'unanswered' })
    expect(await look(zonesOf({ com: reject }, silent), 'app.example.com')).toMatchObject({ kind: 'unanswered' })
  })
  it('is known if it is its own; only what aligns is not', async () => {
    const seen = await look(zonesOf({ 'app.example.com': reject }, silent), 'app.example.com', {
      envelope: 'b.example.com',
    })
    expect(seen).toMatchObject({ kind: 'found', policy: 'reject' })
    expect(aligns(seen, 'spf', 'app.example.com', 'b.example.com')).toBeUndefined()
    expect(aligns(seen, 'spf', 'app.example.com', 'app.example.com')).toBe(true)
  })
})

describe('reports to other domains', () => {
  const to = (address: string) => ({ 'blue.example.com': `v=DMARC1; p=none; rua=mailto:${address}` })
  const name = 'blue.example.com._report._dmarc.red.example.net'
  const refused = async (zones: Zones) => (await look(zones, 'blue.example.com')).refusedReports

  // RFC 9990, "Verifying External Destinations": its example.
  it('are refused without a record there', async () => {
    expect(await refused(zonesOf(to('reports@red.example.net')))).toEqual([
      { address: 'reports@red.example.net', name },
    ])
  })
  it.each(['v=DMARC1', 'v=DMARC1;', 'v=DMARC1; rua=mailto:x@red.example.net'])(
    'are taken with %s there',
    async text => {
      expect(await refused(zonesOf(to('reports@red.example.net'), { [name]: { TXT: ['x', text] } }))).toEqual([])
    },
  )
  it('need none in the own organization, nor if it is not known', async () => {
    expect(await refused(zonesOf({ ...to('r@example.com'), 'example.com': reject }))).toEqual([])
    expect(await refused(zonesOf(to('r@BLUE.example.com')))).toEqual([])
    expect(await refused(zonesOf(to('r@red.example.net'), { [name]: { failing: 'all' } }))).toEqual([])
    expect(await refused(zonesOf(to('r@red.example.net'), { '_dmarc.net': { failing: 'all' } }))).toEqual([])
  })
  it('are also those of single mails, and a list costs no more than five domains', async () => {
    const list = Array.from({ length: 20 }, (_, at) => `mailto:r@r${at}.example.net`).join()
    const zones = zonesOf({ 'example.com': `v=DMARC1; p=none; ruf=${list}` })
    expect((await look(zones, 'example.com')).refusedReports).toHaveLength(5)
  })
})

it('asks for no more than it needs', async () => {
  const dns = dnsOf(zonesOf({ 'app.example.com': 'v=DMARC1; p=reject; rua=mailto:r@app.example.com' }))
  await lookAtDmarc(dns, { domain: 'app.example.com', envelope: 'app.example.com', dkimDomains: ['app.example.com'] })
  expect(dns.asked).toEqual(['_dmarc.app.example.com TXT', '_dmarc.example.com TXT', '_dmarc.com TXT'])
})
