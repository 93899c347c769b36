import type { ReasonSpec } from '../../../core/probe.ts'

/** Of mail to the domain, and of its name servers. */
export const inboundReasons = {
  dns_mx_missing: {
    verdict: 'warn',
    severity: 'medium',
    meaning:
      'The domain of the envelope has neither MX nor address, or that of `From` says that it takes no mail (null MX): bounces or replies go nowhere, and some receivers refuse such senders.',
    remedy: 'Publish an MX record at the domain that is named, or send from a domain that takes mail.',
  },
  dns_mx_invalid: {
    verdict: 'warn',
    severity: 'medium',
    meaning:
      'An MX record of the domain of the envelope leads to no host that can be reached: no address, an alias, a private address.',
    remedy: 'Let the MX record name a host with a public address of its own.',
  },
  dns_mta_sts_invalid: {
    verdict: 'warn',
    severity: 'medium',
    meaning: 'The domain announces MTA-STS, and its policy cannot be used: it concerns mail to the domain.',
    remedy:
      'Fix what is named: the record, the policy at https://mta-sts.DOMAIN/.well-known/mta-sts.txt, or its list of MX names. A policy that changes needs a new `id` in the record.',
  },
  dns_mta_sts_unread: {
    verdict: 'unknown',
    severity: 'low',
    meaning:
      'The domain announces MTA-STS, and the exporter could not fetch the policy: no connection, or a server that has a failure just now. It concerns mail to the domain.',
    remedy:
      'Let the exporter reach port 443 of the host that is named, and see that its web server works. Where no way is to lead there, set `mta_sts: false`.',
  },
  dns_mta_sts_testing: {
    verdict: 'warn',
    severity: 'low',
    meaning: 'The MTA-STS policy is only tested (`mode: testing`): senders deliver without TLS, too.',
    remedy: 'Set `mode: enforce`, and a new `id` in the record, once the reports are clean.',
  },
  dns_tls_rpt_missing: {
    verdict: 'warn',
    severity: 'low',
    meaning: 'The domain has MTA-STS, and no valid record that asks for reports of failures (TLS-RPT).',
    remedy:
      'Publish a TXT record at `_smtp._tls` below the domain: `v=TLSRPTv1; rua=mailto:` with an address that reads them.',
  },
  dns_inconsistent: {
    verdict: 'warn',
    severity: 'medium',
    meaning:
      'The name servers of the zone have had different versions of it for over an hour, so some receivers see other records. Or there is only one.',
    remedy: 'See why the server that is named does not take over the zone (NOTIFY, transfer).',
  },
} as const satisfies Record<string, ReasonSpec>
