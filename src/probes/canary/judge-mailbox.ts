import { withSubject } from '../../core/subject.ts'
import { isOfBox, quoteRefusal } from './judge-hand-over.ts'
import { isOnTime, type Decision } from './judge-mails.ts'
import { reason, type Reason } from './reasons.ts'
import type { CanarySeen, MailboxFault } from './seen.ts'
import type { CanaryTarget } from './target.ts'

const ofFault: Readonly<Record<MailboxFault, readonly [Reason['code'], remedy?: string]>> = {
  unresolved: ['canary_mailbox_unresolved'],
  unreachable: ['canary_mailbox_unreachable'],
  silent: [
    'canary_mailbox_unreachable',
    'See why the IMAP server does not answer: is it overloaded, or stopped? A port for TLS (993) is silent, too, without `security: tls`.',
  ],
  not_imap: [
    'canary_mailbox_unreachable',
    'Correct `host`, `port` and `security` under `mailbox`: port 993 goes with `tls`, and 143 with `starttls`.',
  ],
  no_tls: [
    'canary_mailbox_unreachable',
    'Set `security: tls` and the port for it (993) under `mailbox`, or turn on STARTTLS at the IMAP server.',
  ],
  certificate: ['canary_mailbox_certificate_invalid'],
  login: ['canary_mailbox_login_failed'],
  backed_off: ['canary_mailbox_login_failed'],
  refused: ['canary_mailbox_unreachable', 'See the log of the IMAP server: it refused what is quoted.'],
}

/** What is wrong with the mailbox of the canary, which is not that of the application. */
export function mailboxReasons({ mailbox }: CanarySeen): Reason[] {
  if (!mailbox) return []
  const { address, failure, missing, kept } = mailbox
  const found: Reason[] = []
  if (failure) {
    const [code, remedy] = ofFault[failure.fault]
    found.push(reason(code, withSubject(address, failure.text), remedy))
  }
  if (missing.length > 0)
    found.push(
      reason('canary_mailbox_folder_missing', withSubject(address, `there is no folder ${missing.join(', ')}`)),
    )
  if (kept !== undefined) found.push(reason('canary_mailbox_not_cleaned', withSubject(address, kept)))
  return found
}

/** That the mailbox takes no mail. Then mails that do not come prove nothing; one that came in time proves that there is room. */
export function boxReason(seen: CanarySeen, decision: Decision, target: CanaryTarget): Reason | undefined {
  const { mailbox, handOver, address } = seen
  const { bounce } = decision.settled ?? {}
  if (handOver?.kind === 'refused' && isOfBox(handOver.status))
    return closedOrFull(handOver.status, quoteRefusal(seen, handOver))
  if (bounce && isOfBox(bounce.status))
    return closedOrFull(bounce.status, withSubject(address, `the canary came back: "${bounce.text}"`))
  return mailbox?.full === undefined || isOnTime(decision, target)
    ? undefined
    : reason('canary_mailbox_full', withSubject(mailbox.address, mailbox.full))
}

const closedOrFull = (status: string | undefined, text: string): Reason =>
  status?.endsWith('.1')
    ? reason(
        'canary_mailbox_unreachable',
        text,
        'Enable the mailbox again: its server says that it takes no mail (x.2.1).',
      )
    : reason('canary_mailbox_full', text)
