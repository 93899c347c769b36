import { defineProbe } from '../../core/probe.ts'
import { judge, metrics } from './judge.ts'
import { observe } from './observe.ts'
import { reasons } from './reasons.ts'
import { vaultTarget } from './target.ts'

/** Whether a Vault node serves, how long the token lives, and whether the secrets can be read with it. */
export const vault = defineProbe({
  kind: 'vault',
  summary: 'A Vault node: its state, the token, and whether the secrets listed can be read.',
  target: vaultTarget,
  metrics,
  reasons,
  observe,
  judge,
})
