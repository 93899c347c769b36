import { isIP } from 'node:net'
import { domainOf } from '../core/mail-address.ts'
import { seenBy } from '../core/probe.ts'
import { canary } from '../probes/canary/index.ts'
import { isSettled } from '../probes/canary/judge-mails.ts'
import { leavesBy } from '../probes/canary/leaves-by.ts'
import type { Reason as CanaryReason } from '../probes/canary/reasons.ts'
import { complaintsIn, type Complaint } from '../probes/dns/refusals.ts'
import { is2xx } from '../probes/smtp/dialogue.ts'
import { smtp } from '../probes/smtp/index.ts'
import type { Reason as SmtpReason } from '../probes/smtp/reasons.ts'
import type { CheckStatus } from './assessment.ts'

const ofCanary: readonly CanaryReason['code'][] = ['canary_rejected', 'canary_deferred', 'canary_bounced']
const ofRelay: readonly SmtpReason['code'][] = [
  'smtp_greeting_refused',
  'smtp_sender_refused',
  'smtp_recipient_refused',
  'smtp_recipient_deferred',
]

/** That a server refuses mail of a sender. */
export interface Refusal {
  /** The check that has it, and the code of its reason. */
  readonly check: CheckStatus
  readonly code: string
  readonly complaints: readonly Complaint[]
  /** The addresses that the server names. */
  readonly addresses: readonly string[]
  /** Of the sender, if they are known. */
  readonly domains: readonly string[] | undefined
  /** The way that it was refused by: `smtp/relay`. */
  readonly way: string | undefined
  /** By the server that the exporter itself talks to: it sees the address of the exporter. */
  readonly isOfUs: boolean
}

/** What servers refuse of the mail of a check, where they complain of its sender. */
export function refusalsOf(check: CheckStatus): Refusal[] {
  if (check.stale || check.verdict === 'ok') return []
  return [...refusedCanary(check), ...refusedSession(check)].filter(
    ({ code, complaints }) => complaints.length > 0 && check.reasons.some(reason => reason.code === code),
  )
}

function refusedCanary(check: CheckStatus): Refusal[] {
  const { seen } = seenBy(canary, check.observation) ?? {}
  if (!seen) return []
  const { handOver, mails, domains } = seen
  const way = leavesBy(check)?.id
  const bounce = mails.find(isSettled)?.bounce
  return ofCanary.flatMap(code => {
    const isBounce = code === 'canary_bounced'
    const text = isBounce
      ? bounce && `${bounce.status ?? ''} ${bounce.text}`
      : handOver?.kind === 'refused'
        ? handOver.text
        : undefined
    return text === undefined ? [] : [{ check, code, ...saidIn(text), domains, way, isOfUs: !isBounce }]
  })
}

function refusedSession(check: CheckStatus): Refusal[] {
  const found = seenBy(smtp, check.observation)
  const reply = found?.seen.replies.findLast(one => !is2xx(one))
  if (!found || !reply) return []
  const { envelope } = found.target
  const domains = envelope && [domainOf(envelope.from).toLowerCase()]
  const said = saidIn(reply.text)
  return ofRelay.map(code => ({ check, code, ...said, domains, way: check.id, isOfUs: true }))
}

/** What an answer says of the sender. */
const saidIn = (text: string): Pick<Refusal, 'complaints' | 'addresses'> => ({
  complaints: complaintsIn(text),
  addresses: (text.match(/[\da-f.:]{3,45}/gi) ?? []).filter(isIP),
})
