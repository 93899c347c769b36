import { bounded } from '../../../clients/dns/index.ts'
import { cases } from './cases.ts'
import type { DmarcSeen } from '../dmarc/index.ts'
import { alignmentReasons } from './alignment.ts'
import { reason, type Reason } from '../reasons.ts'
import type { DnsSeen } from '../seen.ts'
import { isWeaker, policies } from '../dmarc/record.ts'
import type { DnsTarget } from '../target.ts'

type Seen = Pick<DnsSeen, 'domain' | 'envelope' | 'spf' | 'dkim' | 'dmarc' | 'isAwaitingSes'>

/** What is wrong with the DMARC record, and whether SPF and DKIM count for it. Nothing follows from what was not answered. */
export function dmarcReasons(seen: Seen, target: Pick<DnsTarget, 'bulk' | 'expect'>): Reason[] {
  const { dmarc, domain } = seen
  const verdict = target.bulk ? 'fail' : undefined
  const name = dmarc.name ?? `_dmarc.${domain}`
  switch (dmarc.kind) {
    case 'unanswered':
      return []
    case 'missing':
      return [reason('dns_dmarc_missing', `${name} has no DMARC record, nor has a domain above it`, undefined, verdict)]
    case 'invalid':
      return [reason('dns_dmarc_invalid', `${name}: the record ${dmarc.problem ?? 'has an error'}`, undefined, verdict)]
    case 'found':
      return [
        ...errorReasons(dmarc),
        ...policyReasons(name, dmarc, target.expect?.dmarc),
        ...reportReasons(name, dmarc),
        ...alignmentReasons(seen, target),
      ]
  }
}

function errorReasons({ ignored = [], outdated = [], name = '' }: DmarcSeen): Reason[] {
  return [
    ...(ignored.length > 0 ? [reason('dns_dmarc_invalid', cases(ignored))] : []),
    ...(outdated.length > 0
      ? [
          reason(
            'dns_dmarc_outdated',
            `${name} has ${outdated.map(tag => `\`${tag}\``).join(', ')}, which RFC 9989 took away`,
          ),
        ]
      : []),
  ]
}

function policyReasons(name: string, dmarc: DmarcSeen, expected: (typeof policies)[number] | undefined): Reason[] {
  const { policy, tag = 'p', isTesting, reports } = dmarc
  if (policy === undefined) return []
  const isTooWeak = expected !== undefined && isWeaker(policy, expected)
  // `t=y` has no effect on a policy of none.
  const isTested = isTesting && policy !== 'none'
  return [
    ...(isTooWeak
      ? [reason('dns_dmarc_weaker', `${name}: the policy is ${policy} (\`${tag}\`), and ${expected} is expected`)]
      : []),
    ...(isTested
      ? [
          reason(
            'dns_dmarc_testing',
            `${name} has \`t=y\`, so that ${policies[policies.indexOf(policy) - 1] ?? 'none'} is applied, not ${policy}`,
          ),
        ]
      : []),
    ...(policy === 'none' && reports === false
      ? [reason('dns_dmarc_unmonitored', `${name}: the policy is none (\`${tag}\`), and there is no \`rua\``)]
      : []),
  ]
}

function reportReasons(name: string, { refusedReports = [] }: DmarcSeen): Reason[] {
  if (refusedReports.length === 0) return []
  const texts = refusedReports.map(
    refused =>
      `${name}: reports go to ${bounded(refused.address)}, and ${bounded(refused.name)} has no TXT record with \`v=DMARC1\``,
  )
  return [reason('dns_dmarc_reports_refused', cases(texts))]
}
