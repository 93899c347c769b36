import { sample, stateSet } from '../../core/metric.ts'
import { newestArrival, outOf } from './judge-mails.ts'
import { metrics } from './metrics.ts'
import { authResults, folderKinds, type CanarySeen } from './seen.ts'
import { methods } from './target.ts'

/** What is not known has no sample: without `mailbox` nothing of arrival. */
export function samplesOf(seen: CanarySeen, target: string) {
  const { counts, mailbox } = seen
  const at = { target }
  const arrival = newestArrival(seen)
  const out = outOf(seen)
  return [
    ...sample(metrics.sent, counts.sent, at),
    ...sample(metrics.rejected, counts.rejected, at),
    ...sample(metrics.lastSent, seconds(lastSent(seen)), at),
    ...(mailbox
      ? [
          ...folderKinds.flatMap(folder => sample(metrics.arrived, counts.arrived[folder], { target, folder })),
          ...sample(metrics.late, counts.late, at),
          ...sample(metrics.lost, counts.lost, at),
          ...sample(metrics.bounced, counts.bounced, at),
          ...sample(metrics.duplicates, counts.duplicates, at),
          ...sample(metrics.leftoversRemoved, counts.leftoversRemoved, at),
          ...sample(metrics.pending, out.length, at),
          ...sample(metrics.oldestPending, seconds(out.at(-1)?.sentAt), at),
          ...sample(metrics.mailboxReachable, mailbox.failure === undefined, at),
        ]
      : []),
    ...sample(metrics.delivery, arrival?.seconds, at),
    ...sample(metrics.lastArrival, seconds(lastArrival(seen)), at),
    ...sample(metrics.inJunk, arrival && arrival.folder === 'junk', at),
    ...methods.flatMap(method =>
      stateSet(metrics.authentication, 'result', authResults, arrival?.headers.authentication?.results[method], {
        target,
        method,
      }),
    ),
    ...sample(metrics.hops, arrival?.headers.hops, at),
    ...sample(metrics.hopDelayMax, arrival?.headers.slowestHopSeconds, at),
    ...sample(metrics.clearHops, arrival?.headers.clearHops.length, at),
  ]
}

const seconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1000)
const newest = (times: readonly number[]): number | undefined => (times.length > 0 ? Math.max(...times) : undefined)

const lastSent = ({ handOver, mails }: CanarySeen): number | undefined =>
  newest([
    ...(handOver?.kind === 'accepted' ? [handOver.at] : []),
    ...mails.flatMap(({ sentAt, reply }) => (reply === undefined ? [] : [sentAt])),
  ])

const lastArrival = ({ mails }: CanarySeen): number | undefined =>
  newest(mails.flatMap(({ arrival }) => arrival?.seenAt ?? []))
