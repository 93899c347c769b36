import type { Reason } from './reasons.ts'
import type { DnsSeen } from './seen.ts'
import type { DnsTarget } from './target.ts'

export const dmarcReasons = (_seen: DnsSeen, _target: DnsTarget): Reason[] => []
