import type { Check } from '../core/probe.ts'
import { pressureNow } from '../core/pressure.ts'
import { createKeeper, type Keeper } from './keeper.ts'
import type { References } from './look.ts'
import { run, type Ran } from './run.ts'
import { secondLook } from './second-look.ts'

/** A check that is in the plan now, and its state. */
export interface Turn {
  readonly check: Check
  /** Aborts with the check, or with all of them. */
  readonly stop: AbortController
  readonly keeper: Keeper
  underWay: Promise<Ran | undefined> | undefined
  /** The last run failed. */
  failed: boolean
  /** When a run last began or ended, by the monotonic clock. */
  lastTick: number
}

export function createTurn(check: Check, references: () => References): Turn {
  const stop = new AbortController()
  const keeper = createKeeper(check, references, stop.signal)
  return { check, stop, keeper, underWay: undefined, failed: false, lastTick: performance.now() }
}

/** Runs the check, with a login of its own if `ownLogin`. Undefined where `stop` cut the run off. */
export async function runTurn(
  { check, keeper, failed }: Turn,
  references: () => References,
  stop: AbortSignal,
  ownLogin: boolean,
): Promise<Ran | undefined> {
  const before = pressureNow()
  const asked = ownLogin ? check : { ...check, look: keeper.look }
  const first = await run(asked, references(), stop)
  const ran = first && (await keeper.gaveWay(first)) ? await run(check, references(), stop) : first
  if (ran?.verdict !== 'fail' || failed || stop.aborted) return ran
  return secondLook(ran, check, before, references(), stop)
}

/** The loop of the check does not hang. */
export const isAlive = ({ check, lastTick }: Turn): boolean =>
  performance.now() - lastTick < 3 * check.intervalMs + check.timeoutMs
