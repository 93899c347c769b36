import { MappingType } from '@grafana/grafana-foundation-sdk/dashboard'
import { clusterMetrics } from '../../../src/assess/cluster/metrics.ts'
import { by, calc, each, increase, q } from '../build/promql.ts'
import { query } from '../build/query.ts'
import { stat } from '../build/stat.ts'
import * as states from '../build/states.ts'
import { table } from '../build/table.ts'
import * as views from '../views.ts'

const where = views.chosenClusters

export const cluster = stat({
  title: 'Cluster',
  description: 'The verdict of each cluster as a whole: exactly one primary, and standbys that follow it.',
  noValue: 'No data',
  query: query(views.clusterVerdict(where), label => label.postgres_cluster),
  states: states.verdictCodes,
})

export const primary = stat({
  title: 'Primary',
  description:
    'The one primary of each cluster. Unknown while none is seen and a node that cannot be asked may be the one; with several, the one the standbys follow is named.',
  noValue: 'No data',
  query: query(views.clusterPrimaries(where), label => `${label.postgres_cluster}: ${label.node}`),
  states: states.primaries,
  mappings: [
    {
      type: MappingType.RangeToText,
      options: { from: 2, to: 1000, result: { text: 'one of several', color: states.colours.fail } },
    },
  ],
  rows: true,
})

export const ofCluster = {
  splitBrain: stat({
    title: 'Split brain',
    description: 'Whether two nodes with the same system identifier are writable, seen twice in a row.',
    noValue: 'unknown',
    query: query(by('max', ['postgres_cluster'], q(clusterMetrics.splitBrain, where)), label => label.postgres_cluster),
    states: states.flag('SPLIT BRAIN', 'no', { bad: 'yes' }),
  }),
  unreachable: stat({
    title: 'Nodes unreachable',
    description: 'Nodes that did not answer in their last run.',
    noValue: 'unknown',
    query: query(
      by('max', ['postgres_cluster'], q(clusterMetrics.nodesUnreachable, where)),
      label => label.postgres_cluster,
    ),
    steps: [
      [null, 'ok'],
      [1, 'fail'],
    ],
  }),
  failovers: stat({
    title: 'Failovers',
    description: 'How often the primary was seen to be another node than before, in the time range.',
    noValue: 'No data',
    query: query(
      each('round', by('max', ['postgres_cluster'], increase(q(clusterMetrics.failovers, where), '$__range'))),
      label => label.postgres_cluster,
    ),
    steps: [
      [null, 'ok'],
      [1, 'warn'],
    ],
  }),
  lastFailover: stat({
    title: 'Last failover',
    description: 'How long ago the primary was last seen to change, since the start of the exporter.',
    noValue: 'none seen',
    query: query(
      calc`time() - ${by('max', ['postgres_cluster'], q(clusterMetrics.lastFailover, where))}`,
      label => label.postgres_cluster,
    ),
    unit: 'dtdurations',
    decimals: 0,
    steps: [
      [null, 'warn'],
      [3600, 'neutral'],
    ],
  }),
}

export const versions = table({
  title: 'Servers',
  description: 'Version and system identifier of each node. Nodes of one cluster have the same identifier.',
  noValue: 'No data',
  labels: [
    { label: 'postgres_cluster', title: 'Cluster' },
    { label: 'target', title: 'Node' },
    { label: 'version', title: 'Version' },
    { label: 'system_identifier', title: 'System identifier', width: 190 },
  ],
  values: [
    {
      title: 'New transactions',
      value: views.servers(where),
      states: states.flag('read-only', 'read-write', { bad: 'yes', as: 'neutral' }),
    },
  ],
})
