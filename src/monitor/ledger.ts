import { assess } from '../assess/assess.ts'
import { acknowledged, shiftMemory, type Assessment, type CheckStatus, type Plan } from '../assess/assessment.ts'
import { overdueAt } from '../assess/canary.ts'
import { staleAt } from '../assess/freshness.ts'
import type { Own } from '../assess/starved.ts'
import { clockSteps } from '../core/clock.ts'
import type { Logger } from '../core/log.ts'
import { checkId, type Observation, type Verdict } from '../core/probe.ts'
import { emptyHistory, type History } from '../history/history.ts'
import { setBack, withGap, type Gap } from '../history/gaps.ts'
import { movePast, remember, unseenHistory, withoutChecks, type Past } from '../history/remember.ts'
import { withFailed, type FailedRun } from './failed-runs.ts'
import type { Ran } from './run.ts'
import { createVerdictLog } from './verdict-log.ts'

/** What is kept of a check in addition to its last observation. */
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

/** How many verdicts of a check are kept. */
export const historyLength = 50

/** The one value that all outputs render. */
export interface Status extends Assessment {
  readonly records: ReadonlyMap<string, CheckRecord>
  /** What happened until now. Nothing is added before every check has run. */
  readonly history: History
  /** Milliseconds since the epoch. */
  readonly startedAt: number
}

/** What was observed, and what follows from it. It calls nothing above it, and has no timers. */
interface Ledger {
  /** Takes in a run. It counts from the next assessment on. */
  record(ran: Ran): void
  /** A run of this check waits to be assessed. It must be, before the next run of the check is recorded. */
  isPending(id: string): boolean
  /** How long an assessment should wait for more runs, in milliseconds. */
  gatherMs(): number
  /**
   * The status as of now: a check goes stale even when nothing runs. While nothing happens it is the same object for up to
   * a second, so that what is rendered of it can be cached.
   */
  assess(): Assessed
  /** Sets what the ledger is about. It forgets every check that is not in the plan as the same object. */
  replan(plan: Plan): void
  /** Somebody has seen the status: what is shown only until then ends. */
  acknowledge(): void
  /** Every check has been recorded. */
  ready(): boolean
  /** What happened, as of the last assessment. */
  past(): Past | undefined
}

interface Assessed {
  readonly status: Status
  /** Runs were recorded since the assessment before. */
  readonly isNew: boolean
}

/** An assessment is of everything, so what is recorded waits this long for more. */
const gatherMs = 20
/** With many checks the wait is longer: assessments take at most this part of the time. */
const assessShare = 1 / 100
/** What only grows with time, as the seconds of an outage, may be this old. */
const holdMs = 1_000

/** `own` gives what the exporter notices of itself, and `before` what is known of the time before. */
export function createLedger(first: Plan, log: Logger, own: () => readonly Own[] = () => [], before?: Past): Ledger {
  let plan = first
  let startedAt = Date.now()
  const clockStep = clockSteps()
  const verdictLog = createVerdictLog(log)
  const latest = new Map<string, Observation>()
  /** Never changed, since it is part of every status: what is rendered over several turns is of one moment. */
  let records: ReadonlyMap<string, CheckRecord> = new Map()
  /** Recorded and not assessed yet. */
  const pending = new Map<string, Ran>()
  let assessMs = 0
  let assessment = assess(plan, undefined, latest, startedAt)
  let past = before
  /** When the clock was set forward, or nobody looked. */
  let gaps: readonly Gap[] = before?.gaps ?? []
  /** The last status, and until when it holds if nothing is recorded: by both clocks. */
  let held: { readonly status: Status; readonly untilStale: number; readonly until: number } | undefined

  let isReady = false
  const ready = (): boolean => (isReady ||= plan.checks.every(check => latest.has(checkId(check))))

  /**
   * Ages and outages are differences of times, so they have to follow a clock that was set. Set forward: the machine may have
   * slept, so everything is as old as it looks, and the checks are unknown until they have run again. Set back: everything
   * since the clock was set forward keeps its age, and what was before that keeps its time. See `setBack`.
   */
  const followClock = (): void => {
    const by = clockStep()
    if (by === 0) return
    held = undefined
    log.warn({ seconds: Math.round(by / 1000) }, 'the clock was set, or the machine slept')
    assessment = { ...assessment, memory: shiftMemory(assessment.memory, by) }
    if (by > 0) {
      gaps = withGap(gaps, { from: Math.max(past?.at ?? startedAt, Date.now() - by), ms: by })
      past = past && { ...past, gaps }
      return
    }
    const back = setBack(gaps, -by)
    const { move } = back
    gaps = back.gaps
    startedAt = move(startedAt)
    past = past && { ...movePast(past, move), gaps }
    for (const [id, { startedAt: from, finishedAt: to, ...rest }] of latest)
      latest.set(id, { ...rest, startedAt: move(from), finishedAt: move(to) })
    records = new Map([...records].map(([id, record]) => [id, moveRecord(record, move)]))
  }

  const assessNow = (): Assessed => {
    const from = performance.now()
    assessment = assess(plan, assessment.memory, latest, Date.now(), own())
    assessMs = performance.now() - from
    const isNew = pending.size > 0
    if (isNew) records = withRuns(records, pending, assessment.checks)
    pending.clear()
    verdictLog.write(assessment, ready())
    if (ready()) {
      const next = remember(past, assessment)
      past = past ? next : { ...next, gaps }
      gaps = past.gaps
    }
    const history = past && (ready() ? past.history : unseenHistory(past, assessment.at))
    const status = { ...assessment, records, history: history ?? emptyHistory, startedAt }
    const ends = assessment.checks.map(check => Math.min(staleAt(check), overdueAt(check)))
    held = { status, untilStale: Math.min(...ends), until: from + holdMs }
    return { status, isNew }
  }

  return {
    record(ran) {
      // The transcript is not kept: most runs are fine, and their transcripts are never read.
      const { transcript: _, timedOut: __, heldUpMs: ___, againInMs: ____, ...observation } = ran
      const id = checkId(ran)
      followClock()
      held = undefined
      latest.set(id, observation)
      pending.set(id, ran)
    },
    isPending: id => pending.has(id),
    gatherMs: () => Math.max(gatherMs, assessMs / assessShare),
    assess() {
      followClock()
      const holds = held && performance.now() < held.until && Date.now() <= held.untilStale
      return held && holds ? { status: held.status, isNew: false } : assessNow()
    },
    replan(next) {
      const kept = new Set(next.checks.filter(check => plan.checks.includes(check)).map(checkId))
      for (const kind of [latest, pending]) for (const id of kind.keys()) if (!kept.has(id)) kind.delete(id)
      records = new Map([...records].filter(([id]) => kept.has(id)))
      verdictLog.keep(kept, next.mail)
      past = past && withoutChecks(past, id => kept.has(id))
      plan = next
      isReady = false
      held = undefined
    },
    acknowledge() {
      assessment = { ...assessment, memory: acknowledged(assessment.memory) }
      held = undefined
    },
    ready,
    past: () => past,
  }
}

const empty: CheckRecord = { runs: 0, failures: 0, lastOkAt: undefined, history: [], failed: [] }

function withRuns(
  records: ReadonlyMap<string, CheckRecord>,
  runs: ReadonlyMap<string, Ran>,
  checks: readonly CheckStatus[],
): ReadonlyMap<string, CheckRecord> {
  const now = new Map(records)
  for (const check of checks) {
    const ran = runs.get(check.id)
    if (ran) now.set(check.id, withRun(records.get(check.id), ran, check))
  }
  return now
}

/** The record with one more run. It counts the verdict of the assessment, since other checks may change that of the run. */
function withRun(before: CheckRecord | undefined, ran: Ran, check: CheckStatus): CheckRecord {
  const { runs, failures, lastOkAt, history, failed } = before ?? empty
  const { verdict } = check
  return {
    runs: runs + 1,
    failures: failures + Number(verdict === 'fail'),
    lastOkAt: verdict === 'ok' ? ran.finishedAt : lastOkAt,
    history: [...history, verdict].slice(-historyLength),
    failed: withFailed(failed, ran, check, history.at(-1)),
  }
}

const moveRecord = ({ lastOkAt, failed, ...rest }: CheckRecord, move: (ms: number) => number): CheckRecord => ({
  ...rest,
  lastOkAt: lastOkAt === undefined ? undefined : move(lastOkAt),
  failed: failed.map(one => ({ ...one, startedAt: move(one.startedAt) })),
})
