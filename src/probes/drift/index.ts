import { defineProbe } from '../../core/probe.ts'
import { judge, metrics } from './judge.ts'
import { observe } from './observe.ts'
import { reasons } from './reasons.ts'
import { driftTarget } from './target.ts'

/** One secret, or one host, that is kept in several places: do they agree? */
export const drift = defineProbe({
  kind: 'drift',
  summary: 'A secret, or a host, that is kept in several places: do they agree? No value is ever shown.',
  target: driftTarget,
  metrics,
  reasons,
  observe,
  judge,
})
