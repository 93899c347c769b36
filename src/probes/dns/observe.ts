import { domainToASCII } from 'node:url'
import { openDns, type Dns } from '../../clients/dns/index.ts'
import { readPemFiles } from '../../clients/pem.ts'
import type { Look } from '../../core/probe.ts'
import { shapes } from '../../core/shape.ts'
import { greetedBy } from '../smtp/greeted.ts'
import { tokensOf } from '../ses/tokens.ts'
import { lookAtDkim } from './dkim/index.ts'
import { lookAtDmarc } from './dmarc/index.ts'
import { lookAtDomain } from './hosts/domain.ts'
import { lookAtHello } from './hosts/hello.ts'
import { memoryOf } from './memory.ts'
import { lookAtMtaSts, mtaStsNotAsked } from './mta-sts/index.ts'
import { lookAtPtr } from './hosts/ptr.ts'
import { remembering } from './remembering.ts'
import { sinceWhen } from './since-when.ts'
import type { DnsSeen } from './seen.ts'
import { lookAtSenders } from './hosts/senders.ts'
import { lookAtSpf } from './spf/index.ts'
import type { DnsTarget } from './target.ts'
import { lookAtZone } from './hosts/zone.ts'

export async function observe(target: DnsTarget, look: Look): Promise<DnsSeen> {
  const domain = await look.text('domain', target.domain, shapes.mailDomain)
  const envelope =
    target.envelope === undefined ? domain : await look.text('envelope', target.envelope, shapes.mailDomain)
  const { ca } = await readPemFiles(target, look)
  const memory = memoryOf(target)
  const { signal, note, timeoutMs } = look
  const asked = openDns({ servers: target.servers, signal, note, timeoutMs })
  const { dns, done } = remembering(asked, memory, look)
  const found = await look.phase('dns', async () => {
    const all = await lookAll(dns, { target, domain, envelope, ca, look })
    // It comes last, for what is left of the questions. It stops no mail, so what is not answered there is no gap.
    return { ...all, zone: await lookAtZone(asked, domain) }
  })
  return { domain, envelope, servers: dns.servers, ...found, ...sinceWhen(memory, found), ...done() }
}

interface Wanted {
  readonly target: DnsTarget
  readonly domain: string
  readonly envelope: string
  readonly ca: string | undefined
  readonly look: Look
}

/** All subjects side by side. Those that need what another one finds wait for it. */
async function lookAll(dns: Dns, { target, domain, envelope, ca, look }: Wanted) {
  const helo = target.helo === undefined ? target.relay && greetedBy(target.relay) : inAscii(target.helo)
  const tokens = target.account && tokensOf(target.account)
  const senders = lookAtSenders(dns, (target.senders ?? []).map(inAscii))
  const ownDomain = lookAtDomain(dns, domain)
  const dkim = lookAtDkim(dns, { domain, selectors: target.dkim?.map(inAscii), tokens })
  const [own, ofEnvelope, from, spf, keys, dmarc, ptr, hello, mtaSts] = await Promise.all([
    ownDomain,
    envelope === domain ? ownDomain : lookAtDomain(dns, envelope),
    senders,
    senders.then(({ addresses }) => lookAtSpf(dns, { envelope, senders: addresses, helo })),
    dkim,
    dkim.then(found =>
      lookAtDmarc(dns, { domain, envelope, dkimDomains: [...new Set(found?.map(one => one.domain))] }),
    ),
    senders.then(({ addresses }) => lookAtPtr(dns, addresses)),
    helo === undefined ? undefined : senders.then(({ addresses }) => lookAtHello(dns, helo, addresses)),
    target.mta_sts ? lookAtMtaSts(dns, envelope, { ...look, ca }) : mtaStsNotAsked,
  ])
  return {
    ownDomain: own,
    envelopeDomain: ofEnvelope,
    senders: from,
    spf,
    dkim: keys,
    isAwaitingSes: target.account !== undefined && tokens === undefined,
    dmarc,
    ptr,
    hello,
    mtaSts,
  }
}

/** A name of the configuration as it is in DNS (RFC 5890, 2.3.2.1); what is none stays. */
function inAscii(name: string): string {
  const bare = name.toLowerCase().replace(/\.$/, '')
  // It would take a selector such as `20230601` for an IPv4 address.
  return /^[\x20-\x7e]*$/.test(bare) ? bare : domainToASCII(bare) || bare
}
