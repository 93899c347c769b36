import { watchStance } from '../../clients/postgres-errors.ts'
import { defineProbe } from '../../core/probe.ts'
import { judge, metrics } from './judge.ts'
import { observe, watch } from './observe.ts'
import { reasons } from './reasons.ts'
import { writePathTarget } from './target.ts'

/** A path by which something writes: opened as the application opens it, up to a real commit. */
export const writePath = defineProbe({
  kind: 'write_path',
  summary:
    'A way by which something writes to Postgres: where a fresh session lands, and whether a write commits there.',
  target: writePathTarget,
  metrics,
  reasons,
  observe,
  watch: {
    wanted: target => target.watch,
    stance: ({ failure, addressOnly, driver }) => (addressOnly || driver ? 'closed' : watchStance(failure)),
    open: watch,
  },
  judge,
})
