import { gauge, sample } from '../../core/metric.ts'
import { finding } from '../../core/probe.ts'
import { withSubject } from '../../core/subject.ts'
import type { DriftSeen, PairSeen } from './observe.ts'
import { driftReason, type Reason } from './reasons.ts'
import type { DriftTarget } from './target.ts'

export const metrics = {
  agrees: gauge(
    'mailpath_secret_agrees',
    'Whether two sources have the same value; with b="primary", whether the host leads to the primary of the cluster.',
    ['target', 'a', 'b'],
  ),
}

export function judge({ sources, pairs }: DriftSeen, { name: target }: DriftTarget) {
  const unreadable = sources.flatMap(({ label, unreadable: why }) => (why === undefined ? [] : [{ label, why }]))
  const unknown = pairs.filter(
    ({ a, b, agrees }) => agrees === undefined && ![a, b].some(one => unreadable.some(({ label }) => label === one)),
  )
  const labels = sources.map(({ label }) => label)
  return finding(
    `the same in ${listed(labels)}`,
    [
      ...differs(labels, pairs),
      ...unreadable.map(({ label, why }) => driftReason('drift_unreadable', withSubject(label, why))),
      ...unknown.map(({ a, b, why = 'written differently, and not both names could be resolved' }) =>
        driftReason('drift_unreadable', `${a} and ${b}: ${why}`),
      ),
    ],
    pairs.flatMap(({ a, b, agrees }) => sample(metrics.agrees, agrees, { target, a, b })),
  )
}

const listed = (labels: readonly string[]): string =>
  labels.length < 2 ? labels.join() : `${labels.slice(0, -1).join(', ')} and ${labels.at(-1) ?? ''}`

/** One reason for the whole target: which sources agree. */
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
