import { clusterMetrics } from '../../../src/assess/cluster/metrics.ts'
import type { Metric } from '../../../src/core/metric.ts'
import { metrics as patroni } from '../../../src/probes/patroni/judge.ts'
import { lines, timeline } from '../build/charts.ts'
import { by, calc, each, increase, join, q } from '../build/promql.ts'
import { query } from '../build/query.ts'
import { stat } from '../build/stat.ts'
import * as states from '../build/states.ts'
import { table } from '../build/table.ts'
import * as views from '../views.ts'

const where = views.chosenClusters
const worst = (metric: Metric<'target' | 'postgres_cluster'>) => by('max', ['target'], q(metric, where))

export const roles = timeline({
  title: 'Roles by Patroni over time',
  description: 'The role of each node, as its Patroni said at that time. Compare it with what SQL says beside it.',
  noValue: 'No Patroni is looked at',
  query: query(views.patroniRoles(where), label => label.target),
  states: states.patroniNode,
})

export const lock = timeline({
  title: 'Who holds the leader lock',
  description: 'By the Patroni of each node. It is held also while Postgres on that node is down.',
  noValue: 'No Patroni is looked at',
  query: query(worst(patroni.lockHolder), label => label.target),
  states: states.lock,
})

export const postgresStates = timeline({
  title: 'State of Postgres by Patroni',
  description: 'What the Patroni of each node says of its Postgres. It may say running while no WAL arrives.',
  noValue: 'No Patroni is looked at',
  query: query(views.patroniStates(where), label => label.target),
  states: states.patroniStates,
})

export const dcs = lines({
  title: 'DCS last reached, how long ago',
  description:
    'How long ago each Patroni reached its DCS (etcd, Consul, ZooKeeper, Kubernetes). If it rises on all, the primary is soon demoted.',
  noValue: 'No Patroni is looked at',
  unit: 's',
  queries: [query(calc`time() - ${by('max', ['target'], q(patroni.dcsLastSeen, where))}`, label => label.target)],
  steps: [
    [null, 'ok'],
    [15, 'warn'],
  ],
})

const { flag } = states
const info = by('max', ['target', 'version'], q(patroni.info, where))
const ofMember = (metric: Metric<'target' | 'postgres_cluster'>) => join('*', info, worst(metric), ['target'])

export const members = table({
  title: 'What each Patroni says',
  description:
    'Each Patroni that answers, with its version: what keeps a failover from coming, and what comes with the next restart.',
  noValue: 'No Patroni answers',
  labels: [
    { label: 'target', title: 'Patroni' },
    { label: 'version', title: 'Version', width: 90 },
  ],
  values: [
    { title: 'Lock', value: ofMember(patroni.clusterUnlocked), states: flag('HELD BY NONE', 'held', { bad: 'yes' }) },
    {
      title: 'Timeline',
      value: join('*', info, by('max', ['target'], q(patroni.timeline, where)), ['target']),
      width: 90,
    },
    {
      title: 'Maintenance mode',
      value: ofMember(patroni.paused),
      states: flag('ON', 'off', { bad: 'yes', as: 'warn' }),
    },
    { title: 'Failsafe', value: ofMember(patroni.failsafeActive), states: flag('ACTIVE', 'no', { bad: 'yes' }) },
    {
      title: 'nofailover',
      value: ofMember(patroni.nofailover),
      states: flag('yes', 'no', { bad: 'yes', as: 'neutral' }),
    },
    { title: 'Synchronous', value: ofMember(patroni.syncStandby), states: states.between },
    {
      title: 'Restart pending',
      value: ofMember(patroni.pendingRestart),
      states: flag('yes', 'no', { bad: 'yes', as: 'warn' }),
    },
  ],
})

export const wentBack = stat({
  title: 'Timeline went back',
  description:
    'How often the primary was seen on an older timeline, or at an earlier WAL position, than a primary before it, in the time range: commits are lost.',
  noValue: 'No data',
  query: query(
    each('round', by('max', ['postgres_cluster'], increase(q(clusterMetrics.timelineWentBack, where), '$__range'))),
    label => label.postgres_cluster,
  ),
  steps: [
    [null, 'ok'],
    [1, 'fail'],
  ],
})
