import { isDeepStrictEqual } from 'node:util'
import type { Plan } from '../assess/assessment.ts'
import { checkId, type Check } from '../core/probe.ts'
import type { Turn } from './turn.ts'

/** How many checks a swap left as they were, started and ended; one that was changed is ended and started. */
export interface Changes {
  readonly kept: number
  readonly started: number
  readonly ended: number
}

/** The turns of a new plan. A check that is as before keeps its turn. `isChange` is false where the new plan equals the old one. */
export function swapTurns(before: ReadonlyMap<string, Turn>, old: Plan, plan: Plan, turnOf: (check: Check) => Turn) {
  const turns = new Map(
    plan.checks.map(check => {
      const known = before.get(checkId(check))
      // Also where it stays: other checks of the new plan may name its target, and find what is remembered of it.
      if (known) check.inherit?.(known.check.config)
      if (known && isSame(known.check, check)) return [checkId(check), known]
      return [checkId(check), turnOf(check)]
    }),
  )
  const now = new Set(turns.values())
  const ended = [...before.values()].filter(turn => !now.has(turn))
  const started = [...now].filter(turn => before.get(checkId(turn.check)) !== turn)
  const changes = { kept: now.size - started.length, started: started.length, ended: ended.length }
  // The order counts: the page shows the checks in it.
  const isChange =
    started.length > 0 || !isDeepStrictEqual([[...before.keys()], old.mail], [[...turns.keys()], plan.mail])
  return { turns, started, ended, changes, isChange }
}

/** Then the old check stays, with what is kept by its target, such as the pause after a refused login. */
function isSame(a: Check, b: Check): boolean {
  const facts = ({ config, intervalMs, timeoutMs, needs }: Check) => ({ config, intervalMs, timeoutMs, needs })
  return isDeepStrictEqual(facts(a), facts(b))
}
