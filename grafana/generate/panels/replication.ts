import { metrics as postgres } from '../../../src/probes/postgres/judge.ts'
import { lines, timeline } from '../build/charts.ts'
import { by, q } from '../build/promql.ts'
import { query } from '../build/query.ts'
import * as states from '../build/states.ts'
import * as views from '../views.ts'

const where = views.chosenClusters

export const receivers = timeline({
  title: 'WAL receivers',
  description: 'Whether the WAL receiver of each standby was streaming. A primary has none.',
  noValue: 'No standby is known',
  query: query(by('min', ['target'], q(postgres.streaming, where)), label => label.target),
  states: states.flag('streaming', 'NOT streaming', { bad: 'no' }),
})

export const replication = {
  seconds: lines({
    title: 'Replication lag',
    description:
      'Age of the last transaction each standby has replayed. There is no line where the receiver does not stream: a dead one has no lag, rather than none.',
    noValue: 'No lag is known',
    unit: 's',
    queries: [query(by('max', ['target'], q(postgres.lagSeconds, where)), label => label.target)],
  }),
  bytes: lines({
    title: 'WAL not replayed',
    description: 'WAL the upstream of each standby has and the standby has not replayed.',
    noValue: 'No lag is known',
    unit: 'bytes',
    queries: [query(by('max', ['target'], q(postgres.lagBytes, where)), label => label.target)],
  }),
  position: lines({
    title: 'Behind the furthest node',
    description:
      'How far the WAL position of each node is behind the furthest one of its cluster. A node that was left behind by a failover stays behind.',
    noValue: 'No data',
    unit: 'bytes',
    queries: [query(views.behind(where), label => label.target)],
  }),
  timelines: lines({
    title: 'Timeline',
    description: 'The timeline each node writes or receives. It goes up by one with every promotion, on all nodes.',
    noValue: 'No data',
    unit: 'none',
    decimals: 0,
    stepped: true,
    queries: [query(by('max', ['target'], q(postgres.timeline, where)), label => label.target)],
  }),
}
