import { defineImplied } from '../../core/probe.ts'
import { judge, metrics } from './judge.ts'
import { observe, type KubernetesSeen } from './observe.ts'
import { reasons } from './reasons.ts'
import type { KubernetesTarget } from './target.ts'

/** Whether the API server that Secrets are read from answers, and accepts the login. */
export const kubernetes = defineImplied<KubernetesTarget, KubernetesSeen>({
  kind: 'kubernetes',
  summary:
    'The Kubernetes API server, as soon as something is read from it: whether it answers, and accepts the login.',
  metrics,
  reasons,
  observe,
  judge,
})
