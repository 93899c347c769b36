import { defineProbe } from '../../core/probe.ts'
import { inheritGreeting } from './greeted.ts'
import { judge, metrics } from './judge.ts'
import { observe } from './observe.ts'
import { reasons } from './reasons.ts'
import { smtpTarget } from './target.ts'

/** A relay, up to QUIT: TLS, certificate, login and, if wanted, an envelope. */
export const smtp = defineProbe({
  kind: 'smtp',
  summary: 'A mail relay: greeting, STARTTLS, certificate, login and envelope, without sending mail.',
  target: smtpTarget,
  timeoutMs: 10_000,
  metrics,
  reasons,
  inherit: inheritGreeting,
  observe,
  judge,
})
