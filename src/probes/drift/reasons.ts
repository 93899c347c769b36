import { reasonsOf, type ReasonSpec } from '../../core/probe.ts'

export const reasons = {
  drift_differs: {
    verdict: 'warn',
    severity: 'high',
    meaning:
      'Sources that should hold the same value do not. What reads the wrong one fails, now or at its next restart.',
    remedy: 'Find out which of them is right, correct the others, and restart what has read a wrong one.',
  },
  drift_unreadable: {
    verdict: 'unknown',
    severity: 'medium',
    meaning: 'A source could not be read, or a name not be resolved, so it was not compared with the others.',
    remedy: 'Make the source named readable to the exporter, or correct the value where it comes from.',
  },
  drift_not_primary: {
    verdict: 'warn',
    severity: 'high',
    meaning:
      'A host does not lead to the primary of the cluster: it was not changed after a failover, or is a mistake.',
    remedy: 'Set it to the primary, or to an endpoint that follows the primary, and restart what has read it.',
  },
} as const satisfies Record<string, ReasonSpec>
/** The assessment uses it too: only the nodes know where the primary is. */
export const driftReason = reasonsOf(reasons)
export type Reason = ReturnType<typeof driftReason>
