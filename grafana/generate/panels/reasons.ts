import { type Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import { mailMetrics } from '../../../src/assess/mail.ts'
import { clusterMetrics } from '../../../src/assess/cluster/metrics.ts'
import { checkMetrics } from '../../../src/exposition/samples.ts'
import { reasonMetrics } from '../../../src/exposition/reasons.ts'
import { probes } from '../../../src/probes/index.ts'
import { by, constant, copied, each, join, labelled, matches, or, q, union, type Vector } from '../build/promql.ts'
import { effect, severityMappings } from '../build/states.ts'
import { table } from '../build/table.ts'

/** What the dashboard about Postgres shows, and what is on the others. */
export const postgresKinds: readonly string[] = ['postgres', 'patroni', 'haproxy', 'pgbouncer', 'write_path', 'cluster']
/** Have a dashboard of their own, about delivery. */
export const deliveryKinds: readonly string[] = ['canary', 'dns']
export const otherKinds = probes
  .map(({ kind }) => kind)
  .filter(kind => !postgresKinds.includes(kind) && !deliveryKinds.includes(kind))

const labels = ['probe', 'target', 'reason'] as const
type Label = (typeof labels)[number]

/** The reasons of checks, those of clusters among them where `cluster` is one of the probes. */
function held(probes: readonly string[] | undefined): Vector<Label | 'severity'> {
  const where = probes && { probe: matches(probes.join('|')) }
  const ofChecks = by('max', [...labels, 'severity'], q(checkMetrics.reason, where))
  if (probes && !probes.includes('cluster')) return ofChecks
  const ofClusters = labelled(copied(q(clusterMetrics.reason), 'target', 'postgres_cluster'), 'probe', 'cluster')
  return union(ofChecks, by('max', [...labels, 'severity'], ofClusters))
}

/** What reasons do to mail. */
function effects(probes: readonly string[] | undefined): Vector<Label> {
  const where = probes && { probe: matches(probes.join('|')) }
  const blockers = union(
    constant(q(mailMetrics.blocker, { ...where, root: 'true' }), effect.root.code),
    constant(q(mailMetrics.blocker, { ...where, root: 'false' }), effect.blocks.code),
  )
  return by('max', labels, or(blockers, constant(q(mailMetrics.exception, where), effect.survived.code)))
}

/** What to do, by reason: one line, though replicas of two versions may differ. */
function remedies(): Vector<'reason' | 'remedy'> {
  const remedy = by('max', ['reason', 'remedy'], q(reasonMetrics.info))
  return { ...remedy, promql: `topk by (reason) (1, ${remedy.promql})` }
}

/** Every reason that holds, with what it does to mail and what to do about it; what blocks mail comes first. */
export function reasonsTable(title: string, probes?: readonly string[]): Panel {
  const [reasons, onMail] = [held(probes), effects(probes)]
  const known = or(join('+', constant(reasons, 0), onMail, labels), constant(reasons, effect.none.code), labels)
  // Those of the mail path itself are of no check.
  const rows = or(known, onMail, labels)
  return table({
    title,
    description:
      'Every reason that holds now, the root blocker of mail first. “survived” is broken, and mail goes out all the same; “none” is needed by no mail path. The line with the evidence is on the status page of the exporter.',
    noValue: 'No reason is known to hold',
    valuesFirst: true,
    sortBy: { title: 'Effect on mail', desc: true },
    values: [
      {
        title: 'Effect on mail',
        value: each('sort_desc', join('*', rows, remedies(), ['reason'], ['remedy'])),
        states: effect,
        width: 120,
      },
    ],
    labels: [
      { label: 'severity', title: 'Severity', mappings: severityMappings, width: 90 },
      { label: 'probe', title: 'Link', width: 100 },
      { label: 'target', title: 'Target', width: 190 },
      { label: 'reason', title: 'Reason', width: 230 },
      { label: 'remedy', title: 'What to do', wrap: true },
    ],
  })
}
