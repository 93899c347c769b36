import { defineImplied } from '../../core/probe.ts'
import { judge, metrics } from './judge.ts'
import { observe } from './observe.ts'
import { reasons } from './reasons.ts'

/** Whether the API server that Secrets are read from answers, and accepts the login. */
export const kubernetes = defineImplied({
  kind: 'kubernetes',
  summary:
    'The Kubernetes API server, as soon as something is read from it: whether it answers, and accepts the login.',
  metrics,
  reasons,
  observe,
  judge,
})
