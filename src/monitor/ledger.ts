import { assess } from '../assess/assess.ts'
import { shiftMemory, type Assessment, type Plan } from '../assess/assessment.ts'
import { staleAt } from '../assess/freshness.ts'
import type { Own } from '../assess/starved.ts'
import { watchClock } from '../core/clock.ts'
import type { Logger } from '../core/log.ts'
import { checkId, type Observation, type Reason, type Verdict } from '../core/probe.ts'
import type { Ran } from './run.ts'
import { wanting } from '../core/starved.ts'
import type { Resource } from '../core/want.ts'
import { withFailed, type FailedRun } from './failed-runs.ts'

/** What is kept of a check besides its last observation. */
export interface CheckRecord {
  readonly runs: number
  readonly failures: number
  /** Milliseconds since the epoch. */
  readonly lastOkAt: number | undefined
  /** Verdicts of the last runs, oldest first. */
  readonly history: readonly Verdict[]
  /** The last runs that failed or were unknown, oldest first. */
  readonly failed: readonly FailedRun[]
}

/** The one value that all outputs render. */
export interface Status extends Assessment {
  readonly records: ReadonlyMap<string, CheckRecord>
  /** Milliseconds since the epoch. */
  readonly startedAt: number
}

/** What was observed, and what follows from it. */
export interface Ledger {
  /** It is assessed soon, together with what else is recorded by then. */
  record(ran: Ran): void
  /**
   * As of now: a check goes stale even when nothing runs. While nothing happens it is the same object for up to a second,
   * so that what is rendered of it can be kept by whoever asks often.
   */
  assess(): Status
  /** From now on it is about these. Of a check that is not among them as it was, nothing is left, its counters included. */
  replan(plan: Plan): void
  /** Every check has been recorded. */
  ready(): boolean
}

/** How many verdicts of a check are remembered. */
export const historyLength = 50
const newRecord: CheckRecord = { runs: 0, failures: 0, lastOkAt: undefined, history: [], failed: [] }
/** An assessment is of everything: what is recorded waits this long for more of it. */
const gatherMs = 20
/** However many checks there are, assessments take no more than this part of the time. */
const assessShare = 1 / 50
/** What only grows with time, as the seconds of an outage, may be as old as this. */
const holdMs = 1_000

/** No check has such an id. */
const pathId = (name: string): string => `mail path ${name}`

/** `assessed` is called after each assessment of something new; `own` gives what the exporter notices of itself. */
export function createLedger(
  first: Plan,
  log: Logger,
  assessed: (assessment: Assessment) => void,
  own: () => readonly Own[] = () => [],
): Ledger {
  let plan = first
  let startedAt = Date.now()
  const clockStep = watchClock()
  const latest = new Map<string, Observation>()
  const records = new Map<string, CheckRecord>()
  const told = new Map<string, Verdict>()
  /** What the exporter was last said to be short of. */
  let short: ReadonlySet<Resource> = new Set()
  /** Recorded and not assessed yet. */
  const fresh = new Map<string, Ran>()
  let gathering: ReturnType<typeof setTimeout> | undefined
  let assessMs = 0
  let assessment = assess(plan, undefined, latest, startedAt)
  /** The last status, and until when it holds if nothing is recorded: by both clocks. */
  let held: { readonly status: Status; readonly untilStale: number; readonly until: number } | undefined

  let isReady = false
  const ready = (): boolean => (isReady ||= plan.checks.every(check => latest.has(checkId(check))))

  /**
   * Ages and outages are differences of times, so a clock that was set is followed. Set back, what was seen is as old as
   * before. Set forward, it may be that the machine slept: then what was seen is as old as it looks, and its checks are
   * unknown until they have run again.
   */
  const followClock = (): void => {
    const by = clockStep()
    if (by === 0) return
    held = undefined
    log.warn({ seconds: Math.round(by / 1000) }, 'the clock was set, or the machine slept')
    assessment = { ...assessment, memory: shiftMemory(assessment.memory, by) }
    if (by > 0) return
    startedAt += by
    for (const [id, { startedAt: from, finishedAt: to, ...rest }] of latest)
      latest.set(id, { ...rest, startedAt: from + by, finishedAt: to + by })
    for (const [id, { lastOkAt, failed, ...rest }] of records)
      records.set(id, {
        ...rest,
        lastOkAt: lastOkAt === undefined ? undefined : lastOkAt + by,
        failed: failed.map(one => ({ ...one, startedAt: one.startedAt + by })),
      })
  }

  /** A line for each change of a verdict, and none while it stays. */
  const tell = (id: string, to: Verdict, about: object, reason: Reason | undefined, text: string): void => {
    const from = told.get(id)
    if (from === to) return
    told.set(id, to)
    log[to === 'ok' ? 'info' : 'warn']({ ...about, from, to, reason: reason?.code }, text)
  }

  /** Once, and not for each check that it holds up. */
  const tellStarved = (): void => {
    const now = new Set(assessment.starved.map(({ resource }) => resource))
    for (const { resource, reason, checks } of assessment.starved)
      if (!short.has(resource))
        log.warn({ reason: reason.code, resource, checks: checks.length, remedy: reason.remedy }, reason.text)
    for (const resource of short)
      if (!now.has(resource)) log.info({ resource }, `the exporter is no longer short of ${wanting[resource]}`)
    short = now
  }

  const tellAll = (): void => {
    tellStarved()
    for (const { id, probe, target, verdict, reasons, evidence, observation } of assessment.checks)
      if (observation && reasons[0]?.want === undefined) tell(id, verdict, { probe, target }, reasons[0], evidence)
    if (!ready()) return
    for (const { name, verdict, root } of assessment.mail)
      tell(pathId(name), verdict, { mail_path: name }, root?.reason, root?.reason.text ?? 'nothing blocks mail')
  }

  /** By the verdict of the assessment: what is found of one check may change how another stands. */
  const keepRecords = (): void => {
    for (const check of assessment.checks) {
      const { id, verdict } = check
      const ran = fresh.get(id)
      if (!ran) continue
      const { runs, failures, lastOkAt, history, failed } = records.get(id) ?? newRecord
      records.set(id, {
        runs: runs + 1,
        failures: failures + Number(verdict === 'fail'),
        lastOkAt: verdict === 'ok' ? ran.finishedAt : lastOkAt,
        history: [...history, verdict].slice(-historyLength),
        failed: withFailed(failed, ran, check, history.at(-1)),
      })
    }
    fresh.clear()
  }

  const assessNow = (): Status => {
    clearTimeout(gathering)
    gathering = undefined
    followClock()
    const from = performance.now()
    assessment = assess(plan, assessment.memory, latest, Date.now(), own())
    assessMs = performance.now() - from
    const isNew = fresh.size > 0
    keepRecords()
    tellAll()
    const status = { ...assessment, records, startedAt }
    held = { status, untilStale: Math.min(...assessment.checks.map(staleAt)), until: from + holdMs }
    if (isNew) assessed(assessment)
    return status
  }

  const status = (): Status => {
    followClock()
    const holds = held && performance.now() < held.until && Date.now() <= held.untilStale
    return held && holds ? held.status : assessNow()
  }

  return {
    record(ran) {
      // What most runs did nobody wants to know: the transcript goes once it is assessed.
      const { transcript: _, timedOut: __, heldUpMs: ___, ...observation } = ran
      const id = checkId(ran)
      if (fresh.has(id)) assessNow()
      followClock()
      held = undefined
      latest.set(id, observation)
      fresh.set(id, ran)
      gathering ??= setTimeout(assessNow, Math.max(gatherMs, assessMs / assessShare))
    },
    assess: status,
    replan(next) {
      const kept = new Set(next.checks.filter(check => plan.checks.includes(check)).map(checkId))
      for (const kind of [latest, records, fresh]) for (const id of kind.keys()) if (!kept.has(id)) kind.delete(id)
      const stays = new Set([...kept, ...next.mail.map(({ name }) => pathId(name))])
      for (const id of told.keys()) if (!stays.has(id)) told.delete(id)
      plan = next
      isReady = false
      assessNow()
    },
    ready,
  }
}
