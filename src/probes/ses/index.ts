import { defineProbe } from '../../core/probe.ts'
import { judge, metrics } from './judge.ts'
import { observe, type SesSeen } from './observe.ts'
import { reasons } from './reasons.ts'
import { sesTarget, type SesTarget } from './target.ts'

/** The SES settings of an application: are they there, and can they be right? */
export const ses = defineProbe<SesTarget, SesSeen>({
  kind: 'ses',
  summary: 'The SES settings of an application: set, well-formed, and used by more than a stub.',
  target: sesTarget,
  metrics,
  reasons,
  observe,
  judge,
})
