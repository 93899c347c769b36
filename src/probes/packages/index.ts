import { defineProbe } from '../../core/probe.ts'
import { judge, metrics } from './judge.ts'
import { observe } from './observe.ts'
import { reasons } from './reasons.ts'
import { packagesTarget } from './target.ts'

/** What is installed in an application, and what its deployed code must not contain. */
export const packages = defineProbe({
  kind: 'packages',
  summary: 'What is installed in the application, and what must not be in its deployed code.',
  target: packagesTarget,
  metrics,
  reasons,
  observe,
  judge,
})
