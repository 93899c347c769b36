import type { ReasonSpec } from '../../../core/probe.ts'

/** Of the domain as a whole, and of the look itself. */
export const domainReasons = {
  dns_resolver_failed: {
    verdict: 'unknown',
    severity: 'medium',
    meaning: 'No name server gave an answer to some questions, so what they are about is not known.',
    remedy:
      'See why the name servers that are named do not answer (they need UDP and TCP port 53), or name other resolvers in `servers`.',
  },
  dns_unconfirmed: {
    verdict: 'unknown',
    severity: 'low',
    meaning:
      'A record that was there in the look before is not there in this one. It is asked for once more before that counts.',
    remedy: 'Wait for the next look, in some seconds.',
  },
  dns_domain_missing: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'The domain of the sender is not in DNS, or says that it takes no mail: receivers refuse mail from it.',
    remedy:
      'See whether the domain has expired (whois), or its zone or record is gone, and put it back. If the name is wrong, correct it in the application and here.',
  },
  dns_unauthenticated: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'Neither SPF nor DKIM can pass for the domain in `From`: the large receivers refuse such mail.',
    remedy:
      'Let SPF or DKIM pass, as the other reasons of this check say. One of the two that passes and aligns with `From` is enough for most receivers.',
  },
} as const satisfies Record<string, ReasonSpec>
