import { cases } from './cases.ts'
import type { MtaStsSeen } from '../mta-sts/index.ts'
import { reason, type Reason } from '../reasons.ts'
import type { DnsSeen } from '../seen.ts'
import type { ZoneSeen } from '../hosts/zone.ts'

/** This long after a new policy the record has to have a new id, in milliseconds. */
const newIdWithinMs = 3_600_000

const unchangedId = (envelope: string, { id = '' }: MtaStsSeen): string =>
  `the record _mta-sts.${envelope} still has the id ${id}, though the policy is another one: senders keep the old one`

type Judged = Pick<DnsSeen, 'mtaSts' | 'envelope'> & { readonly zone: Pick<ZoneSeen, 'lookedAt'> }

/** MTA-STS and TLS-RPT concern mail to the domain, so none of it stops what is sent. */
export function mtaStsReasons({ mtaSts, envelope, zone }: Judged): Reason[] {
  const { record, mode, unread, reports, reportsProblem = '', changedSince = zone.lookedAt } = mtaSts
  const isStale = zone.lookedAt - changedSince >= newIdWithinMs
  const problems = [...mtaSts.problems, ...(isStale ? [unchangedId(envelope, mtaSts)] : [])]
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
