import type { DnsSeen } from '../seen.ts'
import { rowsOf, type PostureRow } from './row.ts'
import { textLine } from './zone-file.ts'

/** The rows of mail to the domain (MTA-STS and its reports), and of the zone itself. */
export const transportRows = (seen: DnsSeen): readonly PostureRow[] => [
  mtaStsRow(seen),
  tlsReportsRow(seen),
  zoneRow(seen),
]

function mtaStsRow({ envelope, mtaSts: { record, mode, problems } }: DnsSeen): PostureRow {
  const name = `_mta-sts.${envelope}`
  const is = rowsOf('MTA-STS', name)
  const found = [...(mode === undefined ? [] : [`mode: ${mode}`]), ...problems]
  if (record === 'unanswered') return is('unknown')
  if (record === 'missing') return is('unused')
  if (record === 'invalid') return is('wrong', found, { publish: textLine(name, 'v=STSv1; id=NUMBER') })
  if (problems.length > 0) return is('wrong', found, { advice: 'A record and a policy without what is named.' })
  if (mode === undefined) return is('unknown', found)
  return mode === 'testing'
    ? is('weak', found, {
        advice: 'mode: enforce in the policy, and another id in the record, once the reports are clean.',
      })
    : is('ok', found)
}

function tlsReportsRow({ envelope, mtaSts: { record, reports } }: DnsSeen): PostureRow {
  const name = `_smtp._tls.${envelope}`
  const is = rowsOf('TLS-RPT', name)
  if (reports === 'unanswered') return is('unknown')
  if (reports === 'found') return is('ok')
  if (record === 'unanswered') return is('unknown')
  if (record === 'missing') return is('unused')
  return is(reports === 'missing' ? 'missing' : 'wrong', [], {
    publish: textLine(name, `v=TLSRPTv1; rua=mailto:tls-reports@${envelope}`),
  })
}

function zoneRow({ domain, zone: { name = domain, servers, differSince } }: DnsSeen): PostureRow {
  const is = rowsOf('Name servers', name)
  if (servers === undefined) return is('unknown')
  const found = servers.map(
    ({ name: server, serial }) => `${server}${serial === undefined ? ', which gives no serial' : `, serial ${serial}`}`,
  )
  if (differSince !== undefined) return is('weak', found, { advice: 'The same version of the zone at each of them.' })
  return servers.length === 1 ? is('weak', found, { advice: 'A second name server.' }) : is('ok', found)
}
