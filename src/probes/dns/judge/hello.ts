import { specialUse } from '../hosts/addresses.ts'
import type { HelloSeen } from '../hosts/hello.ts'
import { elsewhere } from './domain.ts'
import { reason, type Reason } from '../reasons.ts'
import type { DnsSeen } from '../seen.ts'
import type { DnsTarget } from '../target.ts'

type Asked = Pick<DnsTarget, 'servers' | 'helo' | 'senders'>

const mostNamed = 5

/**
 * Whether the name of the hello leads to the senders. One out of the greeting of the relay is that of one host, which may not be
 * the last one: it is only judged where senders are given, and has to lead to one of them.
 */
export function helloReasons({ hello, senders }: Pick<DnsSeen, 'hello' | 'senders'>, target: Asked): Reason[] {
  if (hello?.addresses === undefined) return []
  const isGiven = target.helo !== undefined
  if (!isGiven && !target.senders?.length) return []
  const known = new Set(senders.addresses.map(({ address }) => address))
  const leadsNowhere = hello.addresses.length === 0
  const isWrong = isGiven ? hello.notOf.length > 0 : known.size > 0 && hello.notOf.length === known.size
  // An address that was not answered for may be the one it leads to.
  if (!leadsNowhere && (!isWrong || senders.isPartial)) return []
  return [reason('dns_hello_invalid', textOf(hello, hello.addresses, target))]
}

function textOf({ name, notOf }: HelloSeen, addresses: readonly string[], { servers }: Asked): string {
  if (addresses.length === 0) return `${name}, with which the senders say hello, has no address`
  const isPrivate = addresses.some(address => specialUse(address) !== undefined)
  const own = addresses.slice(0, mostNamed).join(', ')
  return `${name}, with which the senders say hello, leads to ${own} and not to ${notOf.slice(0, mostNamed).join(', ')}${isPrivate ? elsewhere(servers) : ''}`
}
