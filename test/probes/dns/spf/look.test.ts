import { expect, it } from 'vitest'
import { lookAtSpf } from '../../../../src/probes/dns/spf/index.ts'
import { dnsOf, type Zones } from '../zones.ts'

const envelope = 'app.example.com'
const own = { sender: 'relay.example.com', address: '192.0.2.10' }

const look = (zones: Zones, senders = [own]) => lookAtSpf(dnsOf(zones), { envelope, senders })
const lookAtRecord = (text: string, more: Zones = {}) => look({ [envelope]: { TXT: [text] }, ...more })
const spf = (text: string) => ({ TXT: [text] })

it('finds nothing wrong with a usual record', async () => {
  const zones: Zones = {
    [envelope]: { TXT: ['hello', 'v=spf1 a:relay.example.com include:_spf.provider.example -all'] },
    'relay.example.com': { A: ['192.0.2.10'] },
    '_spf.provider.example': spf('v=spf1 include:_netblocks.provider.example ~all'),
    '_netblocks.provider.example': spf('v=spf1 ip4:198.51.100.0/24 ip6:2001:db8::/32 ~all'),
  }
  expect(await look(zones)).toEqual({
    record: 'found',
    text: 'v=spf1 a:relay.example.com include:_spf.provider.example -all',
    lookalikes: [],
    errors: [],
    permissive: [],
    isOpen: false,
    deprecated: [],
    lookups: 3,
    voidLookups: 0,
    senders: [{ ...own, result: 'pass', why: '`a:relay.example.com` in app.example.com' }],
  })
})

const hosts = Object.fromEntries([1, 2, 3, 4, 5, 6].map(i => [`h${i}.example.net`, { A: ['198.51.100.1'] }]))
const includes = (...names: string[]) => names.map(name => `include:${name}`).join(' ')

it.each<[string, string, Zones, string]>([
  [
    'a term with a typo',
    'v=spf1 ipv4:192.0.2.10 -all',
    {},
    'app.example.com: `ipv4:192.0.2.10` is not a term of SPF; perhaps `ip4:` is meant',
  ],
  [
    'an address as a host',
    'v=spf1 a:192.0.2.10 -all',
    {},
    'app.example.com: `a:192.0.2.10` names an address; for one there is `ip4:192.0.2.10`',
  ],
  [
    'the other kind of address',
    'v=spf1 ip4:2001:db8::1 -all',
    {},
    'app.example.com: `ip4:2001:db8::1` is of the other kind of addresses',
  ],
  [
    'an address with a port',
    'v=spf1 ip4:192.0.2.10:25 -all',
    {},
    'app.example.com: `ip4:192.0.2.10:25` names no address',
  ],
  [
    'a network that is too long',
    'v=spf1 ip4:192.0.2.0/33 -all',
    {},
    'app.example.com: `ip4:192.0.2.0/33` has a length of a network that is none',
  ],
  [
    'a redirect with a colon',
    'v=spf1 redirect:example.net',
    {},
    'app.example.com: `redirect:example.net` is not a term of SPF; perhaps `redirect=` is meant',
  ],
  [
    'quotes of another kind',
    'v=spf1 ip4:192.0.2.10 \u201c-all\u201d',
    {},
    'app.example.com: `\u201c-all\u201d` has a character that is not allowed (only ASCII, and a space between terms)',
  ],
  [
    'an include without a record',
    'v=spf1 include:gone.example.net -all',
    {},
    'app.example.com: `include:gone.example.net` leads to gone.example.net, which has no SPF record',
  ],
  [
    'a redirect without a record',
    'v=spf1 redirect=gone.example.net',
    {},
    'app.example.com: `redirect=gone.example.net` leads to gone.example.net, which has no SPF record',
  ],
  [
    'a loop of two',
    'v=spf1 include:b.example.net -all',
    { 'b.example.net': spf('v=spf1 include:app.example.com -all') },
    'b.example.net: `include:app.example.com` leads back to app.example.com, in a circle',
  ],
  [
    'itself',
    'v=spf1 include:app.example.com -all',
    {},
    'app.example.com: `include:app.example.com` leads back to app.example.com, in a circle',
  ],
  [
    'a mistake at depth three',
    'v=spf1 include:b.example.net -all',
    { 'b.example.net': spf('v=spf1 redirect=c.example.net'), 'c.example.net': spf('v=spf1 ip4:192.0.2 -all') },
    'c.example.net: `ip4:192.0.2` names no address',
  ],
  [
    'two records in an include',
    'v=spf1 include:b.example.net -all',
    { 'b.example.net': { TXT: ['v=spf1 -all', 'v=spf1 ~all'] } },
    'b.example.net has 2 SPF records, and may have one',
  ],
  [
    'eleven look-ups',
    `v=spf1 ip4:192.0.2.10 ${includes('b.example.net', 'b.example.net')} a:h6.example.net -all`,
    {
      ...hosts,
      'b.example.net': spf('v=spf1 a:h1.example.net a:h2.example.net a:h3.example.net a:h4.example.net ~all'),
    },
    'app.example.com takes 11 look-ups in all, and may take 10',
  ],
  [
    'three that find nothing',
    'v=spf1 ip4:192.0.2.10 a:x.example.net mx:y.example.net exists:z.example.net -all',
    {},
    'app.example.com: `a:x.example.net`, `mx:y.example.net`, `exists:z.example.net` find nothing, and only 2 may',
  ],
  [
    'eleven mail servers',
    'v=spf1 ip4:192.0.2.10 mx -all',
    {
      [envelope]: {
        TXT: ['v=spf1 ip4:192.0.2.10 mx -all'],
        MX: Array.from({ length: 11 }, (_, i) => ({ preference: i, exchange: 'h1.example.net' })),
      },
    },
    'app.example.com: `mx` leads to app.example.com, which has 11 MX records, and may have 10',
  ],
])('names %s, and nothing else', async (_, text, more, error) => {
  const seen = await lookAtRecord(text, more)
  expect(seen).toMatchObject({ errors: [error], permissive: [], deprecated: [] })
})

it('counts no look-up behind `all`, none of a network, and no redirect that `all` takes the place of', async () => {
  const seen = await lookAtRecord('v=spf1 ip4:192.0.2.10 -all include:gone.example.net redirect=gone.example.net')
  expect(seen).toMatchObject({ errors: [], lookups: 0 })
})

it.each<[string, Zones, string[]]>([
  ['v=spf1 +all', {}, ['app.example.com: `+all` lets in everybody']],
  ['v=spf1 ip4:192.0.2.10 ?all', {}, ['app.example.com: `?all` says nothing of others']],
  ['v=spf1 ip4:192.0.2.10', {}, ['app.example.com has no `all` at its end, which says nothing of others']],
  ['v=spf1 ip4:0.0.0.0/1 -all', {}, ['app.example.com: `ip4:0.0.0.0/1` lets in large parts of the Internet']],
  ['v=spf1 ip4:17.0.0.0/8 -all', {}, []],
  [
    'v=spf1 include:b.example.net -all',
    { 'b.example.net': spf('v=spf1 all') },
    ['b.example.net: `all` lets in everybody'],
  ],
  ['v=spf1 include:b.example.net -all', { 'b.example.net': spf('v=spf1 ip4:192.0.2.10 ?all') }, []],
  [
    'v=spf1 redirect=b.example.net',
    { 'b.example.net': spf('v=spf1 ip4:192.0.2.10 ?all') },
    ['b.example.net: `?all` says nothing of others'],
  ],
])('%s is too permissive, or not', async (text, more, permissive) => {
  expect(await lookAtRecord(text, more)).toMatchObject({ errors: [], permissive })
})

it('knows who passes only as all others do', async () => {
  expect((await lookAtRecord('v=spf1 +all')).senders).toMatchObject([{ result: 'pass', isByAll: true }])
  expect((await lookAtRecord('v=spf1 ip4:192.0.2.10 +all')).senders[0]).not.toHaveProperty('isByAll')
})

it('names the mechanism and the macro that are not to be used', async () => {
  const seen = await lookAtRecord('v=spf1 ip4:192.0.2.10 ptr exists:%{p}.example.net ~all')
  expect(seen.deprecated).toEqual(['app.example.com: `ptr`', 'app.example.com: `exists:%{p}.example.net`'])
})

it('knows what seems to be meant as SPF', async () => {
  const TXT = ['"v=spf1 -all"', 'v=spf1; ip4:192.0.2.10', 'spf2.0/pra -all', 'google-site-verification=spf1']
  const seen = await look({ [envelope]: { TXT } })
  expect(seen).toMatchObject({ record: 'missing', lookalikes: TXT.slice(0, 3), senders: [{ result: 'none' }] })
})

it('concludes nothing from what is not answered', async () => {
  expect(await look({ [envelope]: { failing: 'all' } })).toMatchObject({
    record: 'unanswered',
    errors: [],
    lookups: undefined,
    senders: [{ result: 'temperror' }],
  })
  const more: Zones = { 'b.example.net': { failing: ['TXT'] }, 'c.example.net': { failing: 'all' } }
  expect(await lookAtRecord('v=spf1 a:c.example.net include:b.example.net -all', more)).toMatchObject({
    record: 'found',
    errors: [],
    lookups: undefined,
    voidLookups: undefined,
    senders: [{ result: 'temperror' }],
  })
})

it('checks each sender, of both kinds of addresses', async () => {
  const senders = ['192.0.2.10', '192.0.2.11', '2001:db8::1', '2001:db8::2'].map(address => ({
    sender: address,
    address,
  }))
  const zones = { [envelope]: spf('v=spf1 ip4:192.0.2.10 ip6:2001:db8::1 ~all') }
  expect((await look(zones, senders)).senders.map(({ result, why }) => `${result}: ${why}`)).toEqual([
    'pass: `ip4:192.0.2.10` in app.example.com',
    'softfail: `~all` in app.example.com',
    'pass: `ip6:2001:db8::1` in app.example.com',
    'softfail: `~all` in app.example.com',
  ])
})

it('names what is broken for one kind of addresses', async () => {
  const senders = ['192.0.2.10', '2001:db8::1'].map(address => ({ sender: address, address }))
  const zones = {
    ...hosts,
    [envelope]: spf('v=spf1 a:h1.example.net a:h2.example.net a:h3.example.net ip4:192.0.2.10 ip6:2001:db8::1 -all'),
  }
  expect(await look(zones, senders)).toMatchObject({
    errors: [
      'app.example.com: checked for 2001:db8::1, h3.example.net AAAA is more than the 2nd look-up that finds nothing',
    ],
    voidLookups: 0,
    senders: [{ result: 'pass' }, { result: 'permerror' }],
  })
})

it('does not guess where a macro leads that depends on who sends', async () => {
  const text = 'v=spf1 include:%{i}._spf.example.net -all'
  const more = { '192.0.2.10._spf.example.net': spf('v=spf1 ip4:192.0.2.10 -all') }
  expect(await lookAtRecord(text, more)).toMatchObject({ errors: [], lookups: 1, senders: [{ result: 'pass' }] })
  expect(await look({ [envelope]: spf(text), ...more }, [])).toMatchObject({ errors: [], lookups: undefined })
})

it('follows a bomb of includes no further than it has to', async () => {
  const zones = Object.fromEntries(
    Array.from({ length: 200 }, (_, i) => [
      `b${i}.example.net`,
      spf(`v=spf1 ${includes(...[1, 2, 3, 4, 5, 6, 7, 8].map(j => `b${8 * i + j}.example.net`))} -all`),
    ]),
  )
  const dns = dnsOf({ ...zones, [envelope]: spf(`v=spf1 ${includes('b0.example.net', 'b0.example.net')} -all`) })
  const seen = await lookAtSpf(dns, { envelope, senders: [own] })
  expect(seen.errors[0]).toMatch(/^app\.example\.com takes at least \d+ look-ups in all, and may take 10$/)
  expect(seen.senders).toMatchObject([{ result: 'permerror' }])
  expect(new Set(dns.asked).size).toBeLessThanOrEqual(30)
})
