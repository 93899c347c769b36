import type { Target } from '../../core/probe.ts'
import type { SettingsSource } from '../../core/reference.ts'
import { section, settingsSource, targetFields } from '../../fields/index.ts'
import { expectations, type Expected } from './expectation.ts'

export interface SettingsTarget extends Target {
  readonly from: SettingsSource
  readonly expect: Readonly<Record<string, Expected>>
}

export const settingsTarget = section({
  ...targetFields,
  from: settingsSource('Where the application keeps its settings.'),
  expect: expectations,
})
