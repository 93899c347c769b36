import { noWrites, type Furthest, type LostWrites, type WritesMemory } from './memory.ts'
import { timeline } from './claims.ts'
import type { Node } from '../nodes.ts'

/** Milliseconds. */
const shownFor = 24 * 3_600_000

export const lostNow = ({ lost }: WritesMemory, now: number): LostWrites | undefined =>
  lost && now - lost.at < shownFor ? lost : undefined

/**
 * Compares the only primary with the furthest one seen. There is no false alarm, since:
 * - Its look began after the look at the other had ended, and no other node takes writes: it is a later state, not an older look.
 * - Both have the same system identifier. pg_upgrade and initdb give another one.
 * - Each promotion takes a higher timeline. One that is lower has never seen the promotions in between.
 * - On one timeline a WAL position is never taken back while the server runs, nor by a crash of Postgres alone, since the kernel
 *   has what was written. It goes back if the machine crashed before it was flushed (synchronous_commit or fsync off), or if
 *   an older copy of the disk was started. Then rows that were confirmed may be lost, few as they may be.
 * - A later timeline begins where its node had got to. If that was before the last position of the primary before it, the WAL in
 *   between is lost. With synchronous replication no client got a confirmation of it.
 */
export function followWrites(before: WritesMemory | undefined, primary: Node | undefined, now: number): WritesMemory {
  const known = before ?? noWrites
  const { furthest } = known
  const next = primary && furthestOf(primary)
  const observation = primary?.check.observation
  if (!next || !observation) return known
  if (!furthest || next.identifier !== furthest.identifier) return { ...known, furthest: next }
  if (!isBehind(next, furthest)) {
    const isSame = next.timeline === furthest.timeline && next.lsn === furthest.lsn && next.node === furthest.node
    return isSame || next.at < furthest.at ? known : { ...known, furthest: next }
  }
  if (observation.startedAt < furthest.at) return known
  return { furthest: next, times: known.times + 1, lost: { text: describe(next, furthest), at: now } }
}

function furthestOf(node: Node): Furthest | undefined {
  const { facts, name, check } = node
  if (facts?.system_identifier == null || facts.wal_file_timeline === null) return undefined
  const at = check.observation?.finishedAt ?? 0
  return {
    node: name,
    identifier: facts.system_identifier,
    timeline: timeline(node),
    lsn: facts.wal_lsn ?? undefined,
    synchronous: facts.synchronous === true,
    at,
  }
}

function isBehind(next: Furthest, furthest: Furthest): boolean {
  if (next.timeline < furthest.timeline) return true
  const isEarlier = next.lsn !== undefined && furthest.lsn !== undefined && next.lsn < furthest.lsn
  return isEarlier && (next.timeline === furthest.timeline || !furthest.synchronous)
}

/** As Postgres writes it: 0/3000060. */
const lsnText = (lsn: number): string =>
  `${Math.floor(lsn / 2 ** 32).toString(16)}/${(lsn % 2 ** 32).toString(16)}`.toUpperCase()

const position = ({ timeline, lsn }: Furthest): string =>
  `timeline ${timeline}${lsn === undefined ? '' : ` at ${lsnText(lsn)}`}`

const describe = (next: Furthest, furthest: Furthest): string =>
  `${next.node} is primary on ${position(next)}, and ${furthest.node === next.node ? 'it' : furthest.node} was primary on ${position(furthest)} at ${new Date(furthest.at).toISOString().slice(0, 19)}Z: what was committed there since they parted is not on ${next.node}`
