import type { Blocker } from '../assess/assessment.ts'
import { checkId, type Verdict } from '../core/probe.ts'
import type { Blocked, Incident } from './incident.ts'
import type { Seen } from './uptime.ts'

/** Since when something holds. */
export interface Since {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** False: it was so already when the exporter first looked. Then read "at least since". */
  readonly exact: boolean
}

/** A verdict, and since when it holds. */
export interface HeldVerdict extends Since {
  readonly verdict: Verdict
}

/** What happened, as far as the exporter has looked. Never changed: the next look makes another one. */
export interface History {
  /** Since when each mail path has its verdict, by its name. */
  readonly mail: ReadonlyMap<string, HeldVerdict>
  /** Since when each check has its verdict, by its id. */
  readonly checks: ReadonlyMap<string, HeldVerdict>
  /** Since when each blocker is there, by `blockerKey`. */
  readonly blockers: ReadonlyMap<string, Since>
  /** Newest first, 50 at most. */
  readonly incidents: readonly Incident[]
  /** How many incidents each mail path has had, by its name. */
  readonly counts: ReadonlyMap<string, number>
  /** When mail worked and when it did not, by mail path: see `uptimeOf`. */
  readonly uptime: ReadonlyMap<string, Seen>
}

export const emptyHistory: History = {
  mail: new Map(),
  checks: new Map(),
  blockers: new Map(),
  incidents: [],
  counts: new Map(),
  uptime: new Map(),
}

/** The key of a blocker of a mail path. Its text is no part of it, since that may tell the time. */
export const blockerKey = (path: string, blocker: Pick<Blocker, 'probe' | 'target' | 'reason'>): string =>
  blockerKeyOf(path, causeKey(blocker))

/** The same of a blocker by its `causeKey`. */
export const blockerKeyOf = (path: string, cause: string): string => `${path}: ${cause}`

/** The key of a blocker, whatever mail path it blocks. */
export const causeKey = ({ probe, target, reason }: Pick<Blocker, 'probe' | 'target' | 'reason'>): string =>
  blockedKey({ probe, target, code: reason.code })

/** The same key of a blocker as it is kept. */
export const blockedKey = (blocked: Pick<Blocked, 'probe' | 'target' | 'code'>): string =>
  `${checkId(blocked)} ${blocked.code}`
