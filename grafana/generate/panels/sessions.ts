import { metrics as postgres } from '../../../src/probes/postgres/judge.ts'
import { lines } from '../build/charts.ts'
import { by, calc, q } from '../build/promql.ts'
import { query } from '../build/query.ts'
import * as views from '../views.ts'

const where = views.chosenClusters

const used = by('max', ['target'], q(postgres.connections, where))
const limit = by('max', ['target'], q(postgres.maxConnections, where))
export const sessions = {
  share: lines({
    title: 'Connections of the limit',
    description: 'Sessions on each node, as a share of max_connections. From 90 % on it is a warning.',
    noValue: 'No data',
    unit: 'percentunit',
    max: 1,
    queries: [query(calc`${used} / ${limit}`, label => label.target)],
    steps: [
      [null, 'ok'],
      [0.9, 'warn'],
    ],
  }),
  number: lines({
    title: 'Connections',
    description: 'Sessions on each node, and their limit.',
    noValue: 'No data',
    unit: 'none',
    decimals: 0,
    queries: [query(used, label => label.target), query(limit, label => `limit of ${label.target}`)],
  }),
}
