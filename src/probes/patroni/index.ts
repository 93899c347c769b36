import { defineProbe } from '../../core/probe.ts'
import { judge, metrics } from './judge.ts'
import { observe } from './observe.ts'
import { reasons } from './reasons.ts'
import { patroniTarget } from './target.ts'

/** What the Patroni of one node knows: who holds the leader lock, or why no member does. */
export const patroni = defineProbe({
  kind: 'patroni',
  summary: 'The Patroni of a Postgres node, by its REST API: who holds the leader lock, or why no member does.',
  target: patroniTarget,
  metrics,
  reasons,
  observe,
  judge,
})
