import { reasonsOf, type ReasonSpec } from '../../core/probe.ts'
import { dkimReasons } from './reasons/dkim.ts'
import { dmarcReasons } from './reasons/dmarc.ts'
import { domainReasons } from './reasons/domain.ts'
import { inboundReasons } from './reasons/inbound.ts'
import { sendersReasons } from './reasons/senders.ts'
import { spfReasons } from './reasons/spf.ts'

/** In the order of a look: the documents have it. */
export const reasons = {
  ...domainReasons,
  ...spfReasons,
  ...dkimReasons,
  ...dmarcReasons,
  ...sendersReasons,
  ...inboundReasons,
} as const satisfies Record<string, ReasonSpec>

export const reason = reasonsOf(reasons)
export type Reason = ReturnType<typeof reason>
