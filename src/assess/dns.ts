import { groupBy } from '../core/group.ts'
import { finding, seenBy, type Reason } from '../core/probe.ts'
import { dns } from '../probes/dns/index.ts'
import { inOrder } from '../probes/dns/in-order.ts'
import { cases } from '../probes/dns/judge/cases.ts'
import type { Reason as DnsReason } from '../probes/dns/reasons.ts'
import { codesAbout } from '../probes/dns/refusals.ts'
import type { DnsSeen } from '../probes/dns/seen.ts'
import type { DnsTarget } from '../probes/dns/target.ts'
import { waysOf } from '../probes/dns/ways.ts'
import { ses } from '../probes/ses/index.ts'
import type { Reason as SesReason } from '../probes/ses/reasons.ts'
import type { CheckStatus } from './assessment.ts'
import type { Checks } from './checks.ts'
import { refusalsOf, type Refusal } from './refused.ts'
import { withCause } from './sources.ts'
import { needed, survived, type Contribution } from './verdict.ts'

const failingDkim: SesReason['code'] = 'ses_dkim_failing'
const missingToken: DnsReason['code'] = 'dns_ses_token_missing'

/** A domain that was looked at: what is known of it, for what others say of its mail. */
interface Believed {
  readonly check: CheckStatus
  readonly seen: DnsSeen
  readonly target: DnsTarget
}

/**
 * The checks. That a receiver refuses mail for what is wrong in DNS proves more than a rule: the reason of the `dns` target fails
 * then, with the answer in it, and the refusal is a consequence. Where DNS is in order, the refusal says so. DKIM that fails in
 * SES because of a missing record is a consequence as well.
 */
export function withDnsCauses({ all, ofKind }: Checks): readonly CheckStatus[] {
  const believed = ofKind(dns.kind).flatMap(believedOf)
  if (believed.length === 0) return all
  const concerned = concernedIn(believed)
  const explained = all.flatMap(refusalsOf).flatMap(refusal => explain(refusal, concerned(refusal)))
  const ofRefused = groupBy(explained, ({ refusal }) => refusal.check)
  const ofProven = groupBy(
    explained.filter(({ reason }) => reason !== undefined),
    ({ dns }) => dns.check,
  )
  const lacking = believed.filter(({ check }) => check.reasons.some(({ code }) => code === missingToken))
  return all.map(check => {
    const [own, proven] = [ofRefused.get(check), ofProven.get(check)]
    if (proven) return withProof(check, proven)
    if (check.probe === ses.kind) return withCause(check, reason => tokensBehind(check, reason, lacking))
    return own ? withExplained(check, own) : check
  })
}

function believedOf(check: CheckStatus): Believed[] {
  const found = check.stale ? undefined : seenBy(dns, check.observation)
  return found ? [{ check, ...found }] : []
}

/** A refusal and the domain that it is about. `reason`: what explains it; undefined if nothing is wrong there. */
interface Explained {
  readonly refusal: Refusal
  readonly dns: Believed
  readonly reason: Reason | undefined
}

function explain(refusal: Refusal, concerned: readonly Believed[]): Explained[] {
  const found = concerned.flatMap(one => {
    const reason = reasonFor(one, refusal)
    return reason ? [{ refusal, dns: one, reason }] : []
  })
  const [first] = [...found].sort((a, b) => Number(b.reason.verdict === 'fail') - Number(a.reason.verdict === 'fail'))
  if (first) return [first]
  const fine = concerned.find(({ check }) => check.verdict === 'ok' || check.verdict === 'warn')
  return fine ? [{ refusal, dns: fine, reason: undefined }] : []
}

/**
 * Whom a refusal is about, in the order of the configuration: by the domain of the sender; if that is not known, by the way. There may
 * be a thousand of both, so they are looked up.
 */
function concernedIn(believed: readonly Believed[]): (refusal: Refusal) => readonly Believed[] {
  const named = believed.flatMap((one, place) =>
    [one.seen.domain, one.seen.envelope].map(domain => ({ domain, place })),
  )
  const led = believed.flatMap(({ target }, place) => waysOf(target).map(way => ({ way, place })))
  const byDomain = groupBy(named, ({ domain }) => domain)
  const byWay = groupBy(led, ({ way }) => way)
  return ({ domains, way }) => {
    const found = domains ? domains.flatMap(domain => byDomain.get(domain) ?? []) : (byWay.get(way ?? '') ?? [])
    const places = new Set(found.map(({ place }) => place))
    return [...places].sort((a, b) => a - b).flatMap(place => believed[place] ?? [])
  }
}

function reasonFor({ check, seen }: Believed, { complaints, addresses, isOfUs }: Refusal): Reason | undefined {
  const isOfSender = seen.ptr.some(({ address }) => addresses.includes(address)) || (addresses.length === 0 && !isOfUs)
  const about = codesAbout(complaints.filter(one => one !== 'ptr' || isOfSender))
  const found = about.flatMap(code => check.reasons.filter(one => one.code === code && one.verdict !== 'unknown'))
  return found.find(({ verdict }) => verdict === 'fail') ?? found[0]
}

/** The `dns` check, with the refusals that prove its reasons: first what fails mail for sure. */
function withProof(check: CheckStatus, proven: readonly Explained[]): CheckStatus {
  const [first] = proven
  const found = check.reasons.map(reason => {
    const quotes = proven.filter(one => one.reason === reason).map(({ refusal }) => quote(refusal))
    return quotes.length === 0
      ? reason
      : { ...reason, verdict: 'fail' as const, text: `${reason.text}; for this, mail is refused: ${cases(quotes)}` }
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
const tokensBehind = (account: CheckStatus, { code }: Reason, lacking: readonly Believed[]): string | undefined =>
  code === failingDkim ? lacking.find(({ target }) => target.ses === account.target)?.check.id : undefined

/**
 * What receivers believe, as a need of a mail path. What only a refusal proves is no more than that refusal: it counts with the
 * way that was refused, as its cause. A look that found nothing out fails no mail: that goes on as before.
 */
export function belief(check: CheckStatus): Contribution {
  const isFound =
    !check.stale && check.observation?.reasons.some(({ code, verdict }) => verdict === 'fail' && code in dns.reasons)
  return check.verdict === 'fail' && isFound === true ? needed(check) : survived([check])
}
