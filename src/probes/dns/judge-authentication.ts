import type { Reason } from './reasons.ts'
import type { DnsSeen } from './seen.ts'
import type { DnsTarget } from './target.ts'

/** Whether mail of the domain can be shown to be its own at all. */
export function authenticationReasons(_seen: DnsSeen, _target: DnsTarget): Reason[] {
  return []
}
