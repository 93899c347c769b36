import { isIP } from 'node:net'
import { domainOf } from '../core/mail-address.ts'
import { finding, seenBy, type Reason } from '../core/probe.ts'
import { canary } from '../probes/canary/index.ts'
import { isSettled } from '../probes/canary/judge-mails.ts'
import { leavesBy } from '../probes/canary/leaves-by.ts'
import type { Reason as CanaryReason } from '../probes/canary/reasons.ts'
import { dns } from '../probes/dns/index.ts'
import { inOrder } from '../probes/dns/in-order.ts'
import type { Reason as DnsReason } from '../probes/dns/reasons.ts'
import { codesAbout, complaintsIn, type Complaint } from '../probes/dns/refusals.ts'
import type { DnsSeen } from '../probes/dns/seen.ts'
import type { DnsTarget } from '../probes/dns/target.ts'
import { waysOf } from '../probes/dns/ways.ts'
import { is2xx } from '../probes/smtp/dialogue.ts'
import { smtp } from '../probes/smtp/index.ts'
import type { Reason as SmtpReason } from '../probes/smtp/reasons.ts'
import { ses } from '../probes/ses/index.ts'
import type { Reason as SesReason } from '../probes/ses/reasons.ts'
import type { CheckStatus } from './assessment.ts'
import type { Checks } from './checks.ts'
import { withCause } from './sources.ts'
import { needed, survived, type Contribution } from './verdict.ts'

const ofCanary: readonly CanaryReason['code'][] = ['canary_rejected', 'canary_deferred', 'canary_bounced']
const ofRelay: readonly SmtpReason['code'][] = [
  'smtp_greeting_refused',
  'smtp_sender_refused',
  'smtp_recipient_refused',
  'smtp_recipient_deferred',
]
const failingDkim: SesReason['code'] = 'ses_dkim_failing'
const missingToken: DnsReason['code'] = 'dns_ses_token_missing'

/** A domain that was looked at: what is known of it, for what others say of its mail. */
interface Believed {
  readonly check: CheckStatus
  readonly seen: DnsSeen
  readonly target: DnsTarget
}

/** That a server refuses mail of a sender. */
interface Refusal {
  /** The check that has it, and the code of its reason. */
  readonly check: CheckStatus
  readonly code: string
  readonly complaints: readonly Complaint[]
  /** What the server said. */
  readonly text: string
  /** Of the sender, if they are known. */
  readonly domains: readonly string[] | undefined
  /** The way that it was refused by: `smtp/relay`. */
  readonly way: string | undefined
  /** By the server that the exporter itself talks to: it sees the address of the exporter. */
  readonly isOfUs: boolean
}

/**
 * The checks. That a receiver refuses mail for what is wrong in DNS proves more than a rule: the reason of the `dns` target fails
 * then, with the answer in it, and the refusal is a consequence. Where DNS is in order, the refusal says so. DKIM that fails in
 * SES because of a missing record is a consequence as well.
 */
export function withDnsCauses({ all, ofKind }: Checks): readonly CheckStatus[] {
  const believed = ofKind(dns.kind).flatMap(believedOf)
  if (believed.length === 0) return all
  const explained = all.flatMap(refusalsOf).flatMap(refusal => explain(refusal, believed))
  return all.map(check => {
    const own = explained.filter(({ refusal }) => refusal.check === check)
    const proven = explained.filter(({ dns, reason }) => dns.check === check && reason !== undefined)
    if (proven.length > 0) return withProof(check, proven)
    if (check.probe === ses.kind) return withCause(check, reason => tokensBehind(check, reason, believed))
    return own.length === 0 ? check : withExplained(check, own)
  })
}

function believedOf(check: CheckStatus): Believed[] {
  const found = check.stale ? undefined : seenBy(dns, check.observation)
  return found ? [{ check, ...found }] : []
}

function refusalsOf(check: CheckStatus): Refusal[] {
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
    return text === undefined
      ? []
      : [{ check, code, text, complaints: complaintsIn(text), domains, way, isOfUs: !isBounce }]
  })
}

function refusedSession(check: CheckStatus): Refusal[] {
  const found = seenBy(smtp, check.observation)
  const reply = found?.seen.replies.findLast(one => !is2xx(one))
  if (!found || !reply) return []
  const { envelope } = found.target
  const domains = envelope && [domainOf(envelope.from).toLowerCase()]
  const { text } = reply
  return ofRelay.map(code => ({
    check,
    code,
    text,
    complaints: complaintsIn(text),
    domains,
    way: check.id,
    isOfUs: true,
  }))
}

/** A refusal and the domain that it is about. `reason`: what explains it; undefined if nothing is wrong there. */
interface Explained {
  readonly refusal: Refusal
  readonly dns: Believed
  readonly reason: Reason | undefined
}

function explain(refusal: Refusal, believed: readonly Believed[]): Explained[] {
  const concerned = believed.filter(one => isConcerned(one, refusal))
  const found = concerned.flatMap(one => {
    const reason = reasonFor(one, refusal)
    return reason ? [{ refusal, dns: one, reason }] : []
  })
  const [first] = [...found].sort((a, b) => Number(b.reason.verdict === 'fail') - Number(a.reason.verdict === 'fail'))
  if (first) return [first]
  const fine = concerned.find(({ check }) => check.verdict === 'ok' || check.verdict === 'warn')
  return fine ? [{ refusal, dns: fine, reason: undefined }] : []
}

/** By the domain of the sender; if that is not known, by the way. */
const isConcerned = ({ seen, target }: Believed, { domains, way }: Refusal): boolean =>
  domains
    ? domains.some(domain => domain === seen.domain || domain === seen.envelope)
    : waysOf(target).some(id => id === way)

function reasonFor({ check, seen }: Believed, { complaints, text, isOfUs }: Refusal): Reason | undefined {
  const named = addressesIn(text)
  const isOfSender = seen.ptr.some(({ address }) => named.includes(address)) || (named.length === 0 && !isOfUs)
  const about = codesAbout(complaints.filter(one => one !== 'ptr' || isOfSender))
  const found = about.flatMap(code => check.reasons.filter(one => one.code === code && one.verdict !== 'unknown'))
  return found.find(({ verdict }) => verdict === 'fail') ?? found[0]
}

const addressesIn = (text: string): readonly string[] => (text.match(/[\da-f.:]{3,45}/gi) ?? []).filter(isIP)

/** The `dns` check, with the refusals that prove its reasons: first what fails mail for sure. */
function withProof(check: CheckStatus, proven: readonly Explained[]): CheckStatus {
  const [first] = proven
  const found = check.reasons.map(reason => {
    const quotes = proven.filter(one => one.reason === reason).map(({ refusal }) => quote(refusal))
    return quotes.length === 0
      ? reason
      : { ...reason, verdict: 'fail' as const, text: `${reason.text}; for this, mail is refused: ${quotes.join('; ')}` }
  })
  const at = check.reasons.findIndex(reason => reason === first?.reason)
  const ordered = [...found.slice(at, at + 1), ...found.slice(0, at), ...found.slice(at + 1)]
  return { ...check, ...finding(check.evidence, ordered, check.samples) }
}

/** The text of the reason has no secrets in it. */
const quote = ({ check, code }: Refusal): string =>
  `${check.id} says ${check.reasons.find(reason => reason.code === code)?.text ?? ''}`

function withExplained(check: CheckStatus, own: readonly Explained[]): CheckStatus {
  const causeOf = ({ code }: Reason): string | undefined =>
    own.find(({ refusal, reason }) => refusal.code === code && reason !== undefined)?.dns.check.id
  const caused = withCause(check, causeOf)
  const reasons = caused.reasons.map(reason => {
    const one = own.find(({ refusal, reason: cause }) => refusal.code === reason.code && cause === undefined)
    const words = one && inOrder(one.dns.seen, one.refusal.complaints)
    return one && words !== undefined && words !== ''
      ? { ...reason, remedy: `${reason.remedy} But ${one.dns.check.id} found: ${words}. ${elsewhere}` }
      : reason
  })
  return { ...caused, reasons }
}

const elsewhere =
  'So see from which address the mail left, with which key it was signed, and whether it was changed on its way.'

/** DKIM fails in SES for a record that is not there. */
const tokensBehind = (account: CheckStatus, { code }: Reason, believed: readonly Believed[]): string | undefined =>
  code === failingDkim
    ? believed.find(
        ({ check, target }) => target.ses === account.target && check.reasons.some(one => one.code === missingToken),
      )?.check.id
    : undefined

/**
 * What receivers believe, as a need of a mail path. What only a refusal proves is no more than that refusal: it counts with the
 * way that was refused, as its cause. While nothing is known, mail goes on as before.
 */
export const belief = (check: CheckStatus): Contribution =>
  check.verdict === 'fail' && check.observation?.verdict === 'fail' ? needed(check) : survived([check])
