import { generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import { startDnsDouble, type DnsRow } from '../servers/dns-double.ts'
import { a, mx, ns, ptr, soa, text } from '../servers/dns-records.ts'
import { sesSender } from './config.ts'

/** The name server that stands in for those of the world, and what it says of the domain of the application. */
export interface Names {
  readonly port: number
  /** Whether SPF and the DKIM key are published. */
  published: boolean
  close(): Promise<void>
}

/** Where mail leaves from, as receivers see it (an address for documentation, RFC 5737), and the selector that signs. */
export const sending = { address: '192.0.2.10', host: `mail.${sesSender.domain}`, selector: 's1' } as const

export async function startNames(): Promise<Names> {
  const { publicKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  })
  const key = publicKey.toString('base64')
  const double = await startDnsDouble(zone(key, true))
  let published = true
  return {
    port: double.port,
    close: () => double.close(),
    get published() {
      return published
    },
    set published(are) {
      published = are
      double.serve(zone(key, are))
    },
  }
}

function zone(key: string, published: boolean): Readonly<Record<string, DnsRow>> {
  const { domain } = sesSender
  const { address, host, selector } = sending
  const servers = ['ns1', 'ns2'].map(name => `${name}.${domain}`)
  const spf = published ? [text(`v=spf1 ip4:${address} -all`)] : []
  const signed = `v=DKIM1; k=rsa; p=${key}`
  return {
    [domain]: { records: [...servers.map(ns), soa(servers[0] ?? '', 1), mx(10, host), ...spf] },
    [host]: { records: [a(address)] },
    [`${address.split('.').reverse().join('.')}.in-addr.arpa`]: { records: [ptr(host)] },
    [`_dmarc.${domain}`]: { records: [text(`v=DMARC1; p=quarantine; rua=mailto:dmarc@${domain}`)] },
    // Only the exporter asks them, for the serial of the zone.
    ...Object.fromEntries(servers.map(name => [name, { records: [a('127.0.0.1')] }])),
    ...(published && {
      [`${selector}._domainkey.${domain}`]: { records: [text(signed.slice(0, 255), signed.slice(255))] },
    }),
  }
}
