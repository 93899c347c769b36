import { isDeepStrictEqual } from 'node:util'
import type { Plan } from '../assess/assessment.ts'
import { clusterOf } from '../assess/nodes.ts'
import type { Own } from '../assess/starved.ts'
import type { Logger } from '../core/log.ts'
import { checkId, type Check } from '../core/probe.ts'
import { pressureNow, wasHungry, wasStarved, type Pressure } from '../core/pressure.ts'
import { withoutCpu } from '../core/starved.ts'
import { run, type Ran, type References } from './run.ts'
import { every, offsetOf, spreadMs } from './scheduler.ts'
import { keepWatch, type Keeper } from './keeper.ts'
import { createLedger, type Status } from './ledger.ts'
import { createWaker, type Waker } from './wake.ts'

/** Runs checks, each on its interval. */
export interface Monitor {
  /** As of now: a check goes stale even when nothing runs. */
  status(): Status
  /** Every check once, all at the same time; twice where the first look only raised a suspicion. */
  runAll(stop: AbortSignal): Promise<void>
  /** All that there are now. */
  checks(): readonly Check[]
  /** The run of the check that is under way, if there is one. */
  underWay(id: string): Promise<Ran | undefined> | undefined
  /** Runs the check now, with a login of its own, or joins the run under way; undefined where it was cut off, or there is no such check. */
  runNow(id: string): Promise<Ran | undefined>
  /** Every check on its interval, until `stop` aborts and the last run has ended. */
  watch(stop: AbortSignal): Promise<void>
  /**
   * From now on these. A check that is as before keeps its phase, its counters, and a run under way; of one that is gone
   * or is another now, the run under way is cut off and not recorded.
   */
  swap(plan: Plan, references: References): Changes
  /** How often each cluster that is watched was looked at out of turn. */
  wakeups: Waker['counts']
  /** Every check has run. */
  ready(): boolean
  /** No loop hangs. */
  alive(): boolean
}

/** How many checks a swap left as they were, started and ended; one that was changed is ended and started. */
export interface Changes {
  readonly kept: number
  readonly started: number
  readonly ended: number
}

/** How long a second look may take, in milliseconds: a healthy server answers in that, and a dead one is told hardly later. */
export const secondLookMs = 1_000

/** Once the exporter stood still for so long during a run, its failure proves nothing, in milliseconds. */
const stoodStillMs = 1_000

/** A check that is in the plan now. */
interface Turn {
  readonly check: Check
  /** Aborts with the check, or with all of them. */
  readonly stop: AbortController
  readonly keeper: Keeper
  underWay: Promise<Ran | undefined> | undefined
  /** The last run failed. */
  failed: boolean
  /** By the monotonic clock. */
  lastTick: number
}

/** `own` gives what the exporter notices of itself. */
export function createMonitor(
  first: Plan,
  firstReferences: References,
  log: Logger,
  own?: () => readonly Own[],
): Monitor {
  let references = firstReferences
  let current = first
  /** Set while the loops run. */
  let stopAll: AbortSignal | undefined
  const loops = new Set<Promise<unknown>>()
  const ledger = createLedger(
    first,
    log,
    ({ recheck, roles }) => {
      if (stopAll && !stopAll.aborted) void runThese(recheck, stopAll)
      waker.assessed(roles, stopAll)
    },
    own,
  )
  const waker = createWaker(
    {
      afresh: async ids => {
        await Promise.all(ids.map(lookAfresh))
        ledger.assess()
      },
      again: ids => {
        if (stopAll) void runThese(ids, stopAll)
      },
    },
    log,
  )
  /** A run under way may have begun before there was reason to look. */
  const lookAfresh = async (id: string): Promise<void> => {
    await turns.get(id)?.underWay
    if (stopAll) await runThese([id], stopAll)
  }

  const turnOf = (check: Check): Turn => {
    const stop = new AbortController()
    const lost = async (): Promise<boolean> =>
      stopAll !== undefined && waker.wake(clusterOf(check), `${checkId(check)} ended its watch`, stopAll)
    const keeper = keepWatch(check, () => references, stop.signal, lost)
    return { check, stop, keeper, underWay: undefined, failed: false, lastTick: performance.now() }
  }
  let turns = new Map(first.checks.map(check => [checkId(check), turnOf(check)]))

  /**
   * Looks again where a check fails, and did not fail before: for want of time, while the machine was short of CPU, since it
   * may be the exporter, or a server beside it, that came too late; or while the exporter itself stood still, since a server
   * that waited in vain hangs up. These are the only cases in which a run is repeated.
   */
  const confirmed = async (ran: Ran, turn: Turn, before: Pressure, stop: AbortSignal): Promise<Ran | undefined> => {
    const isNew = ran.verdict === 'fail' && !turn.failed
    if (!isNew || stop.aborted) return ran
    if (ran.heldUpMs >= stoodStillMs) {
      const second = await run(turn.check, references, stop)
      if (second?.verdict !== 'fail') return second
      // It stands still in many short parts, where a CPU limit holds it back.
      const wasShort = second.heldUpMs >= stoodStillMs || (second.timedOut && wasHungry(before, pressureNow()))
      return wasShort ? withoutCpu(second) : second
    }
    if (!ran.timedOut || !wasStarved(before, pressureNow())) return ran
    const timeoutMs = Math.min(secondLookMs, turn.check.timeoutMs)
    const second = await run({ ...turn.check, timeoutMs }, references, stop)
    if (!second?.timedOut) return second
    return wasHungry(before, pressureNow()) ? withoutCpu(ran) : ran
  }

  /** One run at a time: who comes while it is under way waits for the same one. */
  const runOnce = (turn: Turn, stop: AbortSignal, afresh = false): Promise<Ran | undefined> => {
    if (turn.underWay) return turn.underWay
    turn.lastTick = performance.now()
    const { check, keeper } = turn
    const before = pressureNow()
    turn.underWay = run(afresh ? check : { ...check, look: look => keeper.look(look) }, references, stop)
      .then(async ran => (ran && (await keeper.gaveWay(ran)) ? run(check, references, stop) : ran))
      .then(ran => ran && confirmed(ran, turn, before, stop))
      .then(ran => {
        // It may have ended in the moment in which it was taken out of the plan.
        if (!ran || turns.get(checkId(check)) !== turn) return undefined
        ledger.record(ran)
        turn.failed = ran.verdict === 'fail'
        if (stopAll) keeper.after(ran)
        return ran
      })
      .finally(() => {
        turn.underWay = undefined
        turn.lastTick = performance.now()
      })
    return turn.underWay
  }

  const runThese = async (ids: readonly string[], stop: AbortSignal): Promise<void> => {
    await Promise.all(
      ids.flatMap(id => {
        const turn = turns.get(id)
        return turn ? [runOnce(turn, stopAll ? turn.stop.signal : stop)] : []
      }),
    )
  }

  const loop = (turn: Turn): void => {
    const { check, stop } = turn
    const offsetMs = offsetOf(checkId(check), Math.min(spreadMs(turns.size), check.intervalMs))
    const looping: Promise<unknown> = every(check.intervalMs, offsetMs, stop.signal, () => runOnce(turn, stop.signal))
      // One that was begun out of turn.
      .then(() => turn.underWay)
      .then(() => turn.keeper.ended())
      .finally(() => loops.delete(looping))
    loops.add(looping)
  }

  return {
    status: () => ledger.assess(),
    checks: () => [...turns.values()].map(({ check }) => check),
    underWay: id => turns.get(id)?.underWay,
    async runNow(id) {
      const turn = turns.get(id)
      return turn && runOnce(turn, turn.stop.signal, true)
    },
    async runAll(stop) {
      await Promise.all([...turns.values()].map(turn => runOnce(turn, stop)))
      await runThese(ledger.assess().recheck, stop)
      ledger.assess()
    },
    async watch(stop) {
      stopAll = stop
      const end = (): void => {
        for (const turn of turns.values()) turn.stop.abort(stop.reason)
      }
      for (const turn of turns.values()) loop(turn)
      await new Promise<void>(resolve => {
        if (stop.aborted) resolve()
        else stop.addEventListener('abort', () => resolve(), { once: true })
      })
      end()
      await Promise.all(loops)
      await waker.ended()
      ledger.assess()
    },
    swap(plan, nextReferences) {
      references = nextReferences
      const before = turns
      const { mail } = current
      current = plan
      turns = new Map(
        plan.checks.map(check => {
          const known = before.get(checkId(check))
          return [checkId(check), known && isSame(known.check, check) ? known : turnOf(check)]
        }),
      )
      const now = new Set(turns.values())
      const ended = [...before.values()].filter(turn => !now.has(turn))
      const started = [...now].filter(turn => before.get(checkId(turn.check)) !== turn)
      // Another order of the same is a change too: it is theirs on the page.
      const isAsBefore = isDeepStrictEqual([[...before.keys()], mail], [[...turns.keys()], plan.mail])
      if (isAsBefore && started.length === 0) return { kept: now.size, started: 0, ended: 0 }
      for (const turn of ended) turn.stop.abort(new Error('the configuration was changed'))
      ledger.replan({ ...plan, checks: [...now].map(turn => turn.check) })
      if (stopAll && !stopAll.aborted) for (const turn of started) loop(turn)
      return { kept: now.size - started.length, started: started.length, ended: ended.length }
    },
    wakeups: () => waker.counts(),
    ready: () => ledger.ready(),
    alive: () =>
      [...turns.values()].every(
        ({ check, lastTick }) => performance.now() - lastTick < 3 * check.intervalMs + check.timeoutMs,
      ),
  }
}

/** The old one is kept then: what is remembered by its target (a login that is held off) stays with it. */
function isSame(a: Check, b: Check): boolean {
  const facts = ({ config, intervalMs, timeoutMs, needs }: Check) => ({ config, intervalMs, timeoutMs, needs })
  return isDeepStrictEqual(facts(a), facts(b))
}
