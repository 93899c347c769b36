import type { Look } from '../../core/probe.ts'
import type { DnsSeen } from './seen.ts'
import type { DnsTarget } from './target.ts'

export function observe(_target: DnsTarget, _look: Look): Promise<DnsSeen> {
  return Promise.reject(new Error('not built yet'))
}
