import { isIP } from 'node:net'
import type { Dns } from '../../../clients/dns/index.ts'
import { isPublic } from './addresses.ts'
import { addressesIn } from './host.ts'

/** An address that mail leaves from. */
export interface SenderAddress {
  /** As in the configuration. */
  readonly sender: string
  readonly address: string
}

/** Where mail leaves from, as receivers see it. */
export interface SendersSeen {
  /** Those of the configuration, and the public ones of names. */
  readonly addresses: readonly SenderAddress[]
  /** Names that lead to no address that receivers could see. `problem` completes "NAME …". */
  readonly lost: readonly { readonly sender: string; readonly problem: string }[]
  /** Whether a name was not answered for, so that addresses may be missing. */
  readonly isPartial: boolean
}

/** Of each name; more are not looked at. */
const mostAddresses = 10

/**
 * The addresses of `senders`. A private address of a name is left out: receivers see another one in its place. One that the
 * configuration names is taken as it is.
 */
export async function lookAtSenders(dns: Dns, senders: readonly string[]): Promise<SendersSeen> {
  const found = await Promise.all(
    senders.map(async sender => {
      if (isIP(sender) !== 0) return { sender, addresses: [asSeen(sender)], isPartial: false }
      const { addresses, isWhole } = await addressesIn(dns, sender)
      return { sender, addresses, isPartial: !isWhole }
    }),
  )
  const seen = found.map(one => ({
    ...one,
    usable: one.addresses.filter(address => isIP(one.sender) !== 0 || isPublic(address)).slice(0, mostAddresses),
  }))
  return {
    addresses: seen.flatMap(({ sender, usable }) => usable.map(address => ({ sender, address }))),
    lost: seen
      .filter(({ usable, isPartial }) => usable.length === 0 && !isPartial)
      .map(({ sender, addresses }) => ({ sender, problem: problemOf(addresses) })),
    isPartial: seen.some(({ isPartial }) => isPartial),
  }
}

/** Receivers see IPv4 in IPv6 as IPv4, and no zone of an interface. */
const asSeen = (address: string): string => address.replace(/%.*/, '').replace(/^::ffff:(?=\d+\.)/i, '')

const problemOf = (addresses: readonly string[]): string =>
  addresses.length === 0 ? 'has no address' : `has only private addresses (${addresses.slice(0, 3).join(', ')})`
