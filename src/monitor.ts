import { assess } from './assess/assess.ts'
import type { Assessment, Plan } from './assess/assessment.ts'
import type { Logger } from './core/log.ts'
import { checkId, type Check, type Observation, type Reason, type Verdict } from './core/probe.ts'
import { run, type References } from './core/run.ts'
import { every, offsetOf } from './core/scheduler.ts'

/** What is kept of a check besides its last observation. */
export interface CheckRecord {
  readonly runs: number
  readonly failures: number
  /** Milliseconds since the epoch. */
  readonly lastOkAt: number | undefined
  /** Verdicts of the last runs, oldest first. */
  readonly history: readonly Verdict[]
}

/** The one value that all outputs render. */
export interface Status extends Assessment {
  readonly records: ReadonlyMap<string, CheckRecord>
  /** Milliseconds since the epoch. */
  readonly startedAt: number
}

/** Runs checks and keeps what follows from them. */
export interface Monitor {
  /** As of now: a check goes stale even when nothing runs. */
  status(): Status
  /** Every check once, all at the same time; twice where the first look only raised a suspicion. */
  runAll(stop: AbortSignal): Promise<void>
  /** Every check on its interval, until `stop` aborts and the last run has ended. */
  watch(stop: AbortSignal): Promise<void>
  /** Every check has run. */
  ready(): boolean
  /** No loop hangs. */
  alive(): boolean
}

/** How many verdicts of a check are remembered. */
export const historyLength = 50
const newRecord: CheckRecord = { runs: 0, failures: 0, lastOkAt: undefined, history: [] }
/** The first runs are spread over this long, so that a start is not a burst. */
const spreadMs = 1_000

export function createMonitor(plan: Plan, references: References, log: Logger): Monitor {
  const startedAt = Date.now()
  const latest = new Map<string, Observation>()
  const records = new Map<string, CheckRecord>()
  const inFlight = new Map<string, Promise<void>>()
  const lastTurn = new Map<string, number>()
  const told = new Map<string, Verdict>()
  let assessment = assess(plan, undefined, latest, startedAt)

  const ready = (): boolean => plan.checks.every(check => latest.has(checkId(check)))

  /** A line for each change of a verdict, and none while it stays. */
  const tell = (id: string, to: Verdict, about: object, reason: Reason | undefined, text: string): void => {
    const from = told.get(id)
    if (from === to) return
    told.set(id, to)
    log[to === 'ok' ? 'info' : 'warn']({ ...about, from, to, reason: reason?.code }, text)
  }

  /** What is found of one check may change how another stands: a write path is told by the nodes where it lands. */
  const reassess = (): void => {
    assessment = assess(plan, assessment.memory, latest, Date.now())
    for (const { id, probe, target, verdict, reasons, evidence, observation } of assessment.checks)
      if (observation) tell(id, verdict, { probe, target }, reasons[0], evidence)
    if (!ready()) return
    for (const { name, verdict, root } of assessment.mail)
      tell(`mail path ${name}`, verdict, { mail_path: name }, root?.reason, root?.reason.text ?? 'nothing blocks mail')
  }

  const record = (observation: Observation): void => {
    const id = checkId(observation)
    latest.set(id, observation)
    reassess()
    const status = assessment.checks.find(check => check.id === id)
    if (!status) return
    const { runs, failures, lastOkAt, history } = records.get(id) ?? newRecord
    records.set(id, {
      runs: runs + 1,
      failures: failures + Number(status.verdict === 'fail'),
      lastOkAt: status.verdict === 'ok' ? observation.finishedAt : lastOkAt,
      history: [...history, status.verdict].slice(-historyLength),
    })
  }

  /** One run at a time: who comes while it is under way waits for the same one. */
  const runOnce = (check: Check, stop: AbortSignal): Promise<void> => {
    const id = checkId(check)
    const underWay = inFlight.get(id)
    if (underWay) return underWay
    lastTurn.set(id, Date.now())
    const turn = run(check, references, stop)
      .then(observation => {
        if (observation) record(observation)
      })
      .finally(() => {
        inFlight.delete(id)
        lastTurn.set(id, Date.now())
      })
    inFlight.set(id, turn)
    return turn
  }

  /** Decides at once what is only suspected: see `Assessment.recheck`. */
  const settle = async (stop: AbortSignal): Promise<void> => {
    const suspects = plan.checks.filter(check => assessment.recheck.includes(checkId(check)))
    await Promise.all(suspects.map(check => runOnce(check, stop)))
  }

  return {
    status() {
      reassess()
      return { ...assessment, records, startedAt }
    },
    async runAll(stop) {
      await Promise.all(plan.checks.map(check => runOnce(check, stop)))
      await settle(stop)
    },
    async watch(stop) {
      const loops = plan.checks.map(check =>
        every(check.intervalMs, offsetOf(checkId(check), Math.min(spreadMs, check.intervalMs)), stop, async () => {
          await runOnce(check, stop)
          await settle(stop)
        }),
      )
      await Promise.all(loops)
    },
    ready,
    alive: () =>
      plan.checks.every(
        check => Date.now() - (lastTurn.get(checkId(check)) ?? startedAt) < 3 * check.intervalMs + check.timeoutMs,
      ),
  }
}
