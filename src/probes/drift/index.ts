import * as z from 'zod'
import { clusterName, name as label, secret, section, targetFields } from '../../fields/index.ts'
import { gauge, sample } from '../../core/metric.ts'
import { defineProbe, finding, reasonsOf, type Finding, type Reason, type ReasonSpec } from '../../core/probe.ts'
import { observe, type DriftSeen, type DriftTarget, type PairSeen } from './observe.ts'

export type { DriftSeen, DriftTarget, Place, SourceSeen } from './observe.ts'

export const metrics = {
  agrees: gauge(
    'mailpath_secret_agrees',
    'Whether two sources have the same value; with b="primary", whether the host leads to the primary of the cluster.',
    ['target', 'a', 'b'],
  ),
}

/** What stands for the primary of a cluster among the labels of sources. */
export const primaryLabel = 'primary'

const reasons = {
  drift_differs: {
    verdict: 'warn',
    severity: 'high',
    meaning:
      'Sources that should hold the same value do not. Whoever takes the wrong one fails, now or at its next restart.',
    remedy: 'Find out which of them is right, correct the others, and restart what has read a wrong one.',
  },
  drift_unreadable: {
    verdict: 'unknown',
    severity: 'medium',
    meaning: 'A source could not be read, or a name not be resolved, so it was not compared with the others.',
    remedy: 'Make the source named readable to the exporter, or correct the value where it comes from.',
  },
  drift_not_primary: {
    verdict: 'warn',
    severity: 'high',
    meaning:
      'A host does not lead to the primary of the cluster: it was not changed after a failover, or is a mistake.',
    remedy: 'Set it to the primary, or to an endpoint that follows the primary, and restart what has read it.',
  },
} as const satisfies Record<string, ReasonSpec>
/** For the assessment too: where the primary is only the nodes know. */
export const driftReason = reasonsOf(reasons)

const sources = z
  .record(z.string(), secret('Where one of the values is.'))
  .superRefine((given, context) => {
    const labels = Object.keys(given)
    if (labels.length < 2 || labels.length > 8)
      context.addIssue(`two to eight sources are compared, not ${labels.length}`)
    for (const one of labels)
      for (const { message } of label.safeParse(one).error?.issues ?? [])
        context.addIssue({ code: 'custom', path: [one], message: message.replace('a name', 'the label of a source') })
  })
  .describe('Where the value is, by a label for each place.')

/** One secret, or one host, that is kept in several places: do they agree? */
export const drift = defineProbe({
  kind: 'drift',
  summary: 'A secret, or a host, that is kept in several places: do they agree? No value is ever shown.',
  target: section({
    ...targetFields,
    sources,
    compare: z
      .enum(['value', 'host'])
      .default('value')
      .describe(
        '`host`: the values are hosts, or URLs of which it is compared where they lead to: all hosts and ports, as the drivers of Postgres read them. Names are resolved.',
      ),
    cluster: clusterName({ orNone: false })
      .optional()
      .describe('With `compare: host`: the `cluster` of postgres targets to whose primary the hosts should lead.'),
  }).superRefine(({ sources, compare, cluster }, context) => {
    if (cluster === undefined) return
    if (compare !== 'host')
      context.addIssue({
        code: 'custom',
        path: ['cluster'],
        message: 'only hosts are compared with the primary; add compare: host',
      })
    if (Object.hasOwn(sources, primaryLabel))
      context.addIssue({
        code: 'custom',
        path: ['sources', primaryLabel],
        message: `${primaryLabel} is the label of the primary of the cluster; take another`,
      })
  }),
  metrics,
  reasons,
  observe,
  judge,
})

function judge({ sources, pairs }: DriftSeen, { name: target }: DriftTarget): Finding {
  const unreadable = sources.flatMap(({ label, unreadable: why }) => (why === undefined ? [] : [{ label, why }]))
  const unknown = pairs.filter(
    ({ a, b, agrees }) => agrees === undefined && ![a, b].some(one => unreadable.some(({ label }) => label === one)),
  )
  return finding(
    `the same in ${listed(sources.map(one => one.label))}`,
    [
      ...differs(
        sources.map(({ label }) => label),
        pairs,
      ),
      ...unreadable.map(({ label, why }) =>
        driftReason('drift_unreadable', why.startsWith(`${label}: `) ? why : `${label}: ${why}`),
      ),
      ...unknown.map(({ a, b, why = 'written differently, and not both names could be resolved' }) =>
        driftReason('drift_unreadable', `${a} and ${b}: ${why}`),
      ),
    ],
    pairs.flatMap(({ a, b, agrees }) => sample(metrics.agrees, agrees, { target, a, b })),
  )
}

const listed = (labels: readonly string[]): string =>
  labels.length < 2 ? labels.join() : `${labels.slice(0, -1).join(', ')} and ${labels.at(-1) ?? ''}`

/** One reason for the whole target: who agrees with whom. */
function differs(labels: readonly string[], pairs: readonly PairSeen[]): Reason[] {
  const different = pairs.filter(({ agrees }) => agrees === false)
  if (different.length === 0) return []
  const concerned = labels.filter(label => different.some(({ a, b }) => a === label || b === label))
  const groups: string[][] = []
  for (const label of concerned) {
    const group = groups.find(([first]) => pairs.some(({ a, b, agrees }) => a === first && b === label && agrees))
    if (group) group.push(label)
    else groups.push([label])
  }
  const space = different.every(({ onlySpace }) => onlySpace) ? ', only in white space around the value' : ''
  return [driftReason('drift_differs', `not the same: ${groups.map(listed).join(' | ')}${space}`)]
}
