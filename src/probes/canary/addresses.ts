import { Unresolved } from '../../core/errors.ts'
import { domainOf, isAsciiAddress, withAsciiDomain } from '../../core/mail-address.ts'
import type { Look } from '../../core/probe.ts'
import type { Resolvable } from '../../core/reference.ts'
import { shapes } from '../../core/shape.ts'
import { sourceOf } from '../../core/source.ts'
import type { CanaryTarget } from './target.ts'

/** In ASCII, and kept out of all output. */
export interface Addresses {
  /** Of the header `From`. */
  readonly from: string
  readonly to: string
  /** The sender of the envelope. */
  readonly envelopeFrom: string
}

/** Reads the addresses of a canary. Throws Unresolved. */
export async function readAddresses(target: CanaryTarget, look: Look): Promise<Addresses> {
  const read = async (field: string, value: Resolvable): Promise<string> => {
    const found = await look.text(field, value, shapes.mailAddress)
    look.conceal(found)
    if (!isAsciiAddress(withAsciiDomain(found)))
      throw new Unresolved(
        `${field}: ${sourceOf(value)}: has letters before the @ that a canary cannot have (only ASCII)`,
      )
    const address = withAsciiDomain(found)
    look.conceal(address)
    return address
  }
  const [from, to, envelopeFrom] = await Promise.all([
    read('from', target.from),
    read('to', target.to),
    target.envelope_from === undefined ? undefined : read('envelope_from', target.envelope_from),
  ])
  return { from, to, envelopeFrom: envelopeFrom ?? from }
}

/** The domains of the sender: of the header, and of the envelope if it is another one. */
export const domainsOf = ({ from, envelopeFrom }: Addresses): readonly string[] => [
  ...new Set([from, envelopeFrom].map(address => domainOf(address).toLowerCase())),
]
