import type { Check } from '../core/probe.ts'
import { pressureLately, pressureNow, wasHungry, wasStarved, type Pressure } from '../core/pressure.ts'
import { withoutCpu } from '../core/starved.ts'
import { createAgain, type Again } from './again.ts'
import { createKeeper, type Keeper } from './keeper.ts'
import type { References } from './look.ts'
import { run, type Ran } from './run.ts'

/** A check that is in the plan now, and its state. */
export interface Turn {
  readonly check: Check
  /** Aborts with the check, or with all of them. */
  readonly stop: AbortController
  readonly keeper: Keeper
  underWay: Promise<Ran | undefined> | undefined
  /** The last run failed. */
  failed: boolean
  readonly again: Again
  /** When a run last began or ended, by the monotonic clock. */
  lastTick: number
}

export function createTurn(check: Check, references: () => References): Turn {
  const stop = new AbortController()
  const keeper = createKeeper(check, references, stop.signal)
  const again = createAgain(stop.signal)
  return { check, stop, keeper, again, underWay: undefined, failed: false, lastTick: performance.now() }
}

/** Runs the check, with a login of its own if `ownLogin`. Undefined where `stop` cut the run off. */
export async function runTurn(
  { check, keeper, failed }: Turn,
  references: () => References,
  stop: AbortSignal,
  ownLogin: boolean,
): Promise<Ran | undefined> {
  const before = pressureLately()
  const asked = check.watch && !ownLogin ? { ...check, look: keeper.look } : check
  const first = await run(asked, references(), stop)
  const ran = first && (await keeper.gaveWay(first)) ? await run(check, references(), stop) : first
  if (ran === undefined || stop.aborted) return ran
  // A file or a Vault that did not give its value in time makes a run unknown, and is as little to blame as a server.
  if (ran.verdict === 'unknown') return ran.timedOut && wasHungry(before, pressureNow()) ? withoutCpu(ran) : ran
  if (ran.verdict !== 'fail' || failed) return ran
  const again = (longestMs: number): Promise<Ran | undefined> =>
    run({ ...check, timeoutMs: Math.min(longestMs, check.timeoutMs) }, references(), stop)
  return secondLook(ran, before, again)
}

/** The loop of the check does not hang. */
export const isAlive = ({ check, lastTick }: Turn): boolean =>
  performance.now() - lastTick < 3 * check.intervalMs + check.timeoutMs

/** How long a second look may take, in milliseconds: enough for a healthy server, and a dead one is reported hardly later. */
export const secondLookMs = 1_000

/** If the exporter stood still for this long during a run, the failure of the run proves nothing. In milliseconds. */
const stoodStillMs = 1_000

/**
 * What holds after a run that failed, if the run before did not fail. It runs the check a second time in two cases only:
 *
 * - The run timed out while the machine was short of CPU: the exporter may have been late, or a server on the same machine.
 * - The exporter itself stood still: a server that waits in vain hangs up.
 *
 * `before` is the pressure at the start of the run.
 */
async function secondLook(ran: Ran, before: Pressure, again: (longestMs: number) => Promise<Ran | undefined>) {
  if (ran.heldUpMs >= stoodStillMs) {
    const second = await again(Infinity)
    if (second?.verdict !== 'fail') return second
    // Under a CPU limit it stands still in many short parts.
    const wasShort = second.heldUpMs >= stoodStillMs || (second.timedOut && wasHungry(before, pressureNow()))
    return wasShort ? withoutCpu(second) : second
  }
  if (!ran.timedOut || !wasStarved(before, pressureNow())) return ran
  const second = await again(secondLookMs)
  if (!second?.timedOut) return second
  return wasHungry(before, pressureNow()) ? withoutCpu(ran) : ran
}
