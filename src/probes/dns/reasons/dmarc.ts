import type { ReasonSpec } from '../../../core/probe.ts'

/** Of DMARC. */
export const dmarcReasons = {
  dns_dmarc_missing: {
    verdict: 'warn',
    failsIf: '`bulk` is set',
    severity: 'high',
    meaning: 'There is no DMARC record for the domain in `From`, nor for a domain above it.',
    remedy:
      'Publish a TXT record at `_dmarc` below the domain: `v=DMARC1; p=none; rua=mailto:` with an address of yours that reads the reports.',
  },
  dns_dmarc_invalid: {
    verdict: 'warn',
    failsIf: '`bulk` is set',
    severity: 'high',
    meaning: 'The DMARC record is not one that receivers follow: there are two, or it has an error.',
    remedy: 'Leave one record, and fix the error that is named.',
  },
  dns_dmarc_weaker: {
    verdict: 'warn',
    severity: 'medium',
    meaning: 'The DMARC policy is weaker than `expect` asks for.',
    remedy:
      'First see in the reports that no mail of your own fails. Then set `p=` (for a domain below it `sp=`) to the policy that is expected. Or change `expect`.',
  },
  dns_dmarc_testing: {
    verdict: 'warn',
    severity: 'low',
    meaning: 'The DMARC record says that its policy is only tested (`t=y`): receivers apply a weaker one.',
    remedy: 'Take `t=y` out of the record once the reports show no mail of your own that fails.',
  },
  dns_dmarc_unmonitored: {
    verdict: 'warn',
    severity: 'low',
    meaning: 'The DMARC policy is `none`, and no reports are asked for (`rua`): the record does nothing.',
    remedy: 'Add `rua=mailto:` with an address that reads the reports.',
  },
  dns_dmarc_outdated: {
    verdict: 'warn',
    severity: 'low',
    meaning: 'The DMARC record has tags that RFC 9989 took away (`pct`, `rf`, `ri`): receivers ignore them.',
    remedy:
      'Take them out. Before you take out a `pct` below 100, see in the reports that no mail of your own fails: without it the policy is for all mail.',
  },
  dns_dmarc_reports_refused: {
    verdict: 'warn',
    severity: 'low',
    meaning: 'DMARC reports go to another domain, which does not say that it takes them: receivers send none.',
    remedy: 'Publish the TXT record that is named in that other domain (`v=DMARC1`), or have reports sent to your own.',
  },
  dns_dmarc_not_aligned: {
    verdict: 'warn',
    failsIf: 'neither SPF nor DKIM aligns and can pass, and the policy is quarantine or reject or `bulk` is set',
    severity: 'high',
    meaning:
      'The domain of the envelope, or of DKIM, does not align with the domain in `From`, so what passes there does not count for DMARC.',
    remedy:
      'Use an envelope or a DKIM domain below the same organizational domain, or the same domain where alignment is strict (`aspf=s`, `adkim=s`).',
  },
} as const satisfies Record<string, ReasonSpec>
