import type { Memory } from './memory.ts'
import type { MtaStsSeen } from './mta-sts/index.ts'
import type { DnsSeen } from './seen.ts'
import { versionsDiffer, type ZoneSeen } from './hosts/zone.ts'

/** Adds how long it has been so to what is usual for some time after a change, and wrong after that. */
export const sinceWhen = (memory: Memory, { zone, mtaSts }: Pick<DnsSeen, 'zone' | 'mtaSts'>) => ({
  zone: differing(memory, zone),
  mtaSts: changed(memory, mtaSts, zone.lookedAt),
})

/** A server takes over a new version some time after the others. */
function differing(memory: Memory, zone: ZoneSeen): ZoneSeen {
  const differ = versionsDiffer(zone)
  if (zone.servers === undefined || differ === undefined) return zone
  memory.differSince = differ ? (memory.differSince ?? zone.lookedAt) : undefined
  return { ...zone, differSince: memory.differSince }
}

/** A policy and the id in its record change one after the other (RFC 8461, 8.1). */
function changed(memory: Memory, mtaSts: MtaStsSeen, now: number): MtaStsSeen {
  const { id, fingerprint } = mtaSts
  if (id === undefined || fingerprint === undefined) return mtaSts
  if (memory.policy?.id !== id) memory.policy = { id, fingerprint, changedSince: undefined }
  const { policy } = memory
  policy.changedSince = policy.fingerprint === fingerprint ? undefined : (policy.changedSince ?? now)
  return { ...mtaSts, changedSince: policy.changedSince }
}
