import { reasonsOf, type ReasonSpec } from '../../core/probe.ts'

export const reasons = {
  outbox_late: {
    verdict: 'warn',
    severity: 'high',
    meaning: 'The oldest mail in the outbox has waited longer than `late_after`.',
    remedy: 'See the log of the sender of the application: is it slow, or does it fail and try again?',
  },
  outbox_stuck: {
    verdict: 'fail',
    severity: 'critical',
    meaning:
      'The oldest mail in the outbox has waited longer than `stuck_after`: the sender of the application does not send it.',
    remedy:
      'See whether the sender of the application runs (its process, its queue, its cron job) and what its log says. Restart it if it hangs. If only one mail is stuck, see what is wrong with that row.',
  },
  outbox_growing: {
    verdict: 'warn',
    severity: 'high',
    meaning: 'At least as many mails as `limit` wait in the outbox.',
    remedy: 'See whether the sender keeps up, and what puts that many mails there.',
  },
  outbox_given_up: {
    verdict: 'warn',
    severity: 'medium',
    meaning: 'The application has given up mails (`failed`): they are not sent any more.',
    remedy: 'See what the application noted for these rows. Fix it, then have it send them again, or delete them.',
  },
  outbox_quiet: {
    verdict: 'warn',
    severity: 'medium',
    meaning: 'Nothing was sent for longer than `quiet_after`.',
    remedy: 'See whether the application still puts mails into the outbox: its jobs, its log.',
  },
  outbox_unreadable: {
    verdict: 'unknown',
    severity: 'medium',
    meaning: 'The outbox could not be read, so nothing is known of the sender of the application.',
    remedy: 'See what is named: the login, the table, a column, or a grant. docs/outbox.md has the grants.',
  },
  outbox_scan_costly: {
    verdict: 'warn',
    severity: 'low',
    meaning: 'Reading the outbox costs the server too much: it reads more of the table than the rows that wait.',
    remedy: 'Create the index that is named. docs/outbox.md has more on it.',
  },
} as const satisfies Record<string, ReasonSpec>
export const reason = reasonsOf(reasons)
export type Reason = ReturnType<typeof reason>
