import { reasonsOf, type ReasonSpec } from '../../core/probe.ts'

export const reasons = {
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
      'Mend the error that is named. Two records: make one of them. More than 10 look-ups: take out an `include` that is not needed.',
  },
  dns_spf_not_covering: {
    verdict: 'warn',
    failsIf: '`bulk` is set',
    severity: 'high',
    meaning: 'SPF does not pass for an address that the mail leaves from.',
    remedy:
      'Add the address that is named to the SPF record (`ip4:`, `ip6:`), or the `include:` of the provider it belongs to.',
  },
  dns_spf_permissive: {
    verdict: 'warn',
    severity: 'medium',
    meaning: 'The SPF record lets in everybody (`+all`: severity high), or says nothing of others (`?all`, no `all`).',
    remedy: 'First name all hosts that send your mail in the record. Then let it end with `~all`.',
  },
  dns_spf_deprecated: {
    verdict: 'warn',
    severity: 'low',
    meaning:
      'The SPF record uses the mechanism `ptr`, which is slow and which some receivers do not follow (RFC 7208, 5.5).',
    remedy: 'Name the hosts by `ip4:`, `ip6:`, `a:` or `include:` instead of `ptr`.',
  },
  dns_dkim_missing: {
    verdict: 'warn',
    failsIf: '`bulk` is set, and no key is usable',
    severity: 'high',
    meaning: 'There is no DKIM key where a selector leads, so receivers cannot check what is signed with it.',
    remedy:
      'Publish the key of the signer as a TXT record at the name that is given, or take the selector out of `dkim` if nothing signs with it.',
  },
  dns_dkim_revoked: {
    verdict: 'warn',
    failsIf: '`bulk` is set, and no key is usable',
    severity: 'high',
    meaning: 'The DKIM key of a selector is revoked (`p=` is empty).',
    remedy:
      'If nothing signs with it any more, take it out of `dkim`. Else publish a new key under another selector, and then sign with that.',
  },
  dns_dkim_invalid: {
    verdict: 'warn',
    failsIf: '`bulk` is set, and no key is usable',
    severity: 'high',
    meaning: 'The DKIM record of a selector cannot be used: receivers cannot read the key, or it is not for mail.',
    remedy: 'Publish the record again as the signer gives it, in one piece: what is wrong with it is named.',
  },
  dns_dkim_weak: {
    verdict: 'warn',
    failsIf: '`bulk` is set, and no key is usable',
    severity: 'medium',
    meaning:
      'A DKIM key is shorter than 2048 bits, is ed25519 and alone, or allows only SHA-1: some or all receivers ignore it.',
    remedy: 'Publish an RSA key of 2048 bits under a new selector, and then sign with it.',
  },
  dns_dkim_testing: {
    verdict: 'warn',
    severity: 'low',
    meaning: 'A DKIM key says that it is only tested (`t=y`): receivers may treat such mail as not signed.',
    remedy: 'Take `t=y` out of the record once signing works.',
  },
  dns_ses_token_missing: {
    verdict: 'warn',
    failsIf: '`bulk` is set, and no key is usable',
    severity: 'high',
    meaning: 'A CNAME record that SES signs by (Easy DKIM) is missing, or leads elsewhere.',
    remedy: 'Publish the CNAME that is named, as it is. Without all three, SES stops signing.',
  },
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
    remedy: 'Leave one record, and mend the error that is named.',
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
  dns_sender_unknown: {
    verdict: 'unknown',
    severity: 'medium',
    meaning:
      'A host of `senders` has no address in DNS, or only private ones. Receivers see mail come from another address, so it is not known what SPF and PTR say of it.',
    remedy: 'Put the public address that mail leaves from into `senders`, or correct the name.',
  },
  dns_ptr_missing: {
    verdict: 'warn',
    failsIf: '`direct` is set, and it is so for all addresses of a sender',
    severity: 'high',
    meaning:
      'An address that mail leaves from has no name in DNS (PTR), or one that does not lead back to it: receivers refuse it.',
    remedy:
      'Have the owner of the address (the provider of the host) set its PTR record to the name of the host, and let that name lead to the address (A, AAAA).',
  },
  dns_ptr_generic: {
    verdict: 'warn',
    severity: 'low',
    meaning:
      'The name of an address that mail leaves from looks like that of a dial-up line (it has the numbers of the address in it).',
    remedy: 'Have its PTR record set to a name of your own, such as mail.example.com.',
  },
  dns_hello_invalid: {
    verdict: 'warn',
    severity: 'medium',
    meaning: 'The name with which the senders say hello (HELO) does not lead to their address.',
    remedy:
      'Let the name lead to the address (A, AAAA), or have the relay say hello with a name that does (Postfix: smtp_helo_name).',
  },
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
      'Mend what is named: the record, the policy at https://mta-sts.DOMAIN/.well-known/mta-sts.txt, or its list of MX names. A policy that changes needs a new `id` in the record.',
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

export const reason = reasonsOf(reasons)
export type Reason = ReturnType<typeof reason>
