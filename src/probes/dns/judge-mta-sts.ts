import { cases } from './cases.ts'
import { reason, type Reason } from './reasons.ts'
import type { DnsSeen } from './seen.ts'
import type { DnsTarget } from './target.ts'

/** MTA-STS and TLS-RPT concern mail to the domain, so none of it stops what is sent. */
export function mtaStsReasons({ mtaSts, envelope }: DnsSeen, _target: DnsTarget): Reason[] {
  const { record, mode, problems, unread, reports, reportsProblem = '' } = mtaSts
  const hasIt = record === 'found' || record === 'invalid'
  const reportsName = `_smtp._tls.${envelope}`
  return [
    ...(problems.length > 0 ? [reason('dns_mta_sts_invalid', cases(problems))] : []),
    ...(unread === undefined ? [] : [reason('dns_mta_sts_unread', unread)]),
    ...(mode === 'testing'
      ? [reason('dns_mta_sts_testing', `the MTA-STS policy of ${envelope} has the mode testing`)]
      : []),
    ...(hasIt && reports === 'missing'
      ? [reason('dns_tls_rpt_missing', `${reportsName} has no record, though ${envelope} has MTA-STS`)]
      : []),
    ...(reports === 'invalid' ? [reason('dns_tls_rpt_missing', `the record ${reportsName} ${reportsProblem}`)] : []),
  ]
}
