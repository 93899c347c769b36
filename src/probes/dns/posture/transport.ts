import { zoneReasons } from '../judge/zone.ts'
import type { DnsSeen } from '../seen.ts'
import { rowsOf, type PostureRow } from './row.ts'
import { textLine } from './zone-file.ts'

/** The rows of mail to the domain (MTA-STS and its reports), and of the zone itself. */
export const transportRows = (seen: DnsSeen): readonly PostureRow[] => [
  mtaStsRow(seen),
  tlsReportsRow(seen),
  zoneRow(seen),
]

const notAsked = ['not looked at (`mta_sts: false`)']

function mtaStsRow({ envelope, mtaSts: { record, mode, problems, unread } }: DnsSeen): PostureRow {
  const name = `_mta-sts.${envelope}`
  const is = rowsOf('MTA-STS', name)
  const found = [mode === undefined ? undefined : `mode: ${mode}`, ...problems, unread].filter(
    text => text !== undefined,
  )
  if (record === 'not_asked') return is('not_judged', notAsked)
  if (record === 'invalid') return is('wrong', found, { publish: textLine(name, 'v=STSv1; id=NUMBER') })
  if (problems.length > 0)
    return is('wrong', found, {
      advice: 'Fix what is named, in the record or the policy. A policy that changes needs a new id in the record.',
    })
  if (record === 'unanswered') return is('unknown')
  if (record === 'missing') return is('unused')
  if (mode === undefined) return is('unknown', found)
  return mode === 'testing'
    ? is('weak', found, {
        advice: 'Set mode: enforce in the policy, and another id in the record, once the reports are clean.',
      })
    : is('ok', found)
}

function tlsReportsRow({ envelope, mtaSts: { record, reports, reportsProblem } }: DnsSeen): PostureRow {
  const name = `_smtp._tls.${envelope}`
  const is = rowsOf('TLS-RPT', name)
  const todo = { publish: textLine(name, `v=TLSRPTv1; rua=mailto:tls-reports@${envelope}`) }
  if (reports === 'not_asked') return is('not_judged', notAsked)
  if (reports === 'found') return is('ok')
  if (reports === 'invalid') return is('wrong', [`the record ${reportsProblem ?? 'is not valid'}`], todo)
  if (reports === 'unanswered' || record === 'unanswered') return is('unknown')
  return record === 'missing' ? is('unused') : is('missing', [], todo)
}

function zoneRow(seen: DnsSeen): PostureRow {
  const { name = seen.domain, servers } = seen.zone
  const is = rowsOf('Name servers', name)
  if (servers === undefined) return is('unknown')
  const found = servers.map(({ name: server, serial, isLame }) =>
    isLame ? `${server}, which does not have the zone` : `${server}${serial === undefined ? '' : `, serial ${serial}`}`,
  )
  return zoneReasons(seen).length === 0
    ? is('ok', found)
    : is('weak', found, { advice: 'Have two name servers or more, with the same version of the zone.' })
}
