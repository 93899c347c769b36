import type { CheckStatus } from '../assessment.ts'
import type { DiskFullCause } from './memory.ts'
import type { Node } from '../nodes.ts'

/** Reasons of a node that end in a full WAL volume. */
const fillers: readonly string[] = ['postgres_slot_holds_wal', 'postgres_archiver_failing']

/**
 * What fills the disk of the primary, so that it can be named once the primary is down for it: then nothing can be asked any
 * more. While there is no primary, what was seen last holds. `full` are the write paths that met a full disk.
 */
export function diskFullCauseOf(
  primary: Node | undefined,
  full: readonly CheckStatus[],
  before: DiskFullCause | undefined,
): DiskFullCause | undefined {
  if (!primary) return before
  const own = primary.check.reasons.find(({ code }) => fillers.includes(code))
  const met = full.flatMap(({ reasons }) => reasons.find(({ code }) => code === 'write_path_disk_full') ?? [])[0]
  const reason = own ?? met
  return (
    reason && {
      node: primary.name,
      text: [...new Set([own, met])].flatMap(one => one?.text ?? []).join('; '),
      remedy: reason.remedy,
    }
  )
}
