import type { MailStatus } from '../../src/assess/assessment.ts'
import { mailMetrics } from '../../src/assess/mail.ts'
import type { Reason } from '../../src/core/probe.ts'
import type { Status } from '../../src/monitor/ledger.ts'
import { samplesOf } from '../../src/exposition/samples.ts'
import { expose } from '../../src/exposition/text-format.ts'
import { exporterAtRest } from '../core/exporter-at-rest.ts'
import { beginsWell } from '../assess/remedy.ts'
import type { Expectation } from './fault.ts'

/** The one mail path of a stage. */
export function mailOf(status: Status): MailStatus {
  const [mail, ...others] = status.mail
  if (!mail || others.length > 0) throw new Error('the configuration of a stage has exactly one mail path')
  return mail
}

interface Held {
  /** `probe/target` */
  readonly id: string
  readonly reason: Reason
}

const held = (status: Status): Held[] => [
  ...status.checks.flatMap(({ id, reasons }) => reasons.map(reason => ({ id, reason }))),
  ...status.clusters.flatMap(({ name, reasons }) => reasons.map(reason => ({ id: `cluster/${name}`, reason }))),
]

/** `probe/target reason_code` of the root blocker. */
const rootOf = ({ root }: MailStatus): string | undefined => root && `${root.probe}/${root.target} ${root.reason.code}`

/** What the status lacks of an expectation, a line each; none where the whole of it holds. */
export async function mismatches(seen: Expectation, status: Status): Promise<string[]> {
  const mail = mailOf(status)
  const now = new Set(held(status).map(({ id, reason }) => `${id} ${reason.code}`))
  const found: string[] = wrongCauses(seen.because ?? {}, status)
  if (mail.verdict !== seen.verdict) found.push(`the mail verdict is ${mail.verdict}, not ${seen.verdict}`)
  if (rootOf(mail) !== seen.root) found.push(`the root blocker is ${rootOf(mail) ?? 'none'}, not ${seen.root ?? 'any'}`)
  for (const reason of seen.reasons ?? []) if (!now.has(reason)) found.push(`does not hold: ${reason}`)
  for (const reason of seen.not ?? []) if (now.has(reason)) found.push(`must not hold: ${reason}`)
  return [
    ...found,
    ...wrongRemedies(status),
    ...wrongRoots(mail, status),
    ...(seen.samples ? await wrongSamples(seen.samples, status) : []),
  ]
}

/** Of reasons that are consequences: the check they name. */
const wrongCauses = (because: Readonly<Record<string, string>>, status: Status): string[] =>
  Object.entries(because).flatMap(([reason, cause]) => {
    const causes = held(status).flatMap(one =>
      `${one.id} ${one.reason.code}` === reason ? [one.reason.because ?? 'nothing'] : [],
    )
    return causes.includes(cause) ? [] : [`${reason} follows from ${causes.join(', ') || 'nothing'}, not ${cause}`]
  })

/** A remedy stands on its own, behind an arrow. */
const wrongRemedies = (status: Status): string[] =>
  held(status).flatMap(({ id, reason: { code, remedy } }) =>
    beginsWell(remedy) ? [] : [`the remedy of ${id} ${code} begins in lower case: ${remedy}`],
  )

/** While mail fails or is unknown there is one thing to fix, and otherwise there is none. */
function wrongRoots({ verdict, blockers }: MailStatus, { samples }: Status): string[] {
  const should = verdict === 'fail' || verdict === 'unknown' ? 1 : 0
  const series = samples.filter(({ metric, labels }) => metric === mailMetrics.blocker && labels['root'] === 'true')
  const counts = {
    'root blockers': blockers.filter(({ root }) => root).length,
    'series of a root blocker': series.length,
  }
  return Object.entries(counts).flatMap(([what, count]) =>
    count === should ? [] : [`${what}: ${count}, not ${should}`],
  )
}

async function wrongSamples(expected: NonNullable<Expectation['samples']>, status: Status): Promise<string[]> {
  const series = seriesOf(await expositionOf(status))
  return Object.entries(expected).flatMap(([name, value]) => {
    const is = series.get(name)
    if (value === null) return is === undefined ? [] : [`must not be there: ${name} ${is}`]
    return is === value || (value === 'any' && is !== undefined) ? [] : [`${name} is ${is ?? 'absent'}, not ${value}`]
  })
}

const expositionOf = (status: Status): Promise<string> => {
  const exporter = {
    ...exporterAtRest,
    wakeups: [],
    requests: [],
    connections: { open: 0, refused: {} },
  }
  return expose(samplesOf(status, exporter), 'prometheus')
}

/** https://prometheus.io/docs/instrumenting/exposition_formats/ */
const seriesOf = (exposition: string): Map<string, number> =>
  new Map(
    exposition.split('\n').flatMap(line => {
      const at = line.lastIndexOf(' ')
      return line === '' || line.startsWith('#')
        ? []
        : [[line.slice(0, at), Number(line.slice(at + 1).replace('Inf', 'Infinity'))] as const]
    }),
  )

/** The verdict, the root blocker and every reason, for a person to see what was said instead. */
export function describeStatus(status: Status): string {
  const mail = mailOf(status)
  return [
    `mail ${mail.verdict}, root blocker ${rootOf(mail) ?? 'none'}`,
    ...held(status).map(({ id, reason }) => `${reason.verdict} ${id} ${reason.code}: ${reason.text}`),
  ].join('\n    ')
}
