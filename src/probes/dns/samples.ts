import { queryCodes } from '../../clients/dns/index.ts'
import { groupBy } from '../../core/group.ts'
import { sample, stateSet } from '../../core/metric.ts'
import { isUsable } from './dkim/key.ts'
import { metrics } from './metrics.ts'
import { mtaStsModes } from './mta-sts/policy.ts'
import type { DnsSeen } from './seen.ts'
import { policies } from './dmarc/record.ts'

/** What is not known has no sample. */
export function samplesOf(seen: DnsSeen, target: string) {
  const at = { target }
  return [
    ...sample(metrics.spfValid, spfIsValid(seen), at),
    ...sample(metrics.spfLookups, seen.spf.lookups, at),
    ...sample(metrics.spfCoversSenders, spfCovers(seen), at),
    ...(seen.dkim ?? []).flatMap(({ selector, key }) => [
      ...sample(metrics.dkimUsable, isUsable(key), { target, selector }),
      ...sample(metrics.dkimKeyBits, key.kind === 'key' ? key.bits : undefined, { target, selector }),
    ]),
    ...stateSet(metrics.dmarcPolicy, 'policy', policies, seen.dmarc.policy, at),
    ...[...groupBy(seen.ptr, ({ sender }) => sender)].flatMap(([sender, addresses]) =>
      sample(metrics.ptrConfirmed, all(addresses.map(({ isConfirmed }) => isConfirmed)), { target, sender }),
    ),
    ...stateSet(metrics.mtaStsMode, 'mode', mtaStsModes, seen.mtaSts.mode, at),
    ...queryCodes.flatMap(code => sample(metrics.queries, seen.queries[code], { target, code })),
  ]
}

/** Undefined: not known, since one is not, and none is false. */
function all(list: readonly (boolean | undefined)[]): boolean | undefined {
  if (list.includes(false)) return false
  return list.includes(undefined) ? undefined : true
}

/** One record that receivers can follow to its end. */
export function spfIsValid({ spf }: DnsSeen): boolean | undefined {
  if (spf.record === 'unanswered') return undefined
  if (spf.record === 'missing' || spf.errors.length > 0) return false
  return spf.lookups === undefined ? undefined : true
}

/** Undefined also without `senders`. */
export function spfCovers({ spf, senders }: DnsSeen): boolean | undefined {
  if (spf.senders.length === 0) return undefined
  const passes = spf.senders.map(({ result }) => (result === 'temperror' ? undefined : result === 'pass'))
  return all([...passes, ...(senders.isPartial ? [undefined] : [])])
}
