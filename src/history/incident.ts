import type { Blocker, MailStatus } from '../assess/assessment.ts'
import type { Verdict } from '../core/probe.ts'
import { cut } from '../core/shown.ts'

/** A time in which mail of one or more mail paths could not be sent. Times are in milliseconds since the epoch. */
export interface Incident {
  /** Counts up from 1. */
  readonly number: number
  readonly startedAt: number
  /** False: it was so already when the exporter first looked, or began while nobody looked. */
  readonly startExact: boolean
  /** When the last of its mail paths could send mail again; undefined while the incident lasts. */
  readonly endedAt?: number | undefined
  /**
   * False: it ended while nobody looked or it was not known, and `endedAt` is the first look after that; or nobody has looked
   * since, or its mail paths are no longer configured.
   */
  readonly endExact: boolean
  /** How often all mail worked again, and then for less than five minutes. */
  readonly interruptions: number
  /** For so long of it nobody looked, or it was unknown whether mail can be sent. */
  readonly unseenMs: number
  /** In the order in which they went down. */
  readonly paths: readonly Affected[]
  /** What was the one thing to fix, from when on. Oldest first. */
  readonly roots: readonly RootFrom[]
  /** All that blocked mail, in the order of appearance. */
  readonly causes: readonly Cause[]
  /** Some roots or causes are left out: there were too many. */
  readonly isCut: boolean
  /** How many roots are left out. */
  readonly rootsLeftOut: number
  /** So many causes at least are left out: the most of them that there were at one look. */
  readonly causesLeftOut: number
}

/** One look, as incidents see it. */
export interface Moment {
  readonly at: number
  readonly mail: readonly MailStatus[]
  /** Nobody looked for so long before this look. */
  readonly unseenMs: number
  /** The look before is so old. */
  readonly sinceMs: number
  /** The verdict at the look before; undefined if there is none, or if nobody looked for some time since. */
  readonly verdictBefore: (path: string) => Verdict | undefined
  /** Whether a cause, by `causeKey`, blocked the mail path at the look before. */
  readonly wasBlocked: (path: string, cause: string) => boolean
  /** Whether the check of a cause is still configured. */
  readonly isConfigured: (cause: Blocked) => boolean
}

/** A mail path of an incident. */
export interface Affected {
  readonly name: string
  readonly from: number
  /** Undefined while its mail cannot be sent. */
  readonly to?: number | undefined
  /** It ended because the mail path is not configured any longer. */
  readonly isRemoved?: boolean | undefined
  /** `causeKey` of its root. */
  readonly root?: string | undefined
}

/** A blocker, as it is kept. */
export interface Blocked {
  readonly probe: string
  readonly target: string
  readonly code: string
  /** What was said when it was first seen, without secrets. */
  readonly text: string
}

/** From this moment on it was the root of these mail paths. */
export interface RootFrom extends Blocked {
  readonly at: number
  readonly paths: readonly string[]
}

/** A blocker with the time in which it blocked mail. */
export interface Cause extends Blocked {
  readonly from: number
  /** Undefined while it blocks mail, and in an incident of which nobody saw the end. */
  readonly to?: number | undefined
  /** It ended because it, or the mail that it blocked, is not configured any longer: nobody saw it heal. */
  readonly isRemoved?: boolean | undefined
  /** The mail paths that it blocked, by their places in `paths` of the incident. */
  readonly paths: readonly number[]
}

/** Longest text that is kept of a reason. */
const longestText = 200

export const blockedOf = ({ probe, target, reason }: Pick<Blocker, 'probe' | 'target' | 'reason'>): Blocked => ({
  probe,
  target,
  code: reason.code,
  // A copy, since V8 keeps the whole text of which this is a part.
  text: structuredClone(cut(reason.text, longestText)),
})

/** A cause that blocks mail no longer. */
export type Ended = Cause & { readonly to: number }

/** What healed, the first of it first. */
export const healedOf = ({ causes }: Incident): readonly Ended[] => ended(causes.filter(one => one.isRemoved !== true))

/** What is not configured any longer, the first of it first: nobody saw it heal. */
export const removedOf = ({ causes }: Incident): readonly Ended[] => ended(causes.filter(one => one.isRemoved === true))

const ended = (causes: readonly Cause[]): readonly Ended[] =>
  causes.flatMap(cause => (cause.to === undefined ? [] : [{ ...cause, to: cause.to }])).sort((a, b) => a.to - b.to)

/** The mail paths that it blocked, by name. */
export const blockedBy = ({ paths }: Incident, cause: Cause): readonly string[] =>
  cause.paths.flatMap(place => paths[place]?.name ?? [])

/** The incident with every moment moved. `now` is the moment until which an open one lasts. */
export function moveIncident(incident: Incident, move: (ms: number) => number, now: number): Incident {
  const { startedAt, endedAt, unseenMs } = incident
  const later = (at: number | undefined): number | undefined => (at === undefined ? undefined : move(at))
  const end = endedAt ?? now
  const length = move(end) - move(startedAt)
  // What it gets shorter by was never there, so nobody can have missed it.
  const shorter = end - startedAt - length
  return {
    ...incident,
    startedAt: move(startedAt),
    endedAt: later(endedAt),
    unseenMs: Math.max(0, Math.min(length, unseenMs - shorter)),
    paths: incident.paths.map(one => ({ ...one, from: move(one.from), to: later(one.to) })),
    roots: incident.roots.map(one => ({ ...one, at: move(one.at) })),
    causes: incident.causes.map(one => ({ ...one, from: move(one.from), to: later(one.to) })),
  }
}
