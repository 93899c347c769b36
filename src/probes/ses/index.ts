import { defineProbe } from '../../core/probe.ts'
import { judge, metrics } from './judge.ts'
import { observe } from './observe.ts'
import { reasons } from './reasons.ts'
import { sesTarget } from './target.ts'
import { inheritTokens } from './tokens.ts'

/** The SES of an application: are its settings there, and would SES take its mail? */
export const ses = defineProbe({
  kind: 'ses',
  summary:
    'The SES of an application: its settings, and whether SES would take its mail (keys, account, quota, identity).',
  // The first run asks some twenty questions, one after the other.
  timeoutMs: 10_000,
  // Its facts change slowly, and AWS counts requests.
  intervalMs: 60_000,
  target: sesTarget,
  metrics,
  reasons,
  inherit: inheritTokens,
  observe,
  judge,
})
