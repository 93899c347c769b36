import * as z from 'zod'
import type { Target } from '../../core/probe.ts'
import type { Reference } from '../../core/reference.ts'
import { clusterName, name as label, secret, section, targetFields } from '../../fields/index.ts'

export interface DriftTarget extends Target {
  /** By label. */
  readonly sources: Readonly<Record<string, Reference>>
  readonly compare: 'value' | 'host'
}

/** The label that means the primary of a cluster. */
export const primaryLabel = 'primary'

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

export const driftTarget = section({
  ...targetFields,
  sources,
  compare: z
    .enum(['value', 'host'])
    .default('value')
    .describe(
      '`host`: the values are hosts or URLs, and the comparison is where they lead to: all hosts and ports, as the drivers of Postgres read them. Names are resolved.',
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
})
