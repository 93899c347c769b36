import { sample } from '../../core/metric.ts'
import { finding } from '../../core/probe.ts'
import { metrics } from './metrics.ts'
import { reason } from './reasons.ts'
import type { CanarySeen } from './seen.ts'
import type { CanaryTarget } from './target.ts'

export function judge({ counts }: CanarySeen, { name: target }: CanaryTarget) {
  return finding(
    '',
    [reason('canary_under_way', 'no canary has arrived yet')],
    [...sample(metrics.sent, counts.sent, { target })],
  )
}
