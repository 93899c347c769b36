import { defineProbe } from '../../core/probe.ts'
import { judge, metrics } from './judge.ts'
import { observe } from './observe.ts'
import { reasons } from './reasons.ts'
import { settingsTarget } from './target.ts'

/** An application's settings, compared with what they should be. */
export const settings = defineProbe({
  kind: 'settings',
  summary: "An application's own settings, compared with what they should be.",
  target: settingsTarget,
  metrics,
  reasons,
  observe,
  judge,
})
