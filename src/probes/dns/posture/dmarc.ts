import { aligns } from '../dmarc/index.ts'
import { alignmentReasons } from '../judge/alignment.ts'
import type { DnsSeen } from '../seen.ts'
import { isWeaker } from '../dmarc/record.ts'
import type { DnsTarget } from '../target.ts'
import { rowsOf, type PostureRow } from './row.ts'
import { textLine } from './zone-file.ts'

/** The rows of DMARC: its record, and whether what passes SPF and DKIM counts for it. */
export const dmarcRows = (seen: DnsSeen, target: DnsTarget): readonly PostureRow[] => [
  dmarcRow(seen, target),
  ...alignmentRow(seen, target),
]

function dmarcRow({ domain, dmarc }: DnsSeen, { expect }: DnsTarget): PostureRow {
  const is = rowsOf('DMARC', dmarc.name ?? `_dmarc.${domain}`)
  const reports = `rua=mailto:dmarc-reports@${domain}`
  if (dmarc.kind === 'unanswered') return is('unknown')
  if (dmarc.kind === 'missing')
    return is('missing', [], { publish: textLine(`_dmarc.${domain}`, `v=DMARC1; p=none; ${reports}`) })
  if (dmarc.kind === 'invalid')
    return is('wrong', [`the record ${dmarc.problem ?? 'is not valid'}`], {
      advice: 'Publish one record, without this error.',
    })
  const { policy = 'none', tag = 'p', ignored = [], outdated = [], refusedReports = [] } = dmarc
  const isSilent = policy === 'none' && dmarc.reports === false
  const isTested = dmarc.isTesting === true && policy !== 'none'
  const expected = expect?.dmarc
  const isTooWeak = expected !== undefined && isWeaker(policy, expected)
  const found = [
    `${tag}=${policy}`,
    ...(isTooWeak ? [`${expected} is expected`] : []),
    ...(isTested ? ['only tested (t=y)'] : []),
    ...(isSilent ? ['no reports (rua)'] : []),
    ...(outdated.length > 0 ? [`no longer used: ${outdated.join(', ')}`] : []),
    ...ignored.map(problem => `the record ${problem}`),
    ...refusedReports.map(({ address }) => `the domain of ${address} does not say that it takes reports`),
  ]
  const more = [...(isTooWeak ? [`${tag}=${expected}`] : []), ...(isSilent ? [reports] : [])]
  const less = [...(isTested ? ['t=y'] : []), ...outdated, ...(ignored.length > 0 ? ['what is named'] : [])]
  // Old receivers spare the share of mail that `pct` leaves out.
  const isStricter = isTooWeak || (policy !== 'none' && (isTested || outdated.some(tag => /^pct=\d{1,2}$/.test(tag))))
  const [refused] = refusedReports
  if (more.length + less.length > 0) return is('weak', found, { advice: changed(more, less, isStricter) })
  return refused ? is('weak', found, { publish: textLine(refused.name, 'v=DMARC1') }) : is('ok', found)
}

const changed = (more: readonly string[], less: readonly string[], isStricter: boolean): string =>
  `Publish the same record ${[
    ...(more.length > 0 ? [`with ${more.join(' and ')}`] : []),
    ...(less.length > 0 ? [`without ${less.join(', ')}`] : []),
  ].join(', ')}${isStricter ? ', once the reports show no mail of your own that fails' : ''}.`

/** Whether what passes SPF and DKIM counts for the domain in `From`. Without DMARC nothing has to align. */
function alignmentRow(seen: DnsSeen, target: DnsTarget): readonly PostureRow[] {
  const { domain, envelope, dkim, dmarc } = seen
  if (dmarc.kind !== 'found') return []
  const ways = [
    { method: 'spf', other: envelope } as const,
    ...[...new Set((dkim ?? []).map(one => one.domain))].map(other => ({ method: 'dkim', other }) as const),
  ].map(way => ({ ...way, aligned: aligns(dmarc, way.method, domain, way.other) }))
  const found = ways.map(({ method, other, aligned }) => {
    const isStrict = aligned === false && dmarc.alignment?.[method] === 'strict'
    return `${method.toUpperCase()} of ${other} ${words(aligned)}${isStrict ? ' (strict)' : ''}`
  })
  const is = rowsOf('Alignment', domain)
  const [reason] = alignmentReasons(seen, target)
  if (reason)
    return [
      is(reason.verdict === 'fail' ? 'wrong' : 'weak', found, {
        advice: `Use the domain ${domain} in the envelope, or sign with it (d=).`,
      }),
    ]
  return [is(ways.some(({ aligned }) => aligned) ? 'ok' : 'unknown', found)]
}

const words = (aligned: boolean | undefined): string =>
  aligned === undefined ? 'may align' : aligned ? 'aligns' : 'does not align'
