import type { Blocker } from '../assess/assessment.ts'
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
}

/** A mail path of an incident. */
export interface Affected {
  readonly name: string
  readonly from: number
  /** Undefined while its mail cannot be sent. */
  readonly to?: number | undefined
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

/** What healed, the first of it first. */
export const healedOf = ({ causes }: Incident): readonly (Cause & { readonly to: number })[] =>
  causes.flatMap(cause => (cause.to === undefined ? [] : [{ ...cause, to: cause.to }])).sort((a, b) => a.to - b.to)

const later = (at: number | undefined, byMs: number): number | undefined => (at === undefined ? undefined : at + byMs)

/** The incident as it would be if the clock had always been that many milliseconds ahead. */
export const shiftIncident = (incident: Incident, byMs: number): Incident => ({
  ...incident,
  startedAt: incident.startedAt + byMs,
  endedAt: later(incident.endedAt, byMs),
  paths: incident.paths.map(one => ({ ...one, from: one.from + byMs, to: later(one.to, byMs) })),
  roots: incident.roots.map(one => ({ ...one, at: one.at + byMs })),
  causes: incident.causes.map(one => ({ ...one, from: one.from + byMs, to: later(one.to, byMs) })),
})
