import { reasonsOf, type ReasonSpec } from '../../core/probe.ts'

export const reasons = {
  canary_not_sent: {
    verdict: 'unknown',
    severity: 'medium',
    meaning:
      'The canary could not be handed over, because its way is broken or a value could not be read. So nothing is known of arrival.',
    remedy: 'Fix the relay, or SES, that it leaves by: its own check says what is wrong.',
  },
  canary_under_way: {
    verdict: 'unknown',
    severity: 'low',
    meaning: 'The first canary is under way and not late yet, so it is not known whether mail arrives.',
    remedy:
      'Wait for the next run of the daemon. `check` has no next run: look for the mail in the log of the relay, or give the canary a longer `timeout`.',
  },
  canary_rejected: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'The relay, or SES, refused the canary for good (5xx): it refuses the mail of the application, too.',
    remedy: 'Read the answer that is quoted: it says why the relay refuses the sender, the recipient or the mail.',
  },
  canary_deferred: {
    verdict: 'warn',
    failsIf: 'that lasts for longer than `lost_after`',
    severity: 'high',
    meaning: 'The relay, or SES, refuses the canary for now (4xx).',
    remedy: 'Read the answer that is quoted: greylisting, a limit of rate, or a fault of the relay.',
  },
  canary_late: {
    verdict: 'warn',
    severity: 'high',
    meaning: 'The newest canary took longer than `late_after`, or is under way for longer.',
    remedy:
      'Look at the queue of the relay (postqueue -p): it names why mails wait. SES shows no queue: see the events of its configuration set. Greylisting at the receiver delays, too.',
  },
  canary_lost: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'The relay, or SES, accepted the canary, and it has not arrived after `lost_after`.',
    remedy:
      'Look for it in the log and the queue of the relay (with SES: in the events of its configuration set), and from there to the receiver: is it held, discarded, or does it wait?',
  },
  canary_bounced: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'The canary was accepted, and came back as a bounce.',
    remedy: 'Read the diagnosis that is quoted: it says why the receiver refuses the mail.',
  },
  canary_in_junk: {
    verdict: 'warn',
    severity: 'high',
    meaning: 'The canary was delivered to the junk folder.',
    remedy:
      'Look at SPF, DKIM and DMARC of the sender and at the reputation of its address; the receiver may say why in a header of the mail.',
  },
  canary_unauthenticated: {
    verdict: 'warn',
    severity: 'high',
    meaning: 'The receiver did not find in the canary what `expect` names (SPF, DKIM, DMARC).',
    remedy: 'Fix the record or the signature that is named, or take it out of `expect`.',
  },
  canary_sent_in_clear: {
    verdict: 'warn',
    severity: 'medium',
    meaning: 'A server on the way took the canary over a network without TLS.',
    remedy: 'Turn on TLS between the hosts that are named.',
  },
  canary_duplicated: {
    verdict: 'warn',
    severity: 'low',
    meaning: 'A canary arrived more than once.',
    remedy: 'See which server on the way sends twice: a copy rule (always_bcc), two relays, or a time-out after DATA.',
  },
  canary_backlog_draining: {
    verdict: 'warn',
    severity: 'low',
    meaning: 'The newest canary is on time, and older ones come in late: a queue is being worked off.',
    remedy: 'Nothing, if it ends soon. Else look at the queue of the relay.',
  },
  canary_mailbox_unresolved: {
    verdict: 'unknown',
    severity: 'medium',
    meaning: 'A value under `mailbox` of the canary could not be read, so the mailbox was not opened.',
    remedy: 'Look at the source of the value: is it there, and may the exporter read it?',
  },
  canary_mailbox_unreachable: {
    verdict: 'unknown',
    severity: 'medium',
    meaning: 'The mailbox of the canary cannot be reached or does not answer, so nothing is known of arrival.',
    remedy: 'See whether the IMAP server runs, and its address and port. This is not the mail of the application.',
  },
  canary_mailbox_login_failed: {
    verdict: 'unknown',
    severity: 'medium',
    meaning: 'The mailbox of the canary refused the login, so nothing is known of arrival.',
    remedy:
      'Set the right user and password (or token) under `mailbox`. After a refusal the login is tried again after 1, 2, 4 … 60 minutes.',
  },
  canary_mailbox_certificate_invalid: {
    verdict: 'unknown',
    severity: 'medium',
    meaning: 'The certificate of the IMAP server does not verify, so the password was not sent.',
    remedy: 'Renew the certificate, or set `ca_file` or `servername` under `mailbox`.',
  },
  canary_mailbox_folder_missing: {
    verdict: 'warn',
    severity: 'low',
    meaning: 'A folder that `folders` names is not in the mailbox.',
    remedy: 'Write the name in `folders` as the server lists it, or take it out.',
  },
  canary_mailbox_not_cleaned: {
    verdict: 'warn',
    severity: 'low',
    meaning: 'Canaries could not be deleted from the mailbox, so they pile up there.',
    remedy:
      'Let the user delete mails in that folder, or use a server with UIDPLUS. Delete those that are there by hand.',
  },
  canary_mailbox_full: {
    verdict: 'unknown',
    severity: 'medium',
    meaning: 'The mailbox of the canary has no room left, so no canary can arrive.',
    remedy: 'Make room in it, or give it a larger quota.',
  },
} as const satisfies Record<string, ReasonSpec>
export const reason = reasonsOf(reasons)
export type Reason = ReturnType<typeof reason>
