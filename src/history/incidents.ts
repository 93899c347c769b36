import type { MailStatus } from '../assess/assessment.ts'
import { overCauses, withCauses, withRoots } from './blocking.ts'
import type { Verdict } from '../core/probe.ts'
import { causeKey } from './history.ts'
import type { Incident, Moment } from './incident.ts'

/** How many incidents are kept. */
export const incidentsKept = 50
/** What goes down within this time of another change in an incident belongs to that incident. In milliseconds. */
export const joinMs = 5 * 60_000

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
    one.endedAt === undefined ? withCauses(withRoots(one, byName, moment.at), byName, moment) : one,
  )
  return next.every((one, i) => one === before[i]) && next.length === before.length ? before : next
}

/** The incident with what has ended since. */
function followed(incident: Incident, byName: ReadonlyMap<string, MailStatus>, moment: Moment): Incident {
  const { at, unseenMs, sinceMs, verdictBefore } = moment
  // What is not configured any more is not known to have healed: nobody looks at it.
  const open = incident.paths.filter(({ to }) => to === undefined)
  const over = open.filter(({ name }) => canSend(byName.get(name)?.verdict ?? 'ok'))
  const wasSeen = open.some(({ name }) => verdictBefore(name) === 'fail')
  const blindMs = unseenMs > 0 ? unseenMs : wasSeen ? 0 : sinceMs
  if (blindMs === 0 && over.length === 0) return incident
  const paths = incident.paths.map(path =>
    over.includes(path)
      ? { ...path, to: at, root: undefined, ...(!byName.has(path.name) && { isRemoved: true }) }
      : path,
  )
  const next = { ...incident, paths, unseenMs: incident.unseenMs + blindMs }
  if (over.length < open.length) return next
  const healed = over.filter(({ name }) => byName.has(name))
  const exact = healed.length === over.length && healed.some(({ name }) => verdictBefore(name) === 'fail')
  return { ...lostSight(next, at), endExact: exact, causes: overCauses(next, byName, moment) }
}

/** It has ended, and that was seen. */
const hasHealed = ({ endedAt, paths, causes }: Incident): boolean =>
  endedAt !== undefined &&
  paths.some(({ to, isRemoved }) => to === endedAt && isRemoved !== true) &&
  causes.every(({ to }) => to !== undefined)

const canSend = (verdict: Verdict | undefined): boolean => verdict === 'ok' || verdict === 'warn'

/** The incident as ended because nobody looks any longer. What blocked mail is not known to have healed. */
export const lostSight = (incident: Incident, at: number): Incident => ({
  ...incident,
  endedAt: at,
  endExact: false,
  paths: incident.paths.map(path => ({ ...path, to: path.to ?? at, root: undefined })),
})

/** The incidents with one more path that is down: in one of them, or in a new one. */
function withDown(all: readonly Incident[], path: MailStatus, { at, verdictBefore }: Moment): readonly Incident[] {
  const root = path.root && causeKey(path.root)
  const belongs = (one: Incident): boolean =>
    at - lastChange(one) <= joinMs ||
    (one.endedAt === undefined && root !== undefined && one.paths.some(other => other.root === root))
  // If none has ended, and there is no room for another one, the newest has to take it.
  const isFull = all.length >= incidentsKept && all.every(({ endedAt }) => endedAt === undefined)
  const home = all.find(belongs) ?? (isFull ? all[0] : undefined)
  if (!home)
    return [newIncident((all[0]?.number ?? 0) + 1, path.name, at, canSend(verdictBefore(path.name))), ...withRoom(all)]
  const paths = home.paths.some(({ name }) => name === path.name)
    ? home.paths.map(one => (one.name === path.name ? { ...one, to: undefined, isRemoved: undefined } : one))
    : [...home.paths, { name: path.name, from: at, to: undefined, root: undefined }]
  const interruptions = home.interruptions + Number(hasHealed(home))
  return all.map(one => (one === home ? { ...home, paths, interruptions, endedAt: undefined, endExact: true } : one))
}

/** Without the oldest that has ended, if there are as many as are kept. */
function withRoom(all: readonly Incident[]): readonly Incident[] {
  if (all.length < incidentsKept) return all
  const oldest = all.findLastIndex(({ endedAt }) => endedAt !== undefined)
  return all.filter((_, i) => i !== oldest)
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
  rootsLeftOut: 0,
  causesLeftOut: 0,
})
