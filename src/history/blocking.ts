import type { MailStatus } from '../assess/assessment.ts'
import { groupBy } from '../core/group.ts'
import { blockedKey, causeKey } from './history.ts'
import { blockedOf, type Affected, type Cause, type Incident, type Moment, type RootFrom } from './incident.ts'

const rootsKept = 50
/** The causes of an incident take so many bytes of the state file at most: it has room for 50 incidents like that. */
const causesBytes = 40_000

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
  const leftOut = Math.max(0, roots.length - rootsKept)
  // How it began and how it goes on are worth more than what was in between.
  return {
    ...incident,
    paths: incident.paths.map(path => ({ ...path, root: keys.get(path.name) ?? path.root })),
    isCut: incident.isCut || leftOut > 0,
    rootsLeftOut: incident.rootsLeftOut + leftOut,
    roots: [...roots.slice(0, rootsKept / 2), ...roots.slice(rootsKept / 2).slice(-rootsKept / 2)],
  }
}

/** The incident with what blocks its mail now, and what no longer does. What blocks several mail paths is one cause. */
export function withCauses(incident: Incident, paths: Paths, moment: Moment): Incident {
  const now = blockersOf(incident.paths, paths)
  // While something is unknown, what is not seen may still be there.
  const allSeen = incident.paths.every(({ name, to }) => to !== undefined || paths.get(name)?.verdict !== 'unknown')
  const known = new Set(incident.causes.map(blockedKey))
  const causes = incident.causes.map(cause => {
    const there = now.get(blockedKey(cause))
    if (there) return stillThere(cause, there.places)
    const isOver =
      allSeen || (cause.paths.length > 0 && cause.paths.every(one => incident.paths[one]?.to !== undefined))
    return isOver ? over(cause, incident, paths, moment) : cause
  })
  const added = [...now].flatMap(([key, { one, places }]) =>
    known.has(key) ? [] : [{ ...blockedOf(one), from: moment.at, to: undefined, paths: places }],
  )
  // What was left out at an earlier look would seem to begin now.
  const fitting = added.length > 0 && incident.causesLeftOut === 0 ? added.slice(0, roomFor(added, causes)) : []
  const causesLeftOut = Math.max(incident.causesLeftOut, added.length - fitting.length)
  const isSame = fitting.length === 0 && causes.every((cause, i) => cause === incident.causes[i])
  if (isSame && causesLeftOut === incident.causesLeftOut) return incident
  return { ...incident, isCut: incident.isCut || causesLeftOut > 0, causesLeftOut, causes: [...causes, ...fitting] }
}

/** The causes of an incident that has ended. */
export const overCauses = (incident: Incident, paths: Paths, moment: Moment): readonly Cause[] =>
  incident.causes.map(cause => over(cause, incident, paths, moment))

/** What blocks mail now, by `causeKey`, with the mail paths that it blocks. */
function blockersOf(affected: readonly Affected[], paths: Paths) {
  const found = affected.flatMap(({ name, to }, place) =>
    to === undefined ? (paths.get(name)?.blockers ?? []).map(one => ({ one, place, key: causeKey(one) })) : [],
  )
  const all = [...groupBy(found, ({ key }) => key)]
  return new Map(
    all.flatMap(([key, those]) =>
      those
        .slice(0, 1)
        .map(({ one }) => [key, { one, places: [...new Set(those.map(({ place }) => place))] }] as const),
    ),
  )
}

function stillThere(cause: Cause, places: readonly number[]): Cause {
  const known = new Set(cause.paths)
  const joining = places.filter(place => !known.has(place))
  if (cause.to === undefined && joining.length === 0) return cause
  return { ...cause, to: undefined, isRemoved: undefined, paths: [...cause.paths, ...joining] }
}

/** The cause as it ends now, if it has not before: healed, or no longer configured. */
function over(cause: Cause, { paths }: Incident, now: Paths, { at, wasBlocked, isConfigured }: Moment): Cause {
  if (cause.to !== undefined) return cause
  const key = blockedKey(cause)
  const known = cause.paths.flatMap(place => paths[place] ?? [])
  const held = known.length > 0 ? known : paths
  const wasSeenToHeal = held.some(({ name }) => now.has(name) && wasBlocked(name, key))
  const isRemoved = !isConfigured(cause) || (!wasSeenToHeal && held.some(one => one.isRemoved === true))
  return { ...cause, to: at, ...(isRemoved && { isRemoved }) }
}

/** How many of these causes there is room for beside those that are kept. */
function roomFor(added: readonly Cause[], kept: readonly Cause[]): number {
  let left = kept.reduce((room, one) => room - bytesOf(one), causesBytes)
  return added.filter(one => (left -= bytesOf(one)) >= 0).length
}

/** What a cause takes in the state file. */
const bytesOf = (cause: Cause): number => Buffer.byteLength(JSON.stringify(cause))
