import { defineProbe } from '../../core/probe.ts'
import { judge, metrics } from './judge.ts'
import { observe } from './observe.ts'
import { reasons } from './reasons.ts'
import { haproxyTarget } from './target.ts'

/** Where a balancer would lead a session, and why. */
export const haproxy = defineProbe({
  kind: 'haproxy',
  summary: 'A HAProxy in front of Postgres: which of its servers take sessions, and why the others do not.',
  target: haproxyTarget,
  metrics,
  reasons,
  observe,
  judge,
})
