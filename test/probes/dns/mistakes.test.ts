import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dns } from '../../../src/probes/dns/index.ts'
import type { Reason } from '../../../src/probes/dns/reasons.ts'
import type { DnsTarget } from '../../../src/probes/dns/target.ts'
import { domain, envelope, good, keys, rsaKey, type Records } from '../../faults/dns-records.ts'
import { zonesOf } from '../../faults/dns-stage.ts'
import { nsdBinary, nsdInstall, startNsd, type Nsd } from '../../servers/nsd.ts'
import { needs } from '../../servers/processes.ts'
import { look } from '../look.ts'

/** A mistake in a zone: what is other than it should be, and the reason with the words that name it. */
interface Mistake {
  readonly change: (records: Records) => Records
  readonly code: Reason['code']
  readonly names: string
}

const spf = `${envelope} TXT`
const dmarc = '_dmarc.example.com TXT'
const key = (selector: string): string => `${selector}._domainkey.${domain} TXT`
const senders = ['relay.example.com', '192.0.2.11', '192.0.2.12', 'inside.example.com']

/** Several hosts and keys, all of them as they should be. */
const healthy: Records = {
  ...good,
  [spf]: ['v=spf1 ip4:192.0.2.0/24 a:extra.example.net include:_spf.example.net -all'],
  'extra.example.net A': ['192.0.2.90'],
  'out.example.com A': ['192.0.2.10', '192.0.2.11', '192.0.2.12', '192.0.2.13'],
  [`${envelope} MX`]: ['10 mx1.example.com.', '20 mx2.example.com.', '30 mx3.example.com.'],
  'mx1.example.com A': ['192.0.2.25'],
  'mx2.example.com A': ['192.0.2.26'],
  'mx3.example.com A': ['192.0.2.27'],
  'inside.example.com A': ['192.0.2.13'],
  '11.2.0.192.in-addr.arpa PTR': ['eleven.example.com.'],
  'eleven.example.com A': ['192.0.2.11'],
  '12.2.0.192.in-addr.arpa PTR': ['twelve.example.com.'],
  'twelve.example.com A': ['192.0.2.12'],
  '13.2.0.192.in-addr.arpa PTR': ['inside.example.com.'],
  ...Object.fromEntries(['k1', 'k2', 'k3', 'k4', 'k5', 'k6', 'k7'].map(one => [key(one), [rsaKey(keys.good)]])),
}

const published =
  (changes: Records) =>
  (records: Records): Records => ({ ...records, ...changes })
const texts =
  (name: string) =>
  (change: (text: string) => string) =>
  (records: Records): Records => ({ ...records, [name]: (records[name] ?? []).map(change) })
const [withSpf, withDmarc] = [texts(spf), texts(dmarc)]

const mistakes: Readonly<Record<string, Mistake>> = {
  'SPF: includes a domain without SPF': {
    change: withSpf(text => text.replace('include:_spf', 'include:none.example.net include:_spf')),
    code: 'dns_spf_invalid',
    names: 'include:none.example.net',
  },
  'SPF: a word that there is not, in what it includes': {
    change: published({ '_spf.example.net TXT': ['v=spf1 ipv4:198.51.100.7 -all'] }),
    code: 'dns_spf_invalid',
    names: '_spf.example.net: `ipv4:198.51.100.7`',
  },
  'SPF: says nothing of others': {
    change: withSpf(text => text.replace('-all', '?all')),
    code: 'dns_spf_permissive',
    names: '?all',
  },
  'SPF: uses ptr': {
    change: withSpf(text => text.replace('a:extra', 'ptr a:extra')),
    code: 'dns_spf_deprecated',
    names: 'ptr',
  },
  'DKIM: missing': {
    change: published({ [key('k1')]: [] }),
    code: 'dns_dkim_missing',
    names: `k1._domainkey.${domain}`,
  },
  'DKIM: revoked': {
    change: published({ [key('k2')]: ['v=DKIM1; p='] }),
    code: 'dns_dkim_revoked',
    names: `k2._domainkey.${domain}`,
  },
  'DKIM: cut off': {
    change: published({ [key('k3')]: [rsaKey(keys.good.slice(0, 240))] }),
    code: 'dns_dkim_invalid',
    names: `k3._domainkey.${domain}`,
  },
  'DKIM: short': {
    change: published({ [key('k4')]: [rsaKey(keys.short)] }),
    code: 'dns_dkim_weak',
    names: `k4._domainkey.${domain}`,
  },
  'DKIM: only SHA-1': {
    change: published({ [key('k5')]: [`v=DKIM1; h=sha1; p=${keys.good}`] }),
    code: 'dns_dkim_weak',
    names: `k5._domainkey.${domain}`,
  },
  'DKIM: only tested': {
    change: published({ [key('k6')]: [`v=DKIM1; t=y; p=${keys.good}`] }),
    code: 'dns_dkim_testing',
    names: `k6._domainkey.${domain}`,
  },
  'DMARC: weaker than expected': {
    change: withDmarc(text => text.replace('p=reject', 'p=none')),
    code: 'dns_dmarc_weaker',
    names: '_dmarc.example.com',
  },
  'DMARC: a tag that is no more': {
    change: withDmarc(text => `${text}; pct=20`),
    code: 'dns_dmarc_outdated',
    names: 'pct',
  },
  'DMARC: reports are not taken': {
    change: published({ 'example.com._report._dmarc.example.net TXT': [] }),
    code: 'dns_dmarc_reports_refused',
    names: 'example.com._report._dmarc.example.net',
  },
  'DMARC: strict, and the envelope is another domain': {
    change: withDmarc(text => `${text}; aspf=s`),
    code: 'dns_dmarc_not_aligned',
    names: envelope,
  },
  'PTR: none': {
    change: published({ '11.2.0.192.in-addr.arpa PTR': [] }),
    code: 'dns_ptr_missing',
    names: '192.0.2.11',
  },
  'PTR: of a dial-up line': {
    change: published({
      '12.2.0.192.in-addr.arpa PTR': ['192-0-2-12.dyn.example.net.'],
      '192-0-2-12.dyn.example.net A': ['192.0.2.12'],
    }),
    code: 'dns_ptr_generic',
    names: '192-0-2-12.dyn.example.net',
  },
  'HELO: leads elsewhere': {
    change: published({ 'out.example.com A': ['192.0.2.99'] }),
    code: 'dns_hello_invalid',
    names: 'out.example.com',
  },
  'a sender is private': {
    change: published({ 'inside.example.com A': ['10.0.0.13'] }),
    code: 'dns_sender_unknown',
    names: 'inside.example.com',
  },
  'MX: private': {
    change: published({ 'mx1.example.com A': ['10.0.0.25'] }),
    code: 'dns_mx_invalid',
    names: 'mx1.example.com',
  },
  'MX: an alias': {
    change: published({ 'mx2.example.com A': [], 'mx2.example.com CNAME': ['mail.example.com.'] }),
    code: 'dns_mx_invalid',
    names: 'mx2.example.com',
  },
  'MX: no address': {
    change: published({ 'mx3.example.com A': [] }),
    code: 'dns_mx_invalid',
    names: 'mx3.example.com',
  },
  'MTA-STS: no id': {
    change: published({
      [`_mta-sts.${envelope} TXT`]: ['v=STSv1;'],
      [`_smtp._tls.${envelope} TXT`]: ['v=TLSRPTv1; rua=mailto:t@example.com'],
    }),
    code: 'dns_mta_sts_invalid',
    names: `_mta-sts.${envelope}`,
  },
  'one name server only': {
    change: published({ 'example.com NS': ['ns1.example.com.'], 'ns1.example.com A': ['127.53.0.1'] }),
    code: 'dns_inconsistent',
    names: 'example.com',
  },
}

describe.skipIf(!needs('nsd', nsdBinary(), nsdInstall))('a zone with mistakes', () => {
  let nsd: Nsd
  beforeAll(async () => {
    nsd = await startNsd({ zones: zonesOf(healthy) })
  })
  afterAll(() => nsd.stop())

  /** What one look of a target that is new says of the zone. */
  async function saidOf(records: Records): Promise<readonly Reason[]> {
    await nsd.serve(zonesOf(records))
    const target: DnsTarget = {
      name: 'app',
      domain,
      envelope,
      senders,
      helo: 'out.example.com',
      dkim: ['k1', 'k2', 'k3', 'k4', 'k5', 'k6', 'k7'],
      direct: true,
      bulk: false,
      mta_sts: true,
      expect: { dmarc: 'quarantine' },
      servers: [nsd.address],
    }
    const ran = await look(dns, target, { timeoutMs: 20_000, intervalMs: 600_000 })
    return (ran?.reasons ?? []) as readonly Reason[]
  }

  it('says nothing of a zone without any', async () => {
    expect(await saidOf(healthy)).toEqual([])
  })

  it.each(Object.entries(mistakes))('%s: is named, and nothing else', async (_, { change, code, names }) => {
    const said = await saidOf(change(healthy))
    expect(said.map(one => one.code)).toEqual([code])
    expect(said[0]?.text).toContain(names)
  })

  it('names all of them at once, and invents none', async () => {
    const all = Object.values(mistakes)
    expect(all.length).toBeGreaterThanOrEqual(20)
    const said = await saidOf(all.reduce((records, { change }) => change(records), healthy))
    expect(new Set(said.map(one => one.code))).toEqual(new Set(all.map(({ code }) => code)))
    const unnamed = all.filter(({ code, names }) => !said.find(one => one.code === code)?.text.includes(names))
    expect(unnamed).toEqual([])
  })
})
