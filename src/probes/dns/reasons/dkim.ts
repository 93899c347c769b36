import type { ReasonSpec } from '../../../core/probe.ts'

/** Of DKIM, and of the records that SES signs by. */
export const dkimReasons = {
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
} as const satisfies Record<string, ReasonSpec>
