import { defineProbe } from '../../core/probe.ts'
import { judge, metrics } from './judge.ts'
import { observe } from './observe.ts'
import { reasons } from './reasons.ts'
import { sesTarget } from './target.ts'

/** The SES settings of an application: are they there, and can they be right? */
export const ses = defineProbe({
  kind: 'ses',
  summary: 'The SES settings of an application: set, well-formed, and used by more than a stub.',
  target: sesTarget,
  metrics,
  reasons,
  observe,
  judge,
})
