import { defineProbe } from '../../core/probe.ts'
import { againInMs } from './again.ts'
import { judge } from './judge.ts'
import { metrics } from './metrics.ts'
import { observe } from './observe.ts'
import { reasons } from './reasons.ts'
import { canaryTarget } from './target.ts'

/** A mail that leaves as those of the application do, and is awaited in a mailbox. The only probe that sends mail. */
export const canary = defineProbe({
  kind: 'canary',
  summary: 'A mail of its own that is sent again and again, and awaited in a mailbox: does mail arrive?',
  target: canaryTarget,
  timeoutMs: 30_000,
  // A mail is more than a question: 288 a day.
  intervalMs: 300_000,
  metrics,
  reasons,
  observe,
  judge,
  againInMs,
})
