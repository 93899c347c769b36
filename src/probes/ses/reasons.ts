import { reasonsOf, type ReasonSpec } from '../../core/probe.ts'

export const reasons = {
  ses_absent: {
    verdict: 'warn',
    severity: 'low',
    meaning: 'None of the SES settings is set: there is no second way out for mail.',
    remedy: 'Set access key, secret key and region if SES is meant as a second way out; else take the target out.',
  },
  ses_stub: {
    verdict: 'warn',
    severity: 'low',
    meaning: "The application's SES sender is a stub: nothing leaves by SES, whatever its settings are.",
    remedy: 'Implement the sender, deploy it, and take `implemented: false` out of the configuration.',
  },
  ses_partial: {
    verdict: 'fail',
    severity: 'medium',
    meaning: 'Some of the SES settings are set and some are not: the application cannot send through SES.',
    remedy: 'Set those that are missing where the application takes them from, and restart it.',
  },
  ses_malformed: {
    verdict: 'fail',
    severity: 'medium',
    meaning: 'An SES setting has a value that SES cannot accept.',
    remedy: 'Put the real value there: an IAM access key, its secret key, and the region in which SES is set up.',
  },
  ses_unreadable: {
    verdict: 'unknown',
    severity: 'medium',
    meaning: 'An SES setting could not be read, so nothing is known of it.',
    remedy: 'Make the source named readable to the exporter, or correct the value where it comes from.',
  },
  ses_not_verified: {
    verdict: 'unknown',
    severity: 'low',
    meaning: 'The SES settings are complete and well-formed, but SES itself was not asked, so nothing is proven.',
    remedy: 'Send a test mail through SES by hand (to success@simulator.amazonses.com) before you rely on it.',
  },
} as const satisfies Record<string, ReasonSpec>
export const reason = reasonsOf(reasons)
export type Reason = ReturnType<typeof reason>
