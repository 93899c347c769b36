import { remedyForName } from '../../clients/names/index.ts'
import { gauge, sample } from '../../core/metric.ts'
import { finding } from '../../core/probe.ts'
import type { ApiServerAnswer } from '../../core/reference.ts'
import type { KubernetesSeen } from './observe.ts'
import { reason, type Reason } from './reasons.ts'
import type { KubernetesTarget } from './target.ts'

export const metrics = {
  reachable: gauge(
    'mailpath_kubernetes_reachable',
    'Whether the API server answered over HTTP within the timeout, whatever it said.',
    ['target'],
  ),
  authenticated: gauge(
    'mailpath_kubernetes_authenticated',
    'Whether the API server accepts the login of the exporter; whether it may read a Secret is another matter.',
    ['target'],
  ),
}

/** What each answer means for the server. Problems of one Secret come from a server that works. */
const codes: Record<ApiServerAnswer['kind'], Reason['code'] | undefined> = {
  ok: undefined,
  forbidden: undefined,
  missing: undefined,
  unresolved: 'kubernetes_access_unresolved',
  unanswered: 'kubernetes_unreachable',
  unauthorized: 'kubernetes_unauthorized',
  throttled: 'kubernetes_throttled',
  failed: 'kubernetes_failed',
  not_kubernetes: 'kubernetes_not_an_api_server',
}

export function judge(seen: KubernetesSeen, { name }: KubernetesTarget) {
  const { answer, waited } = seen
  const reasons = answer ? reasonsOf(answer) : [reason('kubernetes_no_answer', waited)]
  return finding(`${answer?.address ?? ''}: answers and accepts the login`, reasons, samples(answer, name))
}

function reasonsOf({ kind, tls, address, text, code: cause }: ApiServerAnswer): Reason[] {
  const code = kind === 'unanswered' && tls === true ? 'kubernetes_tls_failed' : codes[kind]
  if (code === undefined) return []
  // The text of a failure begins with the address.
  const isWhole = address === undefined || kind === 'unanswered' || kind === 'unresolved'
  return [reason(code, isWhole ? text : `${address}: ${text}`, remedyForName({ code: cause }))]
}

function samples(answer: ApiServerAnswer | undefined, target: string) {
  const accepted = answer && (codes[answer.kind] === undefined || (answer.kind === 'unauthorized' ? false : undefined))
  const reached = answer?.kind === 'unresolved' ? undefined : answer !== undefined && answer.kind !== 'unanswered'
  return [...sample(metrics.reachable, reached, { target }), ...sample(metrics.authenticated, accepted, { target })]
}
