import type { Reason } from './reasons.ts'
import type { DnsSeen } from './seen.ts'
import type { DnsTarget } from './target.ts'

/** What is wrong with the SPF record. */
export function spfReasons(_seen: DnsSeen, _target: DnsTarget): Reason[] {
  return []
}
