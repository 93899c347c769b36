import { reasonsOf, type ReasonSpec } from '../../core/probe.ts'

export const reasons = {
  packages_missing: {
    verdict: 'fail',
    severity: 'high',
    meaning: 'A package the application needs is not installed where the application would load it from.',
    remedy: 'Install it (npm install NAME), deploy again and restart the application.',
  },
  packages_folder_unreadable: {
    verdict: 'unknown',
    severity: 'medium',
    meaning: "The application's folder, or something in it, could not be read, so nothing is known of its packages.",
    remedy: 'Correct `folder`, mount it into the container of the exporter, or let the exporter read it.',
  },
  packages_forbidden_found: {
    verdict: 'warn',
    severity: 'medium',
    meaning: 'The deployed code has text in it that must not be there, such as the message of a stub.',
    remedy: 'Deploy code without it: rebuild first, for the source may be right and the build old.',
  },
  packages_file_missing: {
    verdict: 'unknown',
    severity: 'low',
    meaning: 'A file that was to be searched is not there, so nothing was looked at.',
    remedy: 'Correct the path in `forbid` if the layout of the build changed; else find out why the build lacks it.',
  },
  packages_file_unreadable: {
    verdict: 'unknown',
    severity: 'low',
    meaning: 'A file that was to be searched could not be read, so nothing was looked at.',
    remedy: 'Let the exporter read it; name a smaller file if it is too large.',
  },
} as const satisfies Record<string, ReasonSpec>
export const reason = reasonsOf(reasons)
export type Reason = ReturnType<typeof reason>
