import { ofLostSenders } from './by-sender.ts'
import { cases } from './cases.ts'
import type { PtrSeen } from '../hosts/ptr.ts'
import { reason, type Reason } from '../reasons.ts'
import type { DnsSeen } from '../seen.ts'
import type { DnsTarget } from '../target.ts'

/** Whether the addresses that mail leaves from are known, and have names that lead back to them. */
export function ptrReasons(
  { ptr, senders }: Pick<DnsSeen, 'ptr' | 'senders'>,
  { direct }: Pick<DnsTarget, 'direct'>,
): Reason[] {
  const lost = senders.lost.map(({ sender, problem }) => `${sender} (\`senders\`) ${problem}`)
  const missing = ptr.filter(isMissing)
  const isSure = direct && ofLostSenders(ptr, isMissing).length > 0
  const generic = ptr.filter(({ isConfirmed, isGeneric }) => isConfirmed === true && isGeneric)
  return [
    ...(lost.length > 0 ? [reason('dns_sender_unknown', cases(lost))] : []),
    ...(missing.length > 0
      ? [reason('dns_ptr_missing', cases(missing.map(missingText)), undefined, isSure ? 'fail' : undefined)]
      : []),
    ...(generic.length > 0 ? [reason('dns_ptr_generic', cases(generic.map(genericText)))] : []),
  ]
}

const isMissing = ({ names, isConfirmed }: PtrSeen): boolean => names?.length === 0 || isConfirmed === false

const addressOf = ({ sender, address }: PtrSeen): string => (sender === address ? address : `${address} (${sender})`)

const namesOf = ({ names = [] }: PtrSeen): string =>
  `the name${names.length === 1 ? '' : 's'} ${[...names].sort().join(' and ')}`

const missingText = (seen: PtrSeen): string =>
  seen.names === undefined || seen.names.length === 0
    ? `${addressOf(seen)} has no name (PTR)`
    : `${addressOf(seen)} has ${namesOf(seen)}, which ${seen.names.length === 1 ? 'does' : 'do'} not lead back to it`

const genericText = (seen: PtrSeen): string => `${addressOf(seen)} has ${namesOf(seen)}`
