import { bounded } from '../../../clients/dns/index.ts'
import { ofLostSenders } from './by-sender.ts'
import { cases } from './cases.ts'
import { spfRemedy } from './spf.ts'
import { isUsable } from '../dkim/key.ts'
import { reason, type Reason } from '../reasons.ts'
import type { DnsSeen } from '../seen.ts'
import { readRecord } from '../spf/record.ts'

type Seen = Pick<DnsSeen, 'domain' | 'envelope' | 'ownDomain' | 'envelopeDomain' | 'spf' | 'dkim' | 'isAwaitingSes'>

/**
 * Whether mail of the domain can be shown to be its own at all: by SPF, or by a signature. What is not known counts as if it
 * could. Whether what passes aligns with `From` is a matter of DMARC.
 */
export function authenticationReasons(seen: Seen): Reason[] {
  // That a domain is missing is a reason of its own.
  if (seen.ownDomain.exists === false || seen.envelopeDomain.exists === false) return []
  const spf = whySpfCannotPass(seen)
  const dkim = whyNothingSigns(seen)
  return spf === undefined || dkim === undefined
    ? []
    : [
        reason(
          'dns_unauthenticated',
          `${seen.envelope === seen.domain ? '' : `${seen.domain}: `}${spf}, and ${dkim}`,
          remedyFor(seen),
        ),
      ]
}

/** SPF is fixed first, where it can count for `From`. */
function remedyFor(seen: Seen): string | undefined {
  const { domain, envelope, spf } = seen
  if (envelope !== domain && !envelope.endsWith(`.${domain}`) && !domain.endsWith(`.${envelope}`)) return undefined
  const [error] = spf.errors
  const first = error === undefined ? spfRemedy(seen) : `Fix the SPF record: ${bounded(error)}.`
  return first && `${first} Or let DKIM pass: one of the two is enough for most receivers.`
}

/** Undefined if SPF can pass, or that is not known. */
export function whySpfCannotPass({ spf, envelope }: Pick<DnsSeen, 'spf' | 'envelope'>): string | undefined {
  if (spf.record === 'unanswered') return undefined
  if (spf.record === 'missing') return `${envelope} has no SPF record`
  const { senders } = spf
  if (senders.length === 0) return whyNobodyPasses(spf.text, spf.errors, envelope)
  if (senders.some(({ result }) => result === 'temperror')) return undefined
  const [first, ...more] = ofLostSenders(senders, ({ result }) => result !== 'pass')
  if (!first) return undefined
  const others = more.length > 0 ? ` and ${more.length} more` : ''
  return first.result === 'permerror'
    ? `the SPF record of ${envelope} is not valid for ${first.address}${others}`
    : `SPF of ${envelope} gives ${first.result} for ${first.address}${others}`
}

/** Without senders: whether it can pass for any at all. */
function whyNobodyPasses(text: string | undefined, errors: readonly string[], envelope: string): string | undefined {
  if (errors.length > 0 || text === undefined) return `the SPF record of ${envelope} is not valid`
  const { directives, redirect } = readRecord(text)
  const passes = redirect !== undefined || directives.some(({ qualifier }) => qualifier === '+')
  return passes ? undefined : `the SPF record of ${envelope} lets no sender pass`
}

/** Undefined if a key is usable, or it is not known whether one is, or whether mail is signed. */
function whyNothingSigns({ dkim: keys, isAwaitingSes }: Seen): string | undefined {
  if (!keys || isAwaitingSes || keys.some(({ key }) => isUsable(key) !== false)) return undefined
  if (keys.length === 0) return 'nothing is signed with DKIM (`dkim`)'
  return `no DKIM key can be used (${cases(keys.map(({ name, key }) => `${name}: ${key.kind === 'key' ? 'too weak, or not for mail' : key.kind}`))})`
}
