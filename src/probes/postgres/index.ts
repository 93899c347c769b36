import { watchStance } from '../../clients/postgres-errors.ts'
import { defineProbe } from '../../core/probe.ts'
import { isNearlyFull, judge, metrics } from './judge.ts'
import { observe, watch } from './observe.ts'
import { reasons } from './reasons.ts'
import { postgresTarget } from './target.ts'

/** One node of a cluster: its role, its position, and how well it follows. */
export const postgres = defineProbe({
  kind: 'postgres',
  summary: 'A Postgres node: role, read-only state, timeline, WAL position, replication lag, connections.',
  target: postgresTarget,
  metrics,
  reasons,
  observe,
  watch: {
    wanted: target => target.watch,
    // A watch could take the last slot that an application needs.
    stance: ({ facts, failure, notUnderstood }) => {
      if (notUnderstood !== undefined) return 'closed'
      return facts && isNearlyFull(facts) ? 'no_room' : watchStance(failure)
    },
    open: watch,
    trusted: ({ login_interval }) => login_interval ?? 0,
  },
  judge,
})
