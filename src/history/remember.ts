import type { Assessment, MailStatus } from '../assess/assessment.ts'
import { checkId, type Verdict } from '../core/probe.ts'
import { exporterKind } from '../core/want.ts'
import { withGap, type Gap } from './gaps.ts'
import { blockerKey, blockerKeyOf, emptyHistory, type HeldVerdict, type History, type Since } from './history.ts'
import { moveIncident } from './incident.ts'
import { lostSight, withLook } from './incidents.ts'
import { closed, moveSeen, type Seen } from './uptime.ts'

/** A history, and how far it reaches. */
export interface Past {
  readonly history: History
  /** The moment of the last look, in milliseconds since the epoch. */
  readonly at: number
  /** What was seen then counts until this moment. */
  readonly until: number
  /** When nobody looked, or the clock was set forward. Oldest first. */
  readonly gaps: readonly Gap[]
}

/** A longer time in which nobody looked ends an incident, and what was so before is not known to have gone on. */
export const bridgeMs = 3_600_000
/** Between two looks there may always be so much time. */
const patienceMs = 15_000

/**
 * The past with one more look, in which every check had run. It is pure. If the look before is older than three times the
 * shortest interval, nobody looked in between.
 */
export function remember(
  past: Past | undefined,
  { at, mail, checks }: Pick<Assessment, 'at' | 'mail' | 'checks'>,
): Past {
  const unseenMs = past ? Math.max(0, at - past.until) : 0
  const isLong = unseenMs > bridgeMs
  const before = past ? (isLong ? interrupted(past) : past.history) : emptyHistory
  const seen: Look = { at, isFirst: isLong, isUnbroken: unseenMs === 0 }
  const verdicts = withVerdicts(before.mail, mail, ({ name }) => name, seen)
  const verdictBefore = (path: string): Verdict | undefined =>
    seen.isUnbroken ? before.mail.get(path)?.verdict : undefined
  const configured = new Set(checks.map(({ id }) => id))
  const incidents = withLook(before.incidents, {
    at,
    mail,
    verdictBefore,
    wasBlocked: (path, cause) => before.blockers.has(blockerKeyOf(path, cause)),
    isConfigured: one => notChecks.some(kind => kind === one.probe) || configured.has(checkId(one)),
    unseenMs: isLong ? 0 : unseenMs,
    sinceMs: past && !isLong ? Math.max(0, at - past.at) : 0,
  })
  const history: History = {
    mail: verdicts,
    checks: withVerdicts(before.checks, checks, ({ id }) => id, seen),
    blockers: withBlockers(before, mail, seen),
    incidents,
    counts: withCounts(before, incidents, mail),
    uptime: withUptime(before.uptime, mail, at, unseenMs > 0 ? past?.until : undefined),
  }
  const shortest = Math.min(...checks.map(({ intervalMs }) => intervalMs))
  return {
    history,
    at,
    until: at + Math.max(patienceMs, checks.length === 0 ? 0 : 3 * shortest),
    gaps: unseenMs > 0 ? gapsAt(past, at) : (past?.gaps ?? []),
  }
}

/** Kinds of blockers that are of no check: nothing in the list of checks says whether they are configured. */
const notChecks = ['cluster', exporterKind]

/** The gaps with the time before this look, in which nobody looked. That the clock was set forward in it may be known already. */
function gapsAt(past: Past | undefined, at: number): readonly Gap[] {
  if (!past) return []
  const isKnown = (past.gaps.at(-1)?.from ?? -Infinity) >= past.at
  return isKnown ? past.gaps : withGap(past.gaps, { from: past.at, ms: at - past.at })
}

/**
 * The history as it is at a moment at which not every check has run. What was up is not known to be so for longer than the
 * last look counts.
 */
export function unseenHistory({ history, until }: Past, at: number): History {
  if (at <= until) return history
  const uptime = [...history.uptime].map(([name, seen]) => [name, closed(seen, until)] as const)
  return { ...history, uptime: new Map(uptime) }
}

/**
 * The past in which only these checks, by id, are known. Any other is another one now, or was: since when something was
 * wrong with that one says nothing of this one.
 */
export function withoutChecks(past: Past, isKept: (id: string) => boolean): Past {
  const { checks, blockers } = past.history
  const kept = [...checks].filter(([id]) => isKept(id))
  const others = [...checks.keys()].filter(id => !isKept(id))
  const isOfOther = (key: string): boolean => others.some(id => key.includes(`: ${id} `))
  return {
    ...past,
    history: {
      ...past.history,
      checks: new Map(kept),
      blockers: new Map([...blockers].filter(([key]) => !isOfOther(key))),
    },
  }
}

/** The past with every moment moved. */
export function movePast({ history, at, until, gaps }: Past, move: (ms: number) => number): Past {
  const { mail, checks, blockers, incidents, uptime } = history
  const later = <T extends Since>(all: ReadonlyMap<string, T>): ReadonlyMap<string, T> =>
    new Map([...all].map(([key, one]) => [key, { ...one, at: move(one.at) }]))
  return {
    at: move(at),
    until: move(at) + (until - at),
    gaps,
    history: {
      ...history,
      mail: later(mail),
      checks: later(checks),
      blockers: later(blockers),
      incidents: incidents.map(one => moveIncident(one, move, at)),
      uptime: new Map([...uptime].map(([name, seen]) => [name, moveSeen(seen, move)])),
    },
  }
}

interface Look {
  readonly at: number
  /** What was known before is too old to go on. */
  readonly isFirst: boolean
  /** Nobody missed a moment since the look before. */
  readonly isUnbroken: boolean
}

const works = (verdict: Verdict | undefined): boolean | undefined =>
  verdict === undefined || verdict === 'unknown' ? undefined : verdict !== 'fail'

/** The history of somebody who then did not look for long. */
const interrupted = ({ history, until }: Past): History => ({
  ...history,
  incidents: history.incidents.map(one => (one.endedAt === undefined ? lostSight(one, until) : one)),
})

function withVerdicts<T extends { readonly verdict: Verdict }>(
  before: ReadonlyMap<string, HeldVerdict>,
  all: readonly T[],
  nameOf: (one: T) => string,
  { at, isFirst, isUnbroken }: Look,
): ReadonlyMap<string, HeldVerdict> {
  const held = all.map(one => {
    const [name, { verdict }] = [nameOf(one), one]
    const last = before.get(name)
    const isSame = last?.verdict === verdict && !isFirst
    // After a time in which it was unknown, nobody saw when it became so.
    const wasSeen = last !== undefined && (last.verdict !== 'unknown' || verdict === 'unknown')
    return [name, isSame ? last : { verdict, at, exact: wasSeen && isUnbroken }] as const
  })
  return asBefore(before, held)
}

function withBlockers({ blockers, mail }: History, now: readonly MailStatus[], { at, isFirst, isUnbroken }: Look) {
  const held = now.flatMap(path =>
    [...new Set(path.blockers.map(blocker => blockerKey(path.name, blocker)))].map(key => {
      const last = isFirst ? undefined : blockers.get(key)
      return [key, last ?? { at, exact: isUnbroken && works(mail.get(path.name)?.verdict) !== undefined }] as const
    }),
  )
  return asBefore<Since>(blockers, held)
}

/** A map of these, or the one before if it holds just them. */
function asBefore<T>(before: ReadonlyMap<string, T>, now: readonly (readonly [string, T])[]): ReadonlyMap<string, T> {
  const isSame = now.length === before.size && now.every(([key, value]) => before.get(key) === value)
  return isSame ? before : new Map(now)
}

/** How many incidents each path has had: those that it is newly in count. */
function withCounts(before: History, incidents: History['incidents'], mail: readonly MailStatus[]): History['counts'] {
  if (incidents === before.incidents) return before.counts
  const namesOf = (number: number): readonly string[] =>
    before.incidents.find(one => one.number === number)?.paths.map(({ name }) => name) ?? []
  const added = incidents
    .filter(one => !before.incidents.includes(one))
    .flatMap(({ number, paths }) => {
      const known = new Set(namesOf(number))
      return paths.flatMap(({ name }) => (known.has(name) ? [] : [name]))
    })
  const held = mail.map(({ name }) => {
    const more = added.filter(one => one === name).length
    return [name, (before.counts.get(name) ?? 0) + more] as const
  })
  return asBefore(before.counts, held)
}

/** `brokenAt`: when what was known ended, if nobody looked after that. */
function withUptime(
  before: ReadonlyMap<string, Seen>,
  mail: readonly MailStatus[],
  at: number,
  brokenAt: number | undefined,
): ReadonlyMap<string, Seen> {
  const held = mail.map(({ name, verdict }) => {
    const last = before.get(name) ?? { past: [], now: undefined }
    const is = works(verdict)
    if (brokenAt === undefined && last.now?.works === is) return [name, last] as const
    return [
      name,
      { ...closed(last, brokenAt ?? at), now: is === undefined ? undefined : { from: at, works: is } },
    ] as const
  })
  return asBefore(before, held)
}
