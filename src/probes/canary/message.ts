import { domainOf } from '../../core/mail-address.ts'
import { markHeader, markText, type Mark } from './mark.ts'

export interface Mail {
  /** Of the header `From`. */
  readonly from: string
  readonly to: string
  readonly mark: Mark
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** The Message-ID of a mail. Its domain is that of the sender: filters for spam look at that. */
export const messageId = ({ from, mark }: Pick<Mail, 'from' | 'mark'>): string => `<${mark.token}@${domainOf(from)}>`

/**
 * The text of a canary (RFC 5322), in ASCII, with CRLF. No link and no changing subject: those cost points. The headers of
 * RFC 3834 and of Exchange keep automatic answers away.
 */
export function compose(mail: Mail): string {
  const { from, to, mark, at } = mail
  const lines = [
    `Date: ${new Date(at).toUTCString().replace('GMT', '+0000')}`,
    `From: ${from}`,
    `To: ${to}`,
    `Message-ID: ${messageId(mail)}`,
    'Subject: mailpath canary',
    `${markHeader}: ${markText(mark)}`,
    'Auto-Submitted: auto-generated',
    'X-Auto-Response-Suppress: All',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=us-ascii',
    'Content-Transfer-Encoding: 7bit',
    '',
    'mailpath-exporter sent this mail to see whether mail arrives, and deletes it.',
    'It needs no answer. If it should not have come to you, please write to the',
    `postmaster of ${domainOf(from)}.`,
    '',
  ]
  return lines.join('\r\n')
}
