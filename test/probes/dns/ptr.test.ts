import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDns } from '../../../src/clients/dns/index.ts'
import { isGenericName } from '../../../src/probes/dns/hosts/generic-name.ts'
import { helloReasons } from '../../../src/probes/dns/judge/hello.ts'
import { ptrReasons } from '../../../src/probes/dns/judge/ptr.ts'
import { lookAtHello } from '../../../src/probes/dns/hosts/hello.ts'
import { lookAtPtr } from '../../../src/probes/dns/hosts/ptr.ts'
import { reverseNameOf } from '../../../src/probes/dns/hosts/reverse-name.ts'
import { lookAtSenders } from '../../../src/probes/dns/hosts/senders.ts'
import { needs } from '../../servers/processes.ts'
import { nsdBinary, nsdInstall, startNsd, type Nsd } from '../../servers/nsd.ts'
import { dnsOf, type Zones } from './zones.ts'

describe.skipIf(!needs('nsd', nsdBinary(), nsdInstall))('senders in real zones', () => {
  let nsd: Nsd
  beforeAll(async () => {
    nsd = await startNsd({
      zones: {
        'example.com': [
          'mail A 192.0.2.10',
          'mail AAAA 2001:db8::10',
          'wrong A 192.0.2.99',
          'half A 192.0.2.15',
          'half AAAA 2001:db8::99',
          'bare TXT "x"',
          'inside A 10.0.0.5',
          'mixed A 10.0.0.5',
          'mixed A 192.0.2.10',
          'static.13.2.0.192 A 192.0.2.13',
        ],
        '2.0.192.in-addr.arpa': [
          '10 PTR mail.example.com.',
          '15 PTR half.example.com.',
          '11 PTR wrong.example.com.',
          '12 PTR nowhere.example.com.',
          '12 PTR mail.example.com.',
          '13 PTR static.13.2.0.192.example.com.',
          // RFC 2317: the owner of a part of a /24.
          '14 CNAME 14.part',
          '14.part PTR fourteen.example.net.',
        ],
        'example.net': ['fourteen A 192.0.2.14'],
        '10.in-addr.arpa': ['@ TXT "x"'],
        '8.b.d.0.1.0.0.2.ip6.arpa': [`0.1.${'0.'.repeat(21)}0 PTR mail.example.com.`],
      },
    })
  })
  afterAll(() => nsd.stop())

  async function judged(senders: readonly string[], { direct = false, helo = undefined as string | undefined } = {}) {
    const servers = [nsd.address]
    const dns = openDns({ servers, signal: AbortSignal.timeout(10_000), note: () => undefined })
    const seen = await lookAtSenders(dns, senders)
    const ptr = await lookAtPtr(dns, seen.addresses)
    const hello = helo === undefined ? undefined : await lookAtHello(dns, helo, seen.addresses)
    const reasons = [
      ...ptrReasons({ ptr, senders: seen }, { direct }),
      ...helloReasons({ hello, senders: seen }, { servers, helo, senders }),
    ]
    return reasons.map(({ verdict, code, text }) => `${verdict} ${code}: ${text}`)
  }

  it('finds names that lead back, of both kinds of addresses, and behind an alias', async () => {
    expect(await judged(['mail.example.com', '192.0.2.14', '192.0.2.10'], { direct: true })).toEqual([])
  })

  it('names an address without a name, and names that do not lead back', async () => {
    expect(await judged(['192.0.2.1', '192.0.2.11', '192.0.2.12'])).toEqual([
      'warn dns_ptr_missing: 192.0.2.1 has no name (PTR); 192.0.2.11 has the name wrong.example.com, which does not lead back to it; 192.0.2.12 has the names mail.example.com and nowhere.example.com, which do not lead back to it',
    ])
    expect(await judged(['wrong.example.com'], { direct: true })).toEqual([
      'fail dns_ptr_missing: 192.0.2.99 (wrong.example.com) has no name (PTR)',
    ])
  })

  it('warns of a host that may send from its address of IPv4 alone', async () => {
    expect(await judged(['half.example.com'], { direct: true })).toEqual([
      'warn dns_ptr_missing: 2001:db8::99 (half.example.com) has no name (PTR)',
    ])
    expect(await judged(['half.example.com', '2001:db8::99'], { direct: true })).toEqual([
      expect.stringMatching(/^fail dns_ptr_missing: /),
    ])
  })

  it('warns of a name that a provider gave', async () => {
    expect(await judged(['192.0.2.13'], { direct: true })).toEqual([
      'warn dns_ptr_generic: 192.0.2.13 has the name static.13.2.0.192.example.com',
    ])
  })

  it('does not know what receivers see of a host without a public address', async () => {
    expect(await judged(['absent.example.com', 'bare.example.com', 'inside.example.com'], { direct: true })).toEqual([
      'unknown dns_sender_unknown: absent.example.com (`senders`) has no address; bare.example.com (`senders`) has no address; inside.example.com (`senders`) has only private addresses (10.0.0.5)',
    ])
    expect(await judged(['mixed.example.com'], { direct: true })).toEqual([])
    // Who names it means it.
    expect(await judged(['10.0.0.5'])).toHaveLength(1)
  })

  it('compares the name of the hello with all senders', async () => {
    expect(await judged(['mail.example.com'], { helo: 'mail.example.com' })).toEqual([])
    expect(await judged(['192.0.2.10', '192.0.2.14'], { helo: 'mail.example.com' })).toEqual([
      'warn dns_hello_invalid: mail.example.com, with which the senders say hello, leads to 192.0.2.10, 2001:db8::10 and not to 192.0.2.14',
    ])
    expect(await judged([], { helo: 'core.example.com' })).toEqual([
      'warn dns_hello_invalid: core.example.com, with which the senders say hello, has no address',
    ])
  })
})

describe('the name of a greeting', () => {
  const zones: Zones = { 'mail.test': { A: ['192.0.2.1'] }, 'half.test': { A: ['192.0.2.9'], failing: ['AAAA'] } }
  async function codes(name: string, senders: readonly string[] | undefined) {
    const dns = dnsOf(zones)
    const seen = await lookAtSenders(dns, senders ?? [])
    const hello = await lookAtHello(dns, name, seen.addresses)
    return helloReasons({ hello, senders: seen }, { senders }).map(({ code }) => code)
  }
  it('is that of one of the senders, and counts only where they are known', async () => {
    expect(await codes('mail.test', ['192.0.2.1', '192.0.2.2'])).toEqual([])
    expect(await codes('mail.test', ['192.0.2.2'])).toEqual(['dns_hello_invalid'])
    expect(await codes('relay.internal', undefined)).toEqual([])
    expect(await codes('half.test', ['192.0.2.2'])).toEqual([])
    // What was not answered for may be the address it leads to.
    expect(await codes('mail.test', ['192.0.2.2', 'half.test'])).toEqual([])
  })
})

describe('a name that was not answered for', () => {
  it.each<[string, Zones]>([
    ['PTR', { '1.2.0.192.in-addr.arpa': { failing: 'all' } }],
    ['the way back', { '1.2.0.192.in-addr.arpa': { PTR: ['a.test', 'b.test'] }, 'b.test': { failing: 'all' } }],
  ])('is no reason: %s', async (_, zones) => {
    const dns = dnsOf(zones)
    const senders = await lookAtSenders(dns, ['192.0.2.1'])
    expect(ptrReasons({ ptr: await lookAtPtr(dns, senders.addresses), senders }, { direct: true })).toEqual([])
  })

  it('is no lost sender', async () => {
    const seen = await lookAtSenders(dnsOf({ 'a.test': { failing: ['A'] } }), ['a.test'])
    expect(seen).toEqual({ addresses: [], lost: [], isPartial: true })
  })
})

describe('generic names', () => {
  it.each([
    ['static.10.2.0.192.clients.your-server.de', '192.0.2.10'],
    ['ec2-192-0-2-10.eu-west-1.compute.amazonaws.com', '192.0.2.10'],
    ['10.2.0.192.bc.googleusercontent.com', '192.0.2.10'],
    ['ip-192-0-2-10.eu-central-1.compute.internal', '192.0.2.10'],
    ['p3ee04f0a.dip0.t-ipconnect.example', '62.224.79.10'],
    ['192.0.2.10.dynamic.isp.example', '192.0.2.10'],
    ['host192-000-002-010.isp.example', '192.0.2.10'],
    ['192000002010.isp.example', '192.0.2.10'],
    ['c000020a.virtua.example', '192.0.2.10'],
    ['cpe-192_0_2_10.isp.example', '192.0.2.10'],
    ['2001-0db8-0000-0001-0000-0000-0000-000a.isp.example', '2001:db8:0:1::a'],
    ['2001-db8-0-1-0-0-0-a.isp.example', '2001:db8:0:1::a'],
    ['a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.isp.example', '2001:db8:0:1::a'],
    ['20010db800000001000000000000000a.isp.example', '2001:db8:0:1::a'],
  ])('%s', (name, address) => {
    expect(isGenericName(name, address)).toBe(true)
  })

  it.each([
    ['mail.example.com', '192.0.2.10'],
    ['mail-192-0-2-10.example.com', '192.0.2.10'],
    ['mx10.example.com', '192.0.2.10'],
    ['a8-29.smtp-out.eu-west-1.amazonses.com', '54.240.8.29'],
    ['mail-wr1-f41.google.com', '209.85.221.41'],
    ['mail-db8eur05on2041.outbound.protection.outlook.com', '40.107.20.41'],
    ['o1.ptr123.example.com', '192.0.2.10'],
    ['wrqvtzvf.outbound-mail.sendgrid.net', '149.72.1.2'],
    ['m42-128.mailgun.net', '69.72.42.128'],
    ['192-0-2-10.relay.example.com', '192.0.2.10'],
    ['srv-192-0-2-100.example.com', '192.0.2.10'],
    ['srv-1192-0-2-10.example.com', '192.0.2.10'],
    ['web10.example.com', '192.0.2.10'],
    ['deadbeefc000020a11.example.com', '192.0.2.10'],
    ['mail.example.com', '2001:db8::10'],
    ['2001-db8.example.com', '2001:db8::10'],
  ])('not %s', (name, address) => {
    expect(isGenericName(name, address)).toBe(false)
  })
})

describe('names of addresses', () => {
  it.each([
    ['192.0.2.10', '10.2.0.192.in-addr.arpa'],
    // RFC 3596, 2.5
    ['4321:0:1:2:3:4:567:89ab', 'b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa'],
    ['2001:db8::1', `1.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`],
    ['::', `${'0.'.repeat(32)}ip6.arpa`],
    ['::ffff:192.0.2.10', `a.0.2.0.0.0.0.c.f.f.f.f.${'0.'.repeat(20)}ip6.arpa`],
  ])('%s', (address, name) => {
    expect(reverseNameOf(address)).toBe(name)
  })
})
