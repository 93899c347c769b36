/** Status values of an application whose mail leaves, and whose records in DNS receivers look at. */
import type { Status } from '../../src/monitor/ledger.ts'
import { deliveringThat, takes } from './delivering.ts'
import { dnsSeen, dnsTarget, dnsThat } from './dns.ts'

const well = dnsSeen()

/** The relay takes every mail, and receivers believe it. */
export const believed = (): Status => deliveringThat(takes(), dnsThat())

/** The relay takes every mail. Of two domains that it is sent from, one has neither SPF nor a key. */
export const disbelieved = (): Status =>
  deliveringThat(
    takes(),
    dnsThat(['dns_unauthenticated', 'dns_spf_missing'], {
      seen: dnsSeen({ spf: { ...well.spf, record: 'missing', text: undefined }, dkim: [] }),
    }),
    dnsThat([], {
      target: dnsTarget({ name: 'news.example.com', domain: 'news.example.com' }),
      seen: dnsSeen({ domain: 'news.example.com' }),
    }),
  )

/** The name servers do not answer: only the proof is missing. */
export const notKnownWhetherBelieved = (): Status => deliveringThat(takes(), dnsThat(['dns_resolver_failed']))
