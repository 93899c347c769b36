/** Domains that mail is sent from: their targets, and what a look at DNS saw. */
import { dns } from '../../src/probes/dns/index.ts'
import type { DnsSeen } from '../../src/probes/dns/seen.ts'
import type { DnsTarget } from '../../src/probes/dns/target.ts'
import { queryCodes } from '../../src/clients/dns/index.ts'
import { checkOf, reported, start, type Looked } from './looked.ts'

const domain = 'app.example.com'
const address = '192.0.2.10'

/** The domain `app.example.com`, if nothing else is said. */
export const dnsTarget = (more: object = {}): DnsTarget =>
  dns.target.parse({ name: domain, domain, dkim: ['s1'], senders: [address], ...more })

const domainSeen = (name: string): DnsSeen['ownDomain'] => ({
  name,
  exists: true,
  nullMx: false,
  servers: [{ name: 'mx.example.com', problem: undefined, isPrivate: false }],
  hasAddress: undefined,
})

/** What a look saw of a domain that is in order. */
export const dnsSeen = ({ domain: of = domain, ...more }: Partial<DnsSeen> = {}): DnsSeen => ({
  domain: of,
  envelope: of,
  servers: ['127.0.0.1:53'],
  queries: { ...(Object.fromEntries(queryCodes.map(code => [code, 0])) as DnsSeen['queries']), noerror: 24 },
  unanswered: [],
  unconfirmed: [],
  isUsedUp: false,
  isAwaitingSes: false,
  ownDomain: domainSeen(of),
  envelopeDomain: domainSeen(of),
  senders: { addresses: [{ sender: address, address }], lost: [], isPartial: false },
  spf: {
    record: 'found',
    text: `v=spf1 ip4:${address} -all`,
    lookalikes: [],
    errors: [],
    permissive: [],
    isOpen: false,
    deprecated: [],
    lookups: 0,
    voidLookups: 0,
    senders: [{ sender: address, address, result: 'pass', why: '' }],
  },
  dkim: [
    {
      selector: 's1',
      name: `s1._domainkey.${of}`,
      domain: of,
      key: { kind: 'key', algorithm: 'rsa', bits: 2048, isTesting: false, hashes: undefined, isForMail: true },
    },
  ],
  dmarc: {
    kind: 'found',
    name: `_dmarc.${of}`,
    policy: 'reject',
    tag: 'p',
    isTesting: false,
    reports: true,
    alignment: { spf: 'relaxed', dkim: 'relaxed' },
  },
  ptr: [{ sender: address, address, names: ['mail.example.com'], isConfirmed: true, isGeneric: false }],
  hello: { name: 'mail.example.com', addresses: [address], notOf: [] },
  mtaSts: { record: 'missing', problems: [], reports: 'missing' },
  zone: {
    name: 'example.com',
    servers: [
      { name: 'ns1.example.com', serial: 1, isLame: false },
      { name: 'ns2.example.com', serial: 1, isLame: false },
    ],
    differSince: undefined,
    lookedAt: start,
  },
  ...more,
})

/** The interval of looks at DNS, in milliseconds. */
export const dnsIntervalMs = 600_000

/** A look with these reasons. */
export function dnsThat(
  codes: readonly string[] = [],
  { target = dnsTarget(), seen = dnsSeen(), at = start }: { target?: DnsTarget; seen?: DnsSeen; at?: number } = {},
): Looked {
  return {
    check: { ...checkOf(dns, target), intervalMs: dnsIntervalMs },
    observation: reported(dns, target, codes, { seen, at }),
  }
}
