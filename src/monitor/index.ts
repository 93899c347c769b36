import { once, setMaxListeners } from 'node:events'
import type { Assessment, Plan } from '../assess/assessment.ts'
import { clusterOf } from '../assess/nodes.ts'
import type { Own } from '../assess/starved.ts'
import type { Logger } from '../core/log.ts'
import { checkId, type Check } from '../core/probe.ts'
import type { Past } from '../history/remember.ts'
import { createLedger, type Status } from './ledger.ts'
import type { References } from './look.ts'
import type { Ran } from './run.ts'
import { every, offsetOf, spreadMs } from './scheduler.ts'
import { swapTurns, type Changes } from './swap.ts'
import { createTurn, isAlive, runTurn, type Turn } from './turn.ts'
import { createWaker, type Cause, type Waker } from './wake.ts'

/** Runs checks, each on its interval. */
export interface Monitor {
  /** The status as of now: a check goes stale even when nothing runs. */
  status(): Status
  /**
   * Runs every check once, all at the same time but for those that use what others find. Twice where the first look only
   * raised a suspicion. Gives the runs.
   */
  runAll(stop: AbortSignal): Promise<readonly Ran[]>
  /** The checks of the current plan. */
  checks(): readonly Check[]
  /** The run of the check that is under way, if there is one. */
  underWay(id: string): Promise<Ran | undefined> | undefined
  /**
   * Runs the check now, with a login of its own, or joins the run under way. Undefined where the run was cut off, or there
   * is no such check.
   */
  runNow(id: string): Promise<Ran | undefined>
  /** Runs every check on its interval, until `stop` aborts and the last run has ended. */
  run(stop: AbortSignal): Promise<void>
  /**
   * Takes another plan. A check that is as before keeps its phase, its counters, and a run under way. Of a check that is
   * gone, or is another one now, the run under way is cut off and not recorded.
   */
  swap(plan: Plan, references: References): Changes
  /** Somebody has seen the status: what is shown only until then ends. */
  acknowledge(): void
  /** How often the checks of each cluster with watches were run out of turn. */
  wakeups: Waker['counts']
  /** Every check has run. */
  ready(): boolean
  /** What happened, as of the last assessment. */
  past(): Past | undefined
  /** No loop hangs. */
  alive(): boolean
}

/**
 * One file for each part: `turn` runs a check, `ledger` keeps and assesses what was found, `wake` says what to run out of turn.
 * They call nothing of this file. All that they find comes back here, and here it is decided what runs next:
 *
 * a loop, a request or a round → `runOnce` → `record` → `assess` → `followUp` → what is to be run out of turn.
 *
 * `own` gives what the exporter notices of itself, and `past` what is known of the time before.
 */
export function createMonitor(
  first: Plan,
  firstReferences: References,
  log: Logger,
  own?: () => readonly Own[],
  past?: Past,
): Monitor {
  let plan = first
  let references = firstReferences
  const ledger = createLedger(first, log, own, past)
  const waker = createWaker(log)
  const turnOf = (check: Check): Turn => createTurn(check, () => references)
  let turns: ReadonlyMap<string, Turn> = new Map(first.checks.map(check => [checkId(check), turnOf(check)]))
  /** Set once the loops run. */
  let running: AbortSignal | undefined
  /** Loops and bursts that have not ended. */
  const ongoing = new Set<Promise<unknown>>()
  let gathering: ReturnType<typeof setTimeout> | undefined

  const track = (work: Promise<unknown>): void => {
    const tracked: Promise<unknown> = work.finally(() => ongoing.delete(tracked))
    ongoing.add(tracked)
  }

  /** One run of a check at a time: who comes while it is under way waits for the same one. */
  const runOnce = (turn: Turn, stop: AbortSignal, ownLogin = false): Promise<Ran | undefined> => {
    if (turn.underWay) return turn.underWay
    turn.lastTick = performance.now()
    turn.underWay = runTurn(turn, () => references, stop, ownLogin)
      .then(ran => ran && record(turn, ran))
      .finally(() => {
        turn.underWay = undefined
        turn.lastTick = performance.now()
      })
    return turn.underWay
  }

  const record = (turn: Turn, ran: Ran): Ran | undefined => {
    const id = checkId(ran)
    // Its check may have been taken out of the plan in the moment in which it ended.
    if (turns.get(id) !== turn) return undefined
    if (ledger.isPending(id)) assess()
    ledger.record(ran)
    gathering ??= setTimeout(assess, ledger.gatherMs())
    turn.failed = ran.verdict === 'fail'
    if (running) {
      tend(turn, ran)
      turn.again.after(ran, () => runOnce(turn, turn.stop.signal))
    }
    return ran
  }

  const assess = (): Status => {
    clearTimeout(gathering)
    gathering = undefined
    const { status, isNew } = ledger.assess()
    if (isNew) followUp(status)
    return status
  }

  const followUp = ({ recheck, roles }: Assessment): void => {
    const changed = waker.assessed(roles)
    if (!running || running.aborted) return
    void runThese(recheck, running)
    for (const cluster of changed) void wake(cluster, { text: 'a role changed', isChange: true }, running)
  }

  const runThese = (ids: readonly string[], stop: AbortSignal): Promise<(Ran | undefined)[]> =>
    Promise.all(
      ids.flatMap(id => {
        const turn = turns.get(id)
        return turn ? [runOnce(turn, running ? turn.stop.signal : stop)] : []
      }),
    )

  /** Opens or closes the watch after a run. Not `async`: it would keep the run, with its transcript, for as long as the watch. */
  const tend = ({ check, keeper }: Turn, ran: Ran): void => {
    void keeper.after(ran).then(isLost => (isLost ? lost(check, keeper) : undefined))
  }

  /** The target ended the watch of a check: something may have happened to its cluster. */
  const lost = async (check: Check, keeper: Turn['keeper']): Promise<void> => {
    if (!running) return
    const text = `${checkId(check)} ended its watch`
    keeper.endWas(await wake(clusterOf(check), { text, isChange: false }, running))
  }

  /** Looks at a cluster out of turn. Gives whether anything had changed. */
  const wake = (cluster: string, cause: Cause, stop: AbortSignal): Promise<boolean> => {
    const rounds = waker.wake(cluster, cause, stop)
    const runRounds = async (): Promise<boolean> => {
      for (;;) {
        const { done, value } = await rounds.next()
        if (done) return value
        if (value.looked) void lookFirst(value.checks, stop).then(value.looked)
        else void runThese(value.checks, stop)
      }
    }
    const woken = runRounds()
    track(woken)
    return woken
  }

  const lookFirst = async (ids: readonly string[], stop: AbortSignal): Promise<void> => {
    const look = async (id: string): Promise<void> => {
      await turns.get(id)?.underWay
      await runThese([id], stop)
    }
    await Promise.all(ids.map(look))
    assess()
  }

  const loop = async (turn: Turn): Promise<void> => {
    const { check, stop, keeper, again } = turn
    const offsetMs = offsetOf(checkId(check), Math.min(spreadMs(turns.size), check.intervalMs))
    await every(check.intervalMs, offsetMs, stop.signal, () => {
      again.inTurn()
      return runOnce(turn, stop.signal)
    })
    // A run out of turn may have begun since.
    await turn.underWay
    await keeper.ended()
  }

  return {
    status: assess,
    checks: () => [...turns.values()].map(({ check }) => check),
    underWay: id => turns.get(id)?.underWay,
    async runNow(id) {
      const turn = turns.get(id)
      return turn && runOnce(turn, turn.stop.signal, true)
    },
    async runAll(stop) {
      // Each check listens for it: more than ten are no leak.
      setMaxListeners(0, stop)
      const isLater = ({ check }: Turn): boolean => (check.after ?? []).length > 0
      const early = [...turns]
        .filter(([, turn]) => !isLater(turn))
        .map(([id, turn]) => [id, runOnce(turn, stop)] as const)
      const begun = new Map(early)
      const late = [...turns.values()].filter(isLater).map(async turn => {
        await Promise.all((turn.check.after ?? []).flatMap(id => begun.get(id) ?? []))
        return runOnce(turn, stop)
      })
      const ran = await Promise.all([...begun.values(), ...late])
      const again = await runThese(assess().recheck, stop)
      assess()
      return [...ran, ...again].filter(one => one !== undefined)
    },
    async run(stop) {
      running = stop
      for (const turn of turns.values()) track(loop(turn))
      if (!stop.aborted) await once(stop, 'abort')
      for (const turn of turns.values()) turn.stop.abort(stop.reason)
      await Promise.all(ongoing)
      assess()
    },
    swap(next, nextReferences) {
      const { turns: now, started, ended, changes, isChange } = swapTurns(turns, plan, next, turnOf)
      references = nextReferences
      turns = now
      plan = next
      if (!isChange) return changes
      for (const turn of ended) turn.stop.abort(new Error('the configuration was changed'))
      ledger.replan({ ...next, checks: [...now.values()].map(({ check }) => check) })
      assess()
      if (running && !running.aborted) for (const turn of started) track(loop(turn))
      return changes
    },
    acknowledge: () => ledger.acknowledge(),
    wakeups: () => waker.counts(),
    ready: () => ledger.ready(),
    past: () => ledger.past(),
    alive: () => [...turns.values()].every(isAlive),
  }
}
