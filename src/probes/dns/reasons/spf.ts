import type { ReasonSpec } from '../../../core/probe.ts'

/** Of SPF. */
export const spfReasons = {
  dns_spf_missing: {
    verdict: 'warn',
    failsIf: '`bulk` is set',
    severity: 'high',
    meaning: 'The domain of the envelope has no SPF record.',
    remedy:
      'Publish one TXT record at that domain that begins with `v=spf1`, names all hosts that send, and ends with `~all`.',
  },
  dns_spf_invalid: {
    verdict: 'warn',
    failsIf: '`bulk` is set',
    severity: 'high',
    meaning: 'The SPF record has an error for which receivers give up (permerror), so it protects and proves nothing.',
    remedy:
      'Fix the error that is named. Two records: make one of them. More than 10 look-ups: take out an `include` that is not needed.',
  },
  dns_spf_not_covering: {
    verdict: 'warn',
    failsIf: '`bulk` is set',
    severity: 'high',
    meaning: 'SPF does not pass for an address that the mail leaves from.',
    remedy:
      'Add the address that is named to the SPF record (`ip4:`, `ip6:`), or the `include:` of the provider it belongs to.',
  },
  dns_spf_open: {
    verdict: 'warn',
    severity: 'high',
    meaning:
      'The SPF record lets in everybody (`+all`), or large parts of the Internet: strangers pass SPF and DMARC in your name.',
    remedy:
      'Name all hosts that send your mail in the record, and take out what is named. Then let it end with `~all`.',
  },
  dns_spf_permissive: {
    verdict: 'warn',
    severity: 'medium',
    meaning: 'The SPF record says nothing of other hosts (`?all`, no `all`).',
    remedy: 'First name all hosts that send your mail in the record. Then let it end with `~all`.',
  },
  dns_spf_deprecated: {
    verdict: 'warn',
    severity: 'low',
    meaning:
      'The SPF record uses the mechanism `ptr`, which is slow and which some receivers do not follow (RFC 7208, 5.5).',
    remedy: 'Name the hosts by `ip4:`, `ip6:`, `a:` or `include:` instead of `ptr`.',
  },
} as const satisfies Record<string, ReasonSpec>
