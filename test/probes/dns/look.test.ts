import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Sample } from '../../../src/core/metric.ts'
import { dns } from '../../../src/probes/dns/index.ts'
import type { DnsSeen } from '../../../src/probes/dns/seen.ts'
import { startDnsDouble, type DnsDouble, type DnsRow } from '../../servers/dns-double.ts'
import { a, cname, mx, ns, ptr, soa, text } from '../../servers/dns-records.ts'
import { look } from '../look.ts'
import { rsa2048 } from './keys.ts'

const key = (bits: string): DnsRow => {
  const parts = `v=DKIM1; k=rsa; p=${bits}`.match(/.{1,255}/g) ?? []
  return { records: [text(...parts)] }
}
const host = (address: string): DnsRow => ({ records: [a(address)] })

/** A domain of usual size: five includes, two keys of its own and one at a provider, two senders, two MX, two name servers. */
const zone: Readonly<Record<string, DnsRow>> = {
  'example.com': {
    records: [ns('ns1.example.com'), ns('ns2.example.com'), soa('ns1.example.com', 7), text('v=spf1 -all')],
  },
  'app.example.com': {
    records: [
      text('v=spf1 include:_spf.a.test include:_spf.b.test include:_spf.c.test mx a:relay.example.com -all'),
      text('google-site-verification=abc'),
      mx(10, 'mx1.example.com'),
      mx(20, 'mx2.example.com'),
    ],
  },
  '_spf.a.test': { text: 'v=spf1 include:_spf2.a.test ip4:203.0.113.0/25 ~all' },
  '_spf2.a.test': { text: 'v=spf1 ip4:203.0.113.128/25 ~all' },
  '_spf.b.test': { text: 'v=spf1 include:_spf2.b.test ~all' },
  '_spf2.b.test': { text: 'v=spf1 ip4:192.0.2.128/25 ~all' },
  '_spf.c.test': { text: 'v=spf1 ip4:198.51.100.128/25 ~all' },
  'mx1.example.com': host('198.51.100.1'),
  'mx2.example.com': host('198.51.100.2'),
  'relay.example.com': host('198.51.100.7'),
  'ns1.example.com': host('198.51.100.53'),
  'ns2.example.com': host('198.51.100.54'),
  's1._domainkey.app.example.com': key(rsa2048),
  's2._domainkey.app.example.com': key(rsa2048),
  's3._domainkey.app.example.com': { records: [cname('s3.provider.test')] },
  's3.provider.test': key(rsa2048),
  '_dmarc.app.example.com': { text: 'v=DMARC1; p=reject; rua=mailto:dmarc@app.example.com' },
  '7.100.51.198.in-addr.arpa': { records: [ptr('relay.example.com')] },
  '200.2.0.192.in-addr.arpa': { records: [ptr('out.example.com')] },
  'out.example.com': host('192.0.2.200'),
  'mail.example.com': { records: [a('198.51.100.7'), a('192.0.2.200')] },
}

const target = {
  name: 'mail',
  domain: 'app.example.com',
  dkim: ['s1', 's2', 's3'],
  senders: ['relay.example.com', '192.0.2.200'],
  helo: 'mail.example.com',
  direct: true,
  bulk: true,
  mta_sts: true,
  expect: { dmarc: 'quarantine' },
} as const

async function lookedAt(server: DnsDouble, more: object = {}) {
  const at = `127.0.0.1:${server.port}`
  const ran = await look(dns, { ...target, servers: [at], ...more }, { timeoutMs: 8_000 })
  if (!ran) throw new Error('the run was not recorded')
  return { ...ran, seen: ran.seen as DnsSeen, asked: server.asked, at }
}

async function lookAt(rows: Readonly<Record<string, DnsRow>>, more: object = {}) {
  const server = await startDnsDouble(rows)
  onTestFinished(() => server.close())
  return lookedAt(server, more)
}

const lines = (samples: readonly Sample[]): string[] =>
  samples
    .filter(({ metric }) => !metric.name.endsWith('_total'))
    .map(({ metric, labels: { target: _, ...labels }, value }) =>
      [metric.name.replace('mailpath_dns_', ''), ...Object.values(labels), value].join(' '),
    )

describe('a domain in order', () => {
  let found: Awaited<ReturnType<typeof lookedAt>>
  beforeAll(async () => {
    const server = await startDnsDouble(zone)
    found = await lookedAt(server).finally(() => server.close())
  })

  it('has no reason against it, and the evidence says who was asked', () => {
    expect(found.reasons).toEqual([])
    expect(found.verdict).toBe('ok')
    expect(found.evidence).toBe(
      `app.example.com: SPF passes for each sender, 3 of 3 DKIM keys usable, DMARC reject, PTR of 2 of 2 addresses leads back (asked ${found.at})`,
    )
    expect(found.againInMs).toBeUndefined()
  })

  it('has a sample for each thing that is known', () => {
    expect(lines(found.samples)).toEqual([
      'spf_valid 1',
      'spf_lookups 7',
      'spf_covers_senders 1',
      ...['s1', 's2', 's3'].flatMap(selector => [`dkim_usable ${selector} 1`, `dkim_key_bits ${selector} 2048`]),
      'dmarc_policy none 0',
      'dmarc_policy quarantine 0',
      'dmarc_policy reject 1',
      'ptr_confirmed relay.example.com 1',
      'ptr_confirmed 192.0.2.200 1',
    ])
    expect(found.samples.filter(({ metric }) => metric.name === 'mailpath_dns_queries_total')).toHaveLength(8)
  })

  it('takes far less than the questions of a look, and each once', () => {
    expect(found.asked.length).toBeLessThan(50)
    expect(new Set(found.asked).size).toBe(found.asked.length)
  })
})

it('what is not known has no sample and no reason but that it is not', async () => {
  const { reasons, samples, evidence, at } = await lookAt({ '*.com': { rcode: 2 }, '*.arpa': { rcode: 2 } })
  expect(reasons.map(({ code }) => code)).toEqual(['dns_resolver_failed'])
  expect(lines(samples)).toEqual([])
  // What is the same of all questions is said once.
  expect(evidence).toMatch(new RegExp(`^${at} answers SERVFAIL for \\S+ \\w+, [^;]* and \\d+ more$`))
  expect(evidence.split('SERVFAIL')).toHaveLength(2)
})

it('records that lead to too many others are said to', async () => {
  const many = Array.from({ length: 40 }, (_, n) => mx(n, `mx${n}.example.com`))
  const hosts = Object.fromEntries(many.map((_, n) => [`mx${n}.example.com`, host('198.51.100.1')]))
  const senders = Array.from({ length: 70 }, (_, n) => `192.0.2.${n}`)
  const { reasons, seen, asked, againInMs } = await lookAt(
    { ...zone, ...hosts, 'app.example.com': { records: [...many, text('v=spf1 mx -all')] } },
    { senders },
  )
  // An answer that is too long for UDP comes over TCP, and is one question.
  expect(asked.filter(one => !one.startsWith('tcp')).length).toBeLessThanOrEqual(80)
  expect(seen.isUsedUp).toBe(true)
  const [failed] = reasons.filter(({ code }) => code === 'dns_resolver_failed')
  expect(failed?.text).toContain('was not asked for: a look asks at most 80 questions')
  expect(failed?.remedy).toContain('take includes out of SPF')
  // The next look would be no better.
  expect(againInMs).toBeUndefined()
})

it('the name of the hello is that of the configuration, and the envelope has a domain of its own', async () => {
  const { seen, evidence } = await lookAt(
    { ...zone, 'bounce.example.com': { records: [text('v=spf1 ip4:198.51.100.7 ip4:192.0.2.200 -all')] } },
    { envelope: 'Bounces <bounce+x@BOUNCE.example.com>', helo: 'RELAY.example.com' },
  )
  expect(seen).toMatchObject({ envelope: 'bounce.example.com', hello: { name: 'relay.example.com' } })
  expect(seen.envelopeDomain.name).toBe('bounce.example.com')
  expect(evidence).toContain('bounce.example.com')
})

describe('MTA-STS that is not to be looked at', () => {
  // Nothing answers there: the way out to port 443 that is not to be.
  const announced = {
    ...zone,
    '_mta-sts.app.example.com': { text: 'v=STSv1; id=1;' },
    'mta-sts.app.example.com': host('127.61.8.99'),
  }

  it('is not asked for, and holds nothing against mail', async () => {
    const { verdict, reasons, asked, seen } = await lookAt(announced, { mta_sts: false })
    expect([verdict, reasons]).toEqual(['ok', []])
    expect(asked.filter(one => /mta-sts|_tls/.test(one))).toEqual([])
    expect(seen.mtaSts).toMatchObject({ record: 'not_asked', reports: 'not_asked' })
  })

  it('is looked at otherwise: its policy cannot be read', async () => {
    const { reasons } = await lookAt(announced)
    expect(reasons.map(({ code }) => code)).toEqual(['dns_mta_sts_unread', 'dns_tls_rpt_missing'])
    expect(reasons[0]?.remedy).toContain('`mta_sts: false`')
  })
})

describe('an SES whose records are not known yet', () => {
  const more = { ses: 'account', account: { name: 'account' } }

  it('is looked at again soon, and said', async () => {
    const { evidence, againInMs, verdict } = await lookAt(zone, more)
    expect(evidence).toContain('DKIM of SES not known: ses/account was not asked, or has not answered')
    expect([againInMs, verdict]).toEqual([15_000, 'ok'])
  })

  it('may sign: mail is not said to be without any proof', async () => {
    const bare = { 'app.example.com': { records: [mx(10, 'mx1.example.com')] } }
    const codes = async (target: object) =>
      (await lookAt({ ...zone, ...bare }, { dkim: ['gone'], ...target })).reasons.map(({ code }) => code)
    expect(await codes({})).toContain('dns_unauthenticated')
    expect(await codes(more)).not.toContain('dns_unauthenticated')
  })
})

it('name servers of the zone that are not answered for stop no mail', async () => {
  const { reasons, seen } = await lookAt({ ...zone, 'ns1.example.com': { rcode: 2 }, 'ns2.example.com': { rcode: 2 } })
  expect(reasons).toEqual([])
  expect(seen.zone.servers?.map(({ serial }) => serial)).toEqual([undefined, undefined])
})

it('an address that a resolver made up for a network without IPv4 is none of a sender', async () => {
  const made = { found: ['198.51.100.7', '64:ff9b::c633:6407'] }
  const { reasons, seen } = await lookAt({ ...zone, 'relay.example.com': made })
  expect(reasons).toEqual([])
  expect(seen.ptr.map(({ address }) => address)).toEqual(['198.51.100.7', '192.0.2.200'])
})

it('names of the configuration may be in letters of any language, and addresses in any form', async () => {
  const rows: Readonly<Record<string, DnsRow>> = {
    ...zone,
    'xn--bcher-kva.example.com': host('198.51.100.7'),
    's1._domainkey.xn--bcher-kva.example.com': key(rsa2048),
    '20230601._domainkey.app.example.com': key(rsa2048),
  }
  const { reasons, seen } = await lookAt(rows, {
    senders: ['Bücher.example.com', '::ffff:192.0.2.200'],
    dkim: ['20230601', 's1._domainkey.bücher.example.com'],
    helo: 'MAIL.example.com.',
  })
  expect(reasons).toEqual([])
  expect(seen.ptr.map(({ address }) => address)).toEqual(['198.51.100.7', '192.0.2.200'])
})
