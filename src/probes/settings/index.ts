import { defineProbe } from '../../core/probe.ts'
import { judge, metrics } from './judge.ts'
import { observe, type SettingsSeen } from './observe.ts'
import { reasons } from './reasons.ts'
import { settingsTarget, type SettingsTarget } from './target.ts'

/** An application's own settings, compared with what they should be. */
export const settings = defineProbe<SettingsTarget, SettingsSeen>({
  kind: 'settings',
  summary: "An application's own settings, compared with what they should be.",
  target: settingsTarget,
  metrics,
  reasons,
  observe,
  judge,
})
