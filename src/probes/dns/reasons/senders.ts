import type { ReasonSpec } from '../../../core/probe.ts'

/** Of the addresses that mail leaves from. */
export const sendersReasons = {
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
} as const satisfies Record<string, ReasonSpec>
