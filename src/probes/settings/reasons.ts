import { reasonsOf, type ReasonSpec } from '../../core/probe.ts'

export const reasons = {
  setting_absent: {
    verdict: 'fail',
    severity: 'high',
    meaning: 'A setting the application needs is missing or empty.',
    remedy: 'Set it in the source named, and restart the application so that it takes it.',
  },
  setting_different: {
    verdict: 'fail',
    severity: 'high',
    meaning: 'A setting of the application has another value than expected.',
    remedy: 'Correct it in the source named and restart the application, or correct `expect` if it changed on purpose.',
  },
  setting_unreadable: {
    verdict: 'unknown',
    severity: 'high',
    meaning: 'A setting could not be read, so nothing is known of it.',
    remedy: 'Make the source named readable to the exporter, or correct the value where it comes from.',
  },
} as const satisfies Record<string, ReasonSpec>
export const reason = reasonsOf(reasons)
export type Reason = ReturnType<typeof reason>
