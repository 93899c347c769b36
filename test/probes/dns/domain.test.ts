import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDns, type Dns } from '../../../src/clients/dns/index.ts'
import { lookAtDomain } from '../../../src/probes/dns/hosts/domain.ts'
import { domainReasons } from '../../../src/probes/dns/judge/domain.ts'
import { needs } from '../../servers/processes.ts'
import { nsdBinary, nsdInstall, startNsd, type Nsd } from '../../servers/nsd.ts'
import { dnsOf, type Zones } from './zones.ts'

const lines = (dns: Dns, own: string, envelope = own, servers?: readonly string[]) =>
  Promise.all([lookAtDomain(dns, own), lookAtDomain(dns, envelope)]).then(([ownDomain, envelopeDomain]) =>
    domainReasons({ ownDomain, envelopeDomain }, { servers }).map(({ verdict, code, text }) => [verdict, code, text]),
  )

describe.skipIf(!needs('nsd', nsdBinary(), nsdInstall))('domains and MX of a real zone', () => {
  let nsd: Nsd
  beforeAll(async () => {
    nsd = await startNsd({
      zones: {
        'example.com': [
          'good MX 20 mail2',
          'good MX 10 mail',
          'mail A 192.0.2.1',
          'mail2 AAAA 2001:db8::2',
          'null MX 0 .',
          'both MX 0 .',
          'both MX 10 mail',
          'host A 192.0.2.3',
          'text TXT "no mail here"',
          'node.below A 192.0.2.4',
          'alias MX 10 other',
          'other CNAME mail',
          'gone MX 10 nowhere',
          'bare MX 10 text',
          'inside MX 10 private',
          'private A 192.0.2.5',
          'private A 10.1.2.3',
          'number MX 10 192.0.2.7',
          ...Array.from({ length: 12 }, (_, n) => `many MX ${n} nowhere${n}`),
        ],
      },
    })
  })
  afterAll(() => nsd.stop())

  const at = (name: string, envelope?: string) =>
    lines(
      openDns({ servers: [nsd.address], signal: AbortSignal.timeout(10_000), note: () => undefined }),
      `${name}.example.com`,
      envelope === undefined ? undefined : `${envelope}.example.com`,
      [nsd.address],
    )

  it.each(['good', 'host'])('%s is fine', async name => {
    expect(await at(name)).toEqual([])
  })

  it.each([
    ['absent', 'fail', 'dns_domain_missing', 'absent.example.com is not in DNS'],
    ['null', 'fail', 'dns_domain_missing', 'null.example.com says that it takes no mail (null MX), so no bounces'],
    ['text', 'warn', 'dns_mx_missing', 'text.example.com has neither an MX record nor an address'],
    ['below', 'warn', 'dns_mx_missing', 'below.example.com has neither an MX record nor an address'],
    [
      'alias',
      'warn',
      'dns_mx_invalid',
      'the MX record of alias.example.com names other.example.com, which is an alias (CNAME) of mail.example.com (RFC 5321, 5.1)',
    ],
    [
      'gone',
      'warn',
      'dns_mx_invalid',
      'the MX record of gone.example.com names nowhere.example.com, which does not exist',
    ],
    [
      'bare',
      'warn',
      'dns_mx_invalid',
      'the MX record of bare.example.com names text.example.com, which has no address',
    ],
    [
      'inside',
      'warn',
      'dns_mx_invalid',
      'the MX record of inside.example.com names private.example.com, which has the address 10.1.2.3 (private)',
    ],
    [
      'both',
      'warn',
      'dns_mx_invalid',
      'the MX record of both.example.com names ".", which says that the domain takes no mail (RFC 7505), though there are others',
    ],
  ])('%s: %s %s', async (name, ...expected) => {
    expect(await at(name)).toEqual([expected])
  })

  it('names an address in place of a host', async () => {
    expect(await lines(dnsOf({ d: { MX: [{ preference: 1, exchange: '192.0.2.7' }] } }), 'd')).toEqual([
      [
        'warn',
        'dns_mx_invalid',
        'the MX record of d names 192.0.2.7, which is an address: an MX record has to name a host',
      ],
    ])
  })

  it('looks at the first of many, and at each of two domains once', async () => {
    const [[verdict, code, text] = []] = await at('many')
    expect([verdict, code]).toEqual(['warn', 'dns_mx_invalid'])
    expect(text?.split('; ')).toHaveLength(5)
    expect(await at('absent', 'absent')).toHaveLength(1)
    expect(await at('absent', 'good')).toEqual([['fail', 'dns_domain_missing', 'absent.example.com is not in DNS']])
    expect(await at('good', 'absent')).toEqual([['fail', 'dns_domain_missing', 'absent.example.com is not in DNS']])
  })

  it('only warns of a domain in From that takes no replies', async () => {
    expect(await at('null', 'good')).toEqual([
      ['warn', 'dns_mx_missing', 'null.example.com (`From`) says that it takes no mail (null MX), so no replies'],
    ])
  })
})

describe('what is not answered for', () => {
  const mail = { MX: [{ preference: 10, exchange: 'mail.test' }] }
  it.each<[string, Zones]>([
    ['nothing', { 'd.test': { failing: 'all' } }],
    ['no MX', { 'd.test': { failing: ['MX'] } }],
    ['no A', { 'd.test': { failing: ['A'], TXT: ['x'] } }],
    ['no AAAA', { 'd.test': { failing: ['AAAA'], TXT: ['x'] } }],
    ['nothing of the server', { 'd.test': mail, 'mail.test': { failing: 'all' } }],
    ['no AAAA of the server', { 'd.test': mail, 'mail.test': { failing: ['AAAA'] } }],
  ])('is no reason: %s', async (_, zones) => {
    expect(await lines(dnsOf(zones), 'd.test')).toEqual([])
  })

  it('says of whose view a private address is, where no name servers are given', async () => {
    const zones = { 'd.test': mail, 'mail.test': { A: ['127.0.0.1'] } }
    expect((await lines(dnsOf(zones), 'd.test'))[0]?.[2]).toMatch(
      /\(loopback\), as the name servers of this machine have it$/,
    )
  })
})

describe('the remedy of a domain that receivers refuse', () => {
  const remedyOf = async (zones: Zones) => {
    const domain = await lookAtDomain(dnsOf(zones), 'd.test')
    return domainReasons({ ownDomain: domain, envelopeDomain: domain }, {})[0]?.remedy
  }

  it('is another for a null MX than for a name that is gone', async () => {
    expect(await remedyOf({ 'd.test': { MX: [{ preference: 0, exchange: '' }] } })).toContain('null MX')
    expect(await remedyOf({})).toContain('expired')
  })
})
