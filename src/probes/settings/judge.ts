import { oneLine } from '../../core/errors.ts'
import { gauge, sample } from '../../core/metric.ts'
import { finding } from '../../core/probe.ts'
import type { SettingSeen, SettingsSeen, SettingState } from './observe.ts'
import { reason, type Reason } from './reasons.ts'
import type { SettingsTarget } from './target.ts'

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

export function judge(seen: SettingsSeen, target: SettingsTarget) {
  const evidence = evidenceOf(seen.settings)
  const samples = seen.settings.flatMap(setting => samplesOf(setting, target.name))
  return finding(evidence, seen.settings.flatMap(reasonFor), samples)
}

/** Said where all is right. No count of 0: where any value is right, `0 as expected` reads as if none were. */
function evidenceOf(settings: readonly SettingSeen[]): string {
  const count = (state: SettingState, words: string): string[] => {
    const { length } = settings.filter(one => one.state === state)
    return length === 0 ? [] : [`${length} ${words}`]
  }
  const good = [
    ...count('verified', 'as expected'),
    ...count('present', 'set (any value is right)'),
    ...count('absent', 'not set (optional)'),
  ]
  return `settings: ${good.join(', ')}`
}

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
      return [reason('setting_unreadable', `${name} (${source}): ${why ?? 'could not be read'}`)]
  }
}

function samplesOf({ name, state, optional }: SettingSeen, target: string) {
  const labels = { target, setting: name }
  const present = state === 'unreadable' ? undefined : state !== 'absent'
  const wrong = state === 'different' || (state === 'absent' && !optional)
  const matches = state === 'verified' ? true : wrong ? false : undefined
  return [...sample(metrics.present, present, labels), ...sample(metrics.matches, matches, labels)]
}
