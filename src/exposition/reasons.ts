import { clusterReasons } from '../assess/cluster/reasons.ts'
import { mailReasons } from '../assess/mail-reasons.ts'
import { gauge, sample, type Sample } from '../core/metric.ts'
import type { ReasonSpec } from '../core/probe.ts'
import { commonReasons } from '../core/reasons.ts'
import type { Status } from '../monitor/ledger.ts'
import { systemProbes } from '../probes/index.ts'
import { mail } from '../probes/mail/index.ts'

interface ReasonGroup {
  readonly title: string
  readonly about: string
  readonly reasons: Readonly<Record<string, ReasonSpec>>
}

/** Every reason that a check, a cluster or a mail path can have. */
export const reasonCatalogue: readonly ReasonGroup[] = [
  { title: 'Mail', about: mail.summary, reasons: { ...mailReasons, ...mail.reasons } },
  { title: 'Every check', about: 'Whatever it looks at, a check can have these.', reasons: commonReasons },
  { title: 'Clusters', about: 'What follows from all nodes of a cluster together.', reasons: clusterReasons },
  ...systemProbes.map(probe => ({ title: `Probe \`${probe.kind}\``, about: probe.summary, reasons: probe.reasons })),
]

export const reasonMetrics = {
  info: gauge(
    'mailpath_reason_info',
    'What to do about a reason that holds now, for the text of alerts: to be joined on reason.',
    ['reason', 'remedy'],
  ),
}

const specs = new Map(reasonCatalogue.flatMap(({ reasons }) => Object.entries<ReasonSpec>(reasons)))

/** The remedy of every reason that holds, as the catalogue has it. The remedy of a run may name addresses, and a label must not. */
export function reasonSamples({ checks, clusters, mail: paths, starved }: Status): Sample[] {
  const codes = [
    ...starved.map(({ reason }) => reason),
    ...[...checks, ...clusters].flatMap(({ reasons }) => reasons),
    ...paths.flatMap(({ blockers, exceptions }) => [...blockers, ...exceptions].map(({ reason }) => reason)),
  ].map(({ code }) => code)
  return [...new Set(codes)].flatMap(reason => {
    const remedy = specs.get(reason)?.remedy
    return remedy === undefined ? [] : sample(reasonMetrics.info, 1, { reason, remedy })
  })
}
