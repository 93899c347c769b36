import { reasonsOf, type ReasonSpec } from '../core/probe.ts'
import { mail, type MailTarget } from '../probes/mail/index.ts'
import type { Problem } from './verdict.ts'

export const mailReasons = {
  mail_write_path_not_probed: {
    verdict: 'unknown',
    severity: 'high',
    meaning:
      'The configuration has no write_path target with a login, so nothing is known of whether the application can write.',
    remedy:
      'Add a write_path target with the login of the application; if the application needs no database, say so with `write_path: []` under mail.',
  },
  mail_provider_not_probed: {
    verdict: 'unknown',
    severity: 'high',
    meaning: 'The configuration has no target for the provider the application sends with.',
    remedy: 'Add an smtp (or ses) target for it.',
  },
  mail_fallback_not_said: {
    verdict: 'unknown',
    severity: 'high',
    meaning:
      'The provider the application is set to is not known to work, the other one is, and the configuration does not say whether the application falls back to it.',
    remedy:
      'Look into its sender: if it sends with the other provider where the first one fails, set `fallback` under mail to that one, else to none. Then heal the provider it is set to.',
  },
} as const satisfies Record<string, ReasonSpec>
const mailReason = reasonsOf(mailReasons)

/** A problem of the mail path itself. */
export function mailProblem(target: MailTarget, code: keyof typeof mailReasons, text: string): Problem {
  return { probe: mail.kind, target: target.name, reason: mailReason(code, `${target.name}: ${text}`) }
}
