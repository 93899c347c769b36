import { cases } from './cases.ts'
import { whySpfCannotPass } from './authentication.ts'
import { isUsable } from '../dkim/key.ts'
import { aligns, type DmarcSeen } from '../dmarc/index.ts'
import { reason, type Reason } from '../reasons.ts'
import type { DnsSeen } from '../seen.ts'
import { policies } from '../dmarc/record.ts'
import type { DnsTarget } from '../target.ts'

type Seen = Pick<DnsSeen, 'domain' | 'envelope' | 'spf' | 'dkim' | 'dmarc' | 'isAwaitingSes'>
type Method = 'spf' | 'dkim'

/**
 * One domain that aligns is enough for receivers. But SPF does not survive forwarding, so it is always said if DKIM does not
 * align; and so it is if the own envelope does not meet the strict alignment that the record asks for.
 */
export function alignmentReasons(
  { domain, envelope, spf, dkim, dmarc, isAwaitingSes }: Seen,
  { bulk }: Pick<DnsTarget, 'bulk'>,
): Reason[] {
  const keys = (dkim ?? []).map(({ domain: signer, key }) => ({
    signer,
    key,
    is: aligns(dmarc, 'dkim', domain, signer),
  }))
  const isSpfOff = aligns(dmarc, 'spf', domain, envelope) === false
  const isDkimOff = keys.every(({ is }) => is === false)
  const isDkimNothing = keys.every(({ is, key }) => is === false || isUsable(key) === false)
  const isDkimEnough = keys.some(({ is, key }) => is !== false && isUsable(key) !== false)
  const signers = isDkimOff ? [...new Set(keys.map(({ signer }) => signer))] : []
  const off: readonly Pair[] = [
    ...(isSpfOff && (!isDkimEnough || dmarc.alignment?.spf === 'strict') ? [['spf', envelope] as const] : []),
    ...signers.map(signer => ['dkim', signer] as const),
  ]
  if (off.length === 0) return []
  // What aligns has to pass as well.
  const whyNoSpf = isSpfOff ? undefined : whySpfCannotPass({ spf, envelope })
  const isNothing =
    (isSpfOff || whyNoSpf !== undefined) &&
    isDkimNothing &&
    dkim !== undefined &&
    !isAwaitingSes &&
    off.every(pair => isCertain(dmarc, domain, pair))
  const verdict = isNothing && (bulk || isEnforced(dmarc)) ? 'fail' : undefined
  return [
    reason(
      'dns_dmarc_not_aligned',
      cases([
        ...off.map(pair => textOf(dmarc, domain, pair)),
        ...(verdict && whyNoSpf !== undefined ? [whyNoSpf] : []),
      ]),
      undefined,
      verdict,
    ),
  ]
}

type Pair = readonly [method: Method, domain: string]

function textOf(dmarc: DmarcSeen, from: string, [method, domain]: Pair): string {
  const what = method === 'spf' ? 'the domain of the envelope' : 'the domain of DKIM'
  const why =
    dmarc.alignment?.[method] === 'strict'
      ? `\`a${method}=s\` asks for the same domain`
      : `organizational domains: ${dmarc.organizations?.get(domain) ?? domain}, and ${dmarc.organizations?.get(from) ?? from}`
  return `${domain}, ${what}, does not align with ${from} (${why})`
}

/** Whether receivers do something with mail that does not pass. `t=y` asks them for one step less. */
const isEnforced = ({ policy = 'none', isTesting = false }: DmarcSeen): boolean =>
  policies.indexOf(policy) > (isTesting ? 1 : 0)

/**
 * Many receivers still find organizational domains by a list of public suffixes (RFC 7489). By it, domains with two labels in
 * common may align.
 */
const isCertain = (dmarc: DmarcSeen, from: string, [method, domain]: Pair): boolean =>
  dmarc.alignment?.[method] === 'strict' || lastTwo(domain) !== lastTwo(from)

const lastTwo = (domain: string): string => domain.split('.').slice(-2).join('.')
