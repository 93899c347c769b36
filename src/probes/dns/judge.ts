import { finding } from '../../core/probe.ts'
import type { Reason } from './reasons.ts'
import type { DnsSeen } from './seen.ts'
import type { DnsTarget } from './target.ts'

export const judge = (seen: DnsSeen, _target: DnsTarget) => {
  const found: Reason[] = []
  return finding(`${seen.domain}`, found, [])
}
