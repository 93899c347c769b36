import type { QueryCode } from '../../clients/dns/index.ts'
import type { DkimSeen } from './dkim/index.ts'
import type { DmarcSeen } from './dmarc/index.ts'
import type { DomainSeen } from './hosts/domain.ts'
import type { HelloSeen } from './hosts/hello.ts'
import type { MtaStsSeen } from './mta-sts/index.ts'
import type { PtrSeen } from './hosts/ptr.ts'
import type { SendersSeen } from './hosts/senders.ts'
import type { SpfSeen } from './spf/seen.ts'
import type { ZoneSeen } from './hosts/zone.ts'

/** What was found in DNS of a domain that mail is sent from. */
export interface DnsSeen {
  /** Of `From`, and of the envelope: in lower case and in ASCII. */
  readonly domain: string
  readonly envelope: string
  /** Which were asked, as `address:port`. */
  readonly servers: readonly string[]
  /** Questions of this target by how they ended, since the process started. */
  readonly queries: Readonly<Record<QueryCode, number>>
  /** What no server gave an answer to: one line each. Nothing is concluded from it. */
  readonly unanswered: readonly string[]
  /** Records that were there in the look before, and not in this one: `app.example.com TXT`. They are asked for again soon. */
  readonly unconfirmed: readonly string[]
  /** Not all could be asked for: the records lead to more others than a look follows. */
  readonly isUsedUp: boolean
  /** The records that SES asks for are not known yet: the check of `ses` has not had an answer. */
  readonly isAwaitingSes: boolean
  readonly ownDomain: DomainSeen
  /** The same as `ownDomain` if there is one domain. */
  readonly envelopeDomain: DomainSeen
  readonly senders: SendersSeen
  readonly spf: SpfSeen
  /** One for each selector of the configuration, and each DKIM token of SES; undefined if neither is known. */
  readonly dkim: readonly DkimSeen[] | undefined
  readonly dmarc: DmarcSeen
  /** One for each address of `senders`. */
  readonly ptr: readonly PtrSeen[]
  /** Undefined if no name is known that the senders say hello with. */
  readonly hello: HelloSeen | undefined
  readonly mtaSts: MtaStsSeen
  readonly zone: ZoneSeen
}
