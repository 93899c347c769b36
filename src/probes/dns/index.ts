import { defineProbe } from '../../core/probe.ts'
import { againInMs } from './again.ts'
import { judge } from './judge.ts'
import { inheritMemory } from './memory.ts'
import { metrics } from './metrics.ts'
import { observe } from './observe.ts'
import { reasons } from './reasons.ts'
import { dnsTarget } from './target.ts'

/** The records by which receivers tell whether to believe the mail of a domain. */
export const dns = defineProbe({
  kind: 'dns',
  summary: 'What receivers find in DNS of the domain that mail is sent from: SPF, DKIM, DMARC, PTR and the like.',
  target: dnsTarget,
  timeoutMs: 20_000,
  // Records change rarely, and a run asks for up to 80.
  intervalMs: 600_000,
  metrics,
  reasons,
  observe,
  judge,
  againInMs,
  // The greeting of the one gives `helo`, the other says which keys it signs with.
  after: ({ smtp, ses }) => [
    ...(smtp === undefined ? [] : [`smtp/${smtp}`]),
    ...(ses === undefined ? [] : [`ses/${ses}`]),
  ],
  inherit: inheritMemory,
})
