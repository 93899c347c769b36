import type { DnsSeen } from '../seen.ts'
import type { DnsTarget } from '../target.ts'
import { dmarcRows } from './dmarc.ts'
import { domainRows, senderHostRows } from './hosts.ts'
import type { PostureRow } from './row.ts'
import { senderRows } from './sender.ts'
import { transportRows } from './transport.ts'

export type { PostureRow, PostureState } from './row.ts'

/** What receivers find of a sender, record by record, and what should be published: to be handed to a postmaster. */
export interface Posture {
  readonly domain: string
  readonly envelope: string
  /** The name servers that were asked, as `address:port`. */
  readonly servers: readonly string[]
  readonly rows: readonly PostureRow[]
}

/** Each row follows from the same facts as the reasons do. Pure. */
export const postureOf = (seen: DnsSeen, target: DnsTarget): Posture => ({
  domain: seen.domain,
  envelope: seen.envelope,
  servers: seen.servers,
  rows: [
    ...domainRows(seen),
    ...senderRows(seen, target),
    ...dmarcRows(seen, target),
    ...senderHostRows(seen, target),
    ...transportRows(seen),
  ],
})
