import type { Reason } from '../../core/probe.ts'
import { writePath } from '../../probes/write_path/index.ts'
import type { reasons } from '../../probes/write_path/reasons.ts'
import type { CheckStatus, Memory } from '../assessment.ts'
import { clusterOf } from '../nodes.ts'

type Code = keyof typeof reasons

/**
 * What a write path may fail with later because of what it saw first: commits that hang fill the slots of the server, and then
 * the pool; a full disk ends the server, which then starts and ends again.
 */
const consequences: Partial<Record<Code, readonly Code[]>> = {
  write_path_commit_stuck: ['write_path_too_many_connections', 'write_path_no_answer', 'write_path_pooler_refused'],
  write_path_disk_full: [
    'write_path_unreachable',
    'write_path_no_answer',
    'write_path_closed',
    'write_path_starting_up',
    'write_path_pooler_refused',
    'write_path_write_refused',
  ],
}
/** Of these, what also befalls other paths to the same cluster. */
const shared: readonly Code[] = ['write_path_too_many_connections']

const follows = (code: string, cause: Reason): boolean =>
  ((consequences as Readonly<Record<string, readonly string[]>>)[cause.code] ?? []).includes(code)

/**
 * What a run saw first stays the cause while later runs fail with a consequence of it, which keeps them from looking that far.
 * As soon as a run fails with anything else, or does not fail, only what it saw itself counts.
 * A check that is stale or unknown changes nothing.
 */
export function withFirstCauses(
  checks: readonly CheckStatus[],
  previous: Memory | undefined,
): { readonly checks: readonly CheckStatus[]; readonly memory: Memory['causes'] } {
  const paths = checks.filter(({ probe }) => probe === writePath.kind)
  const memory = new Map(
    paths.flatMap(path => {
      const cause = causeOf(path, previous?.causes.get(path.id))
      return cause ? [[path.id, cause] as const] : []
    }),
  )
  if (memory.size === 0) return { checks, memory }
  const amended = checks.map(check => {
    if (check.probe !== writePath.kind || check.verdict !== 'fail') return check
    const own = memory.get(check.id)
    if (own && !check.reasons.includes(own)) return behind(check, own)
    const elsewhere = paths.find(
      path => path !== check && clusterOf(path) === clusterOf(check) && isSharedBy(check, memory.get(path.id)),
    )
    return !own && elsewhere ? { ...check, reasons: becauseOf(check, elsewhere.id, memory.get(elsewhere.id)) } : check
  })
  return { checks: amended, memory }
}

function causeOf(path: CheckStatus, before: Reason | undefined): Reason | undefined {
  const { reasons, verdict } = path
  if (path.stale || verdict === 'unknown') return before
  const now = reasons.find(({ code }) => Object.hasOwn(consequences, code))
  if (now) return now
  return before && reasons.some(({ code }) => follows(code, before)) ? before : undefined
}

const isSharedBy = ({ reasons }: CheckStatus, cause: Reason | undefined): boolean =>
  cause !== undefined && reasons.some(({ code }) => follows(code, cause) && shared.some(one => one === code))

/** The check with its first cause before what it fails with now. */
function behind(check: CheckStatus, cause: Reason): CheckStatus {
  const first = { ...cause, text: `${cause.text} (seen by an earlier run; since then none got that far)` }
  return { ...check, reasons: [first, ...becauseOf(check, check.id, cause)], evidence: first.text }
}

const becauseOf = ({ reasons }: CheckStatus, id: string, cause: Reason | undefined): readonly Reason[] =>
  reasons.map(reason =>
    cause && follows(reason.code, cause)
      ? { ...reason, because: id, remedy: `This follows from ${cause.code} of ${id}: fix that first.` }
      : reason,
  )
