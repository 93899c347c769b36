import { defineProbe } from '../../core/probe.ts'
import { judge, metrics } from './judge.ts'
import { observe } from './observe.ts'
import { reasons } from './reasons.ts'
import { pgbouncerTarget } from './target.ts'

/** What a PgBouncer knows of its databases: paused, clients that wait, servers behind. */
export const pgbouncer = defineProbe({
  kind: 'pgbouncer',
  summary: 'A PgBouncer in front of Postgres, by its console: is a database paused, do clients wait, what is behind.',
  target: pgbouncerTarget,
  metrics,
  reasons,
  observe,
  judge,
})
