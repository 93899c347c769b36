import type { MailStatus } from '../assess/assessment.ts'
import { groupBy } from '../core/group.ts'
import { causeKey } from './history.ts'
import { blockedOf, type Affected, type Cause, type Incident, type RootFrom } from './incident.ts'

/** How many incidents are kept. */
export const incidentsKept = 50
const rootsKept = 50
const causesKept = 100
/** What goes down within this time of another change in an incident belongs to that incident. In milliseconds. */
export const joinMs = 5 * 60_000

/** One look, as incidents see it. */
export interface Moment {
  readonly at: number
  readonly mail: readonly MailStatus[]
  /** Nobody looked for so long before this look. */
  readonly unseenMs: number
  /** The mail path could send mail at the look before, and nobody missed a moment since. */
  readonly worked: (path: string) => boolean
}

/**
 * The incidents after one more look, newest first. Two rules say what belongs together. A mail path that goes down joins an
 * incident in which something changed in the last five minutes, or one with the same root that still lasts. An incident
 * ends when mail of all its paths can be sent; what is unknown ends nothing.
 */
export function withLook(before: readonly Incident[], moment: Moment): readonly Incident[] {
  const down = moment.mail.filter(({ verdict }) => verdict === 'fail')
  if (down.length === 0 && before.every(({ endedAt }) => endedAt !== undefined)) return before
  const byName = new Map(moment.mail.map(path => [path.name, path]))
  const seen = before.map(incident => (incident.endedAt === undefined ? followed(incident, byName, moment) : incident))
  const inOne = new Set(seen.flatMap(one => one.paths.flatMap(({ name, to }) => (to === undefined ? [name] : []))))
  const joined = down
    .filter(({ name }) => !inOne.has(name))
    .reduce<readonly Incident[]>((all, path) => withDown(all, path, moment), seen)
  const next = joined.map(one =>
    one.endedAt === undefined ? withCauses(withRoots(one, byName, moment), byName, moment) : one,
  )
  return next.every((one, i) => one === before[i]) && next.length === before.length ? before : next
}

/** The incident with what has ended since. */
function followed(incident: Incident, byName: ReadonlyMap<string, MailStatus>, { at, unseenMs }: Moment): Incident {
  const hasHealed = ({ name, to }: Affected): boolean => {
    const verdict = byName.get(name)?.verdict ?? 'ok'
    return to === undefined && (verdict === 'ok' || verdict === 'warn')
  }
  if (unseenMs === 0 && !incident.paths.some(hasHealed)) return incident
  const paths = incident.paths.map(path => (hasHealed(path) ? { ...path, to: at, root: undefined } : path))
  const next = { ...incident, paths, unseenMs: incident.unseenMs + unseenMs }
  return paths.some(({ to }) => to === undefined) ? next : ended(next, at, unseenMs === 0)
}

/** The incident as ended. */
export const ended = (incident: Incident, at: number, exact: boolean): Incident => ({
  ...incident,
  endedAt: at,
  endExact: exact,
  paths: incident.paths.map(path => ({ ...path, to: path.to ?? at, root: undefined })),
  causes: incident.causes.map(cause => ({ ...cause, to: cause.to ?? at })),
})

/** The incidents with one more path that is down: in one of them, or in a new one. */
function withDown(all: readonly Incident[], path: MailStatus, { at, worked }: Moment): readonly Incident[] {
  const root = path.root && causeKey(path.root)
  const belongs = (one: Incident): boolean =>
    at - lastChange(one) <= joinMs ||
    (one.endedAt === undefined && root !== undefined && one.paths.some(other => other.root === root))
  const home = all.find(belongs)
  if (!home)
    return [newIncident((all[0]?.number ?? 0) + 1, path.name, at, worked(path.name)), ...all].slice(0, incidentsKept)
  const paths = home.paths.some(({ name }) => name === path.name)
    ? home.paths.map(one => (one.name === path.name ? { ...one, to: undefined } : one))
    : [...home.paths, { name: path.name, from: at, to: undefined, root: undefined }]
  const interruptions = home.interruptions + Number(home.endedAt !== undefined)
  return all.map(one => (one === home ? { ...home, paths, interruptions, endedAt: undefined, endExact: true } : one))
}

const lastChange = ({ paths, endedAt }: Incident): number =>
  Math.max(endedAt ?? 0, ...paths.map(({ from, to }) => Math.max(from, to ?? 0)))

const newIncident = (number: number, path: string, at: number, startExact: boolean): Incident => ({
  number,
  startedAt: at,
  startExact,
  endedAt: undefined,
  endExact: true,
  interruptions: 0,
  unseenMs: 0,
  paths: [{ name: path, from: at, to: undefined, root: undefined }],
  roots: [],
  causes: [],
  isCut: false,
})

/** The incident with the roots of now, where a path has another one than before. */
function withRoots(incident: Incident, byName: ReadonlyMap<string, MailStatus>, { at }: Moment): Incident {
  const turned = incident.paths.flatMap(({ name, to, root: before }) => {
    const { verdict, root } = byName.get(name) ?? {}
    const isOther = to === undefined && verdict === 'fail' && root !== undefined && causeKey(root) !== before
    return isOther ? [{ name, root, key: causeKey(root) }] : []
  })
  if (turned.length === 0) return incident
  const keys = new Map(turned.map(({ name, key }) => [name, key]))
  const paths = incident.paths.map(path => ({ ...path, root: keys.get(path.name) ?? path.root }))
  let roots: readonly RootFrom[] = incident.roots
  for (const [key, those] of groupBy(turned, one => one.key)) {
    const same = roots.findLast(one => causeOf(one) === key)
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
    paths,
    isCut,
    roots: [...roots.slice(0, rootsKept / 2), ...roots.slice(rootsKept / 2).slice(-rootsKept / 2)],
  }
}

const causeOf = ({ probe, target, code }: Pick<RootFrom, 'probe' | 'target' | 'code'>): string =>
  `${probe}/${target} ${code}`

/** The incident with what blocks its mail now, and what no longer does. */
function withCauses(incident: Incident, byName: ReadonlyMap<string, MailStatus>, { at }: Moment): Incident {
  const open = incident.paths.flatMap(({ name, to }) => (to === undefined ? (byName.get(name) ?? []) : []))
  const now = new Map(open.flatMap(({ blockers }) => blockers.map(one => [causeKey(one), one] as const)))
  // While something is unknown, what is not seen may still be there.
  const allSeen = open.every(({ verdict }) => verdict !== 'unknown')
  const known = new Set(incident.causes.map(causeOf))
  const isOver = (cause: Cause): boolean => allSeen && cause.to === undefined && !now.has(causeOf(cause))
  const isBack = (cause: Cause): boolean => cause.to !== undefined && now.has(causeOf(cause))
  const added = [...now].flatMap(([key, one]) =>
    known.has(key) ? [] : [{ ...blockedOf(one), from: at, to: undefined }],
  )
  const room = causesKept - incident.causes.length
  const isCut = incident.isCut || added.length > room
  const isSame = !incident.causes.some(cause => isOver(cause) || isBack(cause)) && (added.length === 0 || room <= 0)
  if (isSame) return isCut === incident.isCut ? incident : { ...incident, isCut }
  const causes = incident.causes.map(cause =>
    isOver(cause) ? { ...cause, to: at } : isBack(cause) ? { ...cause, to: undefined } : cause,
  )
  return { ...incident, isCut, causes: [...causes, ...added.slice(0, Math.max(0, room))] }
}
