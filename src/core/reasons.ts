import { reasonsOf, type ReasonSpec } from './probe.ts'
import { starvedReason } from './starved.ts'

/** Reasons that any check can have. */
export const commonReasons = {
  deadline_exceeded: {
    verdict: 'fail',
    severity: 'high',
    meaning: 'The check did not end within its timeout.',
    remedy: 'Find out what hangs in the phase named; raise `timeout` only if the target is known to be slow.',
  },
  reference_unresolved: {
    verdict: 'unknown',
    severity: 'high',
    meaning: 'A value could not be fetched from its source, or is not what is expected there, so nothing was checked.',
    remedy:
      'Make the source named readable to the exporter, correct the value where it comes from, or set the key that is named.',
  },
  exporter_starved: starvedReason,
  probe_error: {
    verdict: 'unknown',
    severity: 'medium',
    meaning: 'The exporter itself failed while it looked. This is a bug of the exporter.',
    remedy: 'Report it, with the line given here.',
  },
  not_run_yet: {
    verdict: 'unknown',
    severity: 'medium',
    meaning: 'The check has not ended since the exporter started.',
    remedy: 'Wait for one interval.',
  },
  stale: {
    verdict: 'unknown',
    severity: 'high',
    meaning: 'The last result is older than three intervals. What it said then is no evidence now.',
    remedy: 'Find out why the check no longer runs: is the exporter short of CPU, or stopped?',
  },
} as const satisfies Record<string, ReasonSpec>
export const commonReason = reasonsOf(commonReasons)
