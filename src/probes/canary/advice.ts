import { adviceFor } from '../smtp/enhanced.ts'

/** What to do about a mail that was refused or came back, if more is known than the meaning of its class. */
export function adviceOn(status: string | undefined, text: string): string | undefined {
  const known = table.find(({ says }) => says.test(`${status ?? ''} ${text}`))
  return known?.remedy ?? adviceFor({ step: 'rcpt_to', code: undefined, text })
}

/** The first match counts. https://www.iana.org/assignments/smtp-enhanced-status-codes */
const table: readonly { readonly says: RegExp; readonly remedy: string }[] = [
  {
    // Google; Microsoft.
    says: /\b5\.7\.(?:26|515)\b/,
    remedy:
      'The receiver takes no mail that is not authenticated: let SPF and DKIM pass for the domain in `from`, and publish DMARC for it.',
  },
  {
    says: /\b5\.7\.25\b/,
    remedy:
      'Give the address that the mail leaves from a name in DNS (PTR), and let that name lead back to the address (A).',
  },
  {
    says: /\b[45]\.7\.(?:20|21|22|23|24|27)\b/,
    remedy: 'See SPF and DKIM of the domain in `from`: the receiver asks for them.',
  },
  {
    says: /gr[ea]y-?list/i,
    remedy:
      'The receiver refuses the first mail of a new sender for some minutes. If that does not end, ask the receiver to let the relay through.',
  },
  {
    says: /\b[45]\.1\.(?:1|2|3|6|10)\b/,
    remedy:
      'See whether the address in `to` is right, and its mailbox is still there. If so, see how the relay routes its domain.',
  },
  {
    says: /\b[45]\.4\.(?:1|4|6|7)\b/,
    remedy: 'The relay did not reach the receiver: see its queue, its DNS and its way out (port 25).',
  },
]
