import { counter, gauge } from '../../core/metric.ts'

export const metrics = {
  spfValid: gauge(
    'mailpath_dns_spf_valid',
    'Whether the domain of the envelope has one SPF record that receivers can follow to its end.',
    ['target'],
  ),
  spfLookups: gauge(
    'mailpath_dns_spf_lookups',
    'Look-ups that the SPF record takes in all; more than 10 are an error.',
    ['target'],
  ),
  spfCoversSenders: gauge('mailpath_dns_spf_covers_senders', 'Whether SPF passes for all addresses of the senders.', [
    'target',
  ]),
  dkimUsable: gauge(
    'mailpath_dns_dkim_usable',
    'Whether receivers can check signatures with the key of the selector.',
    ['target', 'selector'],
  ),
  dkimKeyBits: gauge('mailpath_dns_dkim_key_bits', 'Length of the key of the selector.', ['target', 'selector']),
  dmarcPolicy: gauge(
    'mailpath_dns_dmarc_policy',
    'The DMARC policy that applies to the domain, as a state set (absent without a record).',
    ['target', 'policy'],
  ),
  ptrConfirmed: gauge(
    'mailpath_dns_ptr_confirmed',
    'Whether all addresses of the sender have a name (PTR) that leads back to them.',
    ['target', 'sender'],
  ),
  mtaStsMode: gauge(
    'mailpath_dns_mta_sts_mode',
    'The mode of the MTA-STS policy, as a state set (absent without a record).',
    ['target', 'mode'],
  ),
  queries: counter('mailpath_dns_queries_total', 'Questions to name servers, by how they ended.', ['target', 'code']),
}
