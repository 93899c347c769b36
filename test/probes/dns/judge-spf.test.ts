import { describe, expect, it } from 'vitest'
import type { DkimSeen } from '../../../src/probes/dns/dkim/index.ts'
import type { DkimKey } from '../../../src/probes/dns/dkim/key.ts'
import { authenticationReasons } from '../../../src/probes/dns/judge/authentication.ts'
import { spfReasons } from '../../../src/probes/dns/judge/spf.ts'
import { spfToClose } from '../../../src/probes/dns/judge/spf-to-publish.ts'
import { lookAtSpf } from '../../../src/probes/dns/spf/index.ts'
import { dnsOf, type Zones } from './zones.ts'

const domain = 'app.example.com'
const relay = { sender: 'relay.example.com', address: '192.0.2.10' }
const other = { sender: '2001:db8::1', address: '2001:db8::1' }

interface Case {
  readonly records: Zones[string]
  readonly senders?: readonly (typeof relay)[]
  readonly dkim?: readonly DkimKey[] | undefined
  readonly exists?: boolean | undefined
  readonly isAwaitingSes?: boolean
}

async function seenOf({ records, senders = [relay], dkim, exists = true, isAwaitingSes = false }: Case) {
  const spf = await lookAtSpf(dnsOf({ [domain]: records }), { envelope: domain, senders })
  const ownDomain = { name: domain, exists, nullMx: false, servers: undefined, hasAddress: undefined }
  const keys = dkim?.map((key, i): DkimSeen => ({ selector: `s${i}`, name: `s${i}._domainkey.${domain}`, domain, key }))
  return { domain, envelope: domain, ownDomain, envelopeDomain: ownDomain, spf, dkim: keys, isAwaitingSes }
}

const spf = (...TXT: string[]) => ({ records: { TXT } })
const judged = async (one: Case, bulk = false) =>
  spfReasons(await seenOf(one), { bulk }).map(({ code, verdict, text }) => `${verdict} ${code}: ${text}`)

it('finds nothing to say about a record that fits', async () => {
  expect(await judged(spf('v=spf1 ip4:192.0.2.10 -all'))).toEqual([])
})

it.each<[Case, ...string[]]>([
  [spf('hello'), 'warn dns_spf_missing: app.example.com has no TXT record that begins with `v=spf1` and a space'],
  [
    spf('"v=spf1 -all"'),
    'warn dns_spf_missing: app.example.com has no TXT record that begins with `v=spf1` and a space; there is `"v=spf1 -all"`, which is none',
  ],
  [spf('v=spf1 -all', 'v=spf1 ~all'), 'warn dns_spf_invalid: app.example.com has 2 SPF records, and may have one'],
  [
    spf('v=spf1 foo bar -all'),
    'warn dns_spf_invalid: app.example.com: `foo` is not a term of SPF; app.example.com: `bar` is not a term of SPF',
  ],
  [
    { ...spf('v=spf1 a:mail.example.com -all'), senders: [relay, other] },
    'warn dns_spf_not_covering: app.example.com: SPF gives fail and not pass for 192.0.2.10 (relay.example.com), by `-all` in app.example.com; app.example.com: SPF gives fail and not pass for 2001:db8::1, by `-all` in app.example.com',
  ],
  [spf('v=spf1 +all'), 'warn dns_spf_open: app.example.com: `+all` lets in everybody'],
  [spf('v=spf1 ip4:192.0.2.10 ?all'), 'warn dns_spf_permissive: app.example.com: `?all` says nothing of others'],
  [spf('v=spf1 ip4:192.0.2.10 ptr -all'), 'warn dns_spf_deprecated: app.example.com: `ptr` is not to be used'],
])('%j', async (one, ...expected) => {
  expect(await judged(one)).toEqual(expected)
})

it('concludes nothing of a server that fails, nor of the record of a domain that is missing', async () => {
  expect(await judged({ records: { failing: 'all' } })).toEqual([])
  expect(await judged({ ...spf(), exists: false })).toEqual([])
})

it('fails what the large receivers ask of a bulk sender', async () => {
  const cases = [spf(), spf('v=spf1 foo'), spf('v=spf1 -all')]
  const all = (await Promise.all(cases.map(one => judged(one, true)))).flat()
  expect(all.map(text => text.split(':')[0])).toEqual([
    'fail dns_spf_missing',
    'fail dns_spf_invalid',
    'fail dns_spf_not_covering',
  ])
})

it.each([
  ['none', 'v=spf1 ip4:192.0.2.10 ip6:2001:db8::1 ~all'],
  [
    'V=SPF1 include:_spf.provider.example ~all',
    'v=spf1 ip4:192.0.2.10 ip6:2001:db8::1 include:_spf.provider.example ~all',
  ],
  ['v=spf1 ip4:192.0.2.10 -all', 'v=spf1 ip6:2001:db8::1 ip4:192.0.2.10 -all'],
])('gives a record to publish in place of `%s`, by which all senders pass', async (text, expected) => {
  const senders = [relay, other]
  const more: Zones = { '_spf.provider.example': { TXT: ['v=spf1 -all'] } }
  const look = (record: string) =>
    lookAtSpf(dnsOf({ ...more, [domain]: { TXT: [record] } }), { envelope: domain, senders })
  const seen = { ...(await seenOf({ ...spf(text), senders })), spf: await look(text) }
  const [reason] = spfReasons(seen, { bulk: false })
  expect(reason?.remedy).toContain(`Publish this TXT record at app.example.com: \`${expected}\``)
  expect((await look(expected)).senders.map(({ result }) => result)).toEqual(['pass', 'pass'])
})

const key: DkimKey = { kind: 'key', algorithm: 'rsa', bits: 2048, isTesting: false, hashes: undefined, isForMail: true }
const weak: DkimKey = { ...key, bits: 512 }
const missing: DkimKey = { kind: 'missing' }
const unanswered: DkimKey = { kind: 'unanswered' }

it.each<[string, Case, string]>([
  [
    'no record and no key',
    { ...spf(), dkim: [missing] },
    'app.example.com has no SPF record, and no DKIM key can be used (s0._domainkey.app.example.com: missing)',
  ],
  [
    'an address that is not covered',
    { ...spf('v=spf1 -all'), senders: [relay, other], dkim: [] },
    'SPF of app.example.com gives fail for 192.0.2.10 and 1 more, and nothing is signed with DKIM (`dkim`)',
  ],
  [
    'one that is covered, and one that is not',
    { ...spf('v=spf1 ip4:192.0.2.10 ~all'), senders: [relay, other], dkim: [weak] },
    'SPF of app.example.com gives softfail for 2001:db8::1, and no DKIM key can be used (s0._domainkey.app.example.com: too weak, or not for mail)',
  ],
  [
    'a permerror',
    { ...spf('v=spf1 foo'), dkim: [] },
    'the SPF record of app.example.com is not valid for 192.0.2.10, and nothing is signed with DKIM (`dkim`)',
  ],
  [
    'a record that is not valid, of senders that are not known',
    { ...spf('v=spf1 foo'), senders: [], dkim: [] },
    'the SPF record of app.example.com is not valid, and nothing is signed with DKIM (`dkim`)',
  ],
  [
    'a record that lets no sender in',
    { ...spf('v=spf1 -all'), senders: [], dkim: [] },
    'the SPF record of app.example.com lets no sender pass, and nothing is signed with DKIM (`dkim`)',
  ],
])('fails mail for which nothing can pass: %s', async (_, one, text) => {
  expect(authenticationReasons(await seenOf(one))).toMatchObject([
    { code: 'dns_unauthenticated', verdict: 'fail', text },
  ])
})

it.each<[string, Case]>([
  ['SPF passes', { ...spf('v=spf1 ip4:192.0.2.10 -all'), dkim: [] }],
  ['a key can be used', { ...spf(), dkim: [missing, key] }],
  ['a key is only tested', { ...spf(), dkim: [{ ...key, isTesting: true }] }],
  ['the senders are not known, and the record lets some in', { ...spf('v=spf1 mx -all'), senders: [], dkim: [] }],
  ['it is not known whether mail is signed', { ...spf(), dkim: undefined }],
  ['a key was not answered for', { ...spf(), dkim: [missing, unanswered] }],
  ['what SES signs with is not known yet', { ...spf(), dkim: [missing], isAwaitingSes: true }],
  ['SPF was not answered for', { records: { failing: 'all' }, dkim: [] }],
  ['an include was not answered for', { records: { TXT: ['v=spf1 mx -all'], failing: ['MX'] }, dkim: [] }],
  ['the domain is missing, which says more', { ...spf(), dkim: [], exists: false }],
])('does not fail mail: %s', async (_, one) => {
  expect(authenticationReasons(await seenOf(one))).toEqual([])
})

it('fails no bulk sender whose mail passes', async () => {
  const both = [relay, { sender: relay.sender, address: '2001:db8::10' }]
  const behind = spf('v=spf1 ip4:192.0.2.10 include:gone.example.com -all')
  const half = { ...spf('v=spf1 ip4:192.0.2.10 -all'), senders: both, dkim: [] }
  expect((await judged(behind, true)).map(text => text.split(':')[0])).toEqual(['warn dns_spf_invalid'])
  expect((await judged(half, true)).map(text => text.split(':')[0])).toEqual(['warn dns_spf_not_covering'])
  expect(authenticationReasons(await seenOf(half))).toEqual([])
})

describe('the remedy of mail that cannot be shown to be its own', () => {
  const remedyOf = async (one: Case, envelope = domain) => {
    const [only] = authenticationReasons({ ...(await seenOf({ dkim: [], ...one })), envelope })
    return only?.remedy
  }

  it('has the record to publish', async () => {
    expect(await remedyOf(spf('hello'))).toContain(`at ${domain}: \`v=spf1 ip4:192.0.2.10 ~all\``)
  })

  it('has the error of the record', async () => {
    expect(await remedyOf(spf('v=spf1 ipv4:192.0.2.10 -all'))).toContain('perhaps `ip4:` is meant')
  })

  it('has no record of another domain, which cannot count for From', async () => {
    expect(await remedyOf(spf('hello'), 'bounce.example.net')).not.toContain('v=spf1')
  })
})

it('keeps the senders that only the open end of a record lets pass, and asks for hosts if none are known', async () => {
  const closedOf = async (one: Case) => spfToClose(await seenOf(one), 'ip4:ADDRESS')
  expect(await closedOf(spf('v=spf1 +all'))).toBe('v=spf1 ip4:192.0.2.10 ~all')
  expect(await closedOf(spf('v=spf1 ip4:192.0.2.10 all'))).toBe('v=spf1 ip4:192.0.2.10 ~all')
  expect(await closedOf({ ...spf('v=spf1 +all'), senders: [] })).toBe('v=spf1 ip4:ADDRESS ~all')
  expect(await closedOf(spf('v=spf1 redirect=example.net'))).toBeUndefined()
  expect(await closedOf(spf('v=spf1 ip4:192.0.2.0/24 ip4:0.0.0.0/1 ip4:128.0.0.0/1 ip6:2000::/3 -all'))).toBe(
    'v=spf1 ip4:192.0.2.0/24 ~all',
  )
})
