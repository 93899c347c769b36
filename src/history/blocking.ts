import type { MailStatus } from '../assess/assessment.ts'
import { groupBy } from '../core/group.ts'
import { blockedKey, causeKey } from './history.ts'
import { blockedOf, type Cause, type Incident, type RootFrom } from './incident.ts'

const rootsKept = 50
const causesKept = 100

/** The mail paths of now, by name. */
type Paths = ReadonlyMap<string, MailStatus>

/** The incident with the roots of now, where a path has another one than before. */
export function withRoots(incident: Incident, paths: Paths, at: number): Incident {
  const turned = incident.paths.flatMap(({ name, to, root: before }) => {
    const { verdict, root } = paths.get(name) ?? {}
    const isOther = to === undefined && verdict === 'fail' && root !== undefined && causeKey(root) !== before
    return isOther ? [{ name, root, key: causeKey(root) }] : []
  })
  if (turned.length === 0) return incident
  const keys = new Map(turned.map(({ name, key }) => [name, key]))
  let roots: readonly RootFrom[] = incident.roots
  for (const [key, those] of groupBy(turned, one => one.key)) {
    const same = roots.findLast(one => blockedKey(one) === key)
    const known = new Set(same?.paths)
    const joining = those.flatMap(({ name }) => (known.has(name) ? [] : [name]))
    const again = those.flatMap(({ name }) => (same && !known.has(name) ? [] : [name]))
    if (same && joining.length > 0)
      roots = roots.map(one => (one === same ? { ...one, paths: [...one.paths, ...joining] } : one))
    const [first] = those
    if (first && again.length > 0) roots = [...roots, { ...blockedOf(first.root), at, paths: again }]
  }
  const isCut = incident.isCut || roots.length > rootsKept
  // How it began and how it goes on are worth more than what was in between.
  return {
    ...incident,
    paths: incident.paths.map(path => ({ ...path, root: keys.get(path.name) ?? path.root })),
    isCut,
    roots: [...roots.slice(0, rootsKept / 2), ...roots.slice(rootsKept / 2).slice(-rootsKept / 2)],
  }
}

/** The incident with what blocks its mail now, and what no longer does. */
export function withCauses(incident: Incident, paths: Paths, at: number): Incident {
  const open = incident.paths.flatMap(({ name, to }) => (to === undefined ? (paths.get(name) ?? []) : []))
  const now = new Map(open.flatMap(({ blockers }) => blockers.map(one => [causeKey(one), one] as const)))
  // While something is unknown, what is not seen may still be there.
  const allSeen = open.every(({ verdict }) => verdict !== 'unknown')
  const known = new Set(incident.causes.map(blockedKey))
  const isOver = (cause: Cause): boolean => allSeen && cause.to === undefined && !now.has(blockedKey(cause))
  const isBack = (cause: Cause): boolean => cause.to !== undefined && now.has(blockedKey(cause))
  const added = [...now].filter(([key]) => !known.has(key))
  const room = Math.max(0, causesKept - incident.causes.length)
  const isCut = incident.isCut || added.length > room
  const isSame = !incident.causes.some(cause => isOver(cause) || isBack(cause)) && (added.length === 0 || room === 0)
  if (isSame) return isCut === incident.isCut ? incident : { ...incident, isCut }
  const causes = incident.causes.map(cause =>
    isOver(cause) ? { ...cause, to: at } : isBack(cause) ? { ...cause, to: undefined } : cause,
  )
  const begun = added.slice(0, room).map(([, one]) => ({ ...blockedOf(one), from: at, to: undefined }))
  return { ...incident, isCut, causes: [...causes, ...begun] }
}
