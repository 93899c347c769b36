import { oneLine } from '../../core/errors.ts'
import { section, settingsSource, targetFields } from '../../fields/index.ts'
import { gauge, sample, type Sample } from '../../core/metric.ts'
import { defineProbe, finding, reasonsOf, type Reason, type ReasonSpec } from '../../core/probe.ts'
import { expectations } from './expectation.ts'
import { observe, type SettingSeen } from './observe.ts'

export type { SettingSeen, SettingState, SettingsSeen, SettingsTarget } from './observe.ts'

export const metrics = {
  present: gauge(
    'mailpath_settings_present',
    'Whether the setting has a value; a default of the application counts as one.',
    ['target', 'setting'],
  ),
  matches: gauge(
    'mailpath_settings_matches',
    'Whether the setting has the value expected of it; 0 also where it is needed and missing.',
    ['target', 'setting'],
  ),
}

const reasons = {
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
const reason = reasonsOf(reasons)

/** An application's own settings, compared with what they should be. */
export const settings = defineProbe({
  kind: 'settings',
  summary: "An application's own settings, compared with what they should be.",
  target: section({
    ...targetFields,
    from: settingsSource('Where the application keeps its settings.'),
    expect: expectations,
  }),
  metrics,
  reasons,
  observe,
  judge(seen, target) {
    const count = (state: string): number => seen.settings.filter(setting => setting.state === state).length
    const evidence = `settings: ${count('verified')} as expected, ${count('present')} present, ${count('absent')} absent (optional)`
    const samples = seen.settings.flatMap(setting => samplesOf(setting, target.name))
    return finding(evidence, seen.settings.flatMap(reasonFor), samples)
  },
})

function reasonFor({ name, state, source, expected, optional, why }: SettingSeen): Reason[] {
  switch (state) {
    case 'verified':
    case 'present':
      return []
    case 'absent':
      return optional ? [] : [reason('setting_absent', `${name} (${source}): not set or empty`)]
    case 'different': {
      const wanted = expected === undefined ? 'what is expected' : `"${oneLine(expected)}"`
      return [
        reason('setting_different', `${name} (${source}): is not ${wanted}${why === undefined ? '' : `; ${why}`}`),
      ]
    }
    case 'unreadable':
      return [reason('setting_unreadable', `${name} ${why ?? 'could not be read'}`)]
  }
}

function samplesOf({ name, state, optional }: SettingSeen, target: string): Sample[] {
  const labels = { target, setting: name }
  const present = state === 'unreadable' ? undefined : state !== 'absent'
  const wrong = state === 'different' || (state === 'absent' && !optional)
  const matches = state === 'verified' ? true : wrong ? false : undefined
  return [...sample(metrics.present, present, labels), ...sample(metrics.matches, matches, labels)]
}
