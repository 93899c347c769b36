import { watchStance } from '../../clients/postgres-errors.ts'
import { defineProbe } from '../../core/probe.ts'
import { judge, metrics } from './judge.ts'
import { observe, watch } from './observe.ts'
import { reasons } from './reasons.ts'
import { outboxTarget } from './target.ts'

/** The table in which an application keeps mail that is to be sent: does it move? */
export const outbox = defineProbe({
  kind: 'outbox',
  summary: "The application's own table of mail to send: how much waits, and for how long.",
  intervalMs: 60_000,
  target: outboxTarget,
  metrics,
  reasons,
  observe,
  watch: {
    wanted: target => target.watch,
    stance: ({ failure, notUnderstood }) => (notUnderstood === undefined ? watchStance(failure) : 'closed'),
    open: watch,
    trusted: ({ login_interval }) => login_interval ?? 0,
  },
  judge,
})
