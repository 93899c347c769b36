import { metrics as writePath } from '../../../src/probes/write_path/judge.ts'
import { lines, timeline } from '../build/charts.ts'
import { by, increase, q, rate } from '../build/promql.ts'
import { query } from '../build/query.ts'
import { stat } from '../build/stat.ts'
import * as states from '../build/states.ts'
import { table } from '../build/table.ts'
import * as views from '../views.ts'

const where = views.chosenClusters

export const without = stat({
  title: 'Without a write',
  description: 'How long no write could be committed through each write path, in the time range.',
  noValue: 'No data',
  query: query(by('max', ['target'], increase(q(writePath.outage, where), '$__range')), label => label.target),
  unit: 's',
  decimals: 0,
  rows: true,
  steps: [
    [null, 'ok'],
    [0.5, 'fail'],
  ],
})

export const writePaths = table({
  title: 'Write paths',
  description: 'What the last run found on each write path. An empty cell is not known.',
  noValue: 'No data',
  labels: [{ label: 'target', title: 'Write path', width: 190 }],
  values: [
    { title: 'Verdict', value: views.writePathVerdicts(where), states: states.verdictCodes },
    {
      title: 'Session',
      value: by('min', ['target'], q(writePath.reachable, where)),
      states: states.flag('opened', 'REFUSED', { bad: 'no' }),
    },
    {
      title: 'Write',
      value: by('min', ['target'], q(writePath.writable, where)),
      states: states.flag('committed', 'NONE', { bad: 'no' }),
    },
    {
      title: 'Transactions',
      value: by('max', ['target'], q(writePath.readOnly, where)),
      states: states.flag('READ-ONLY', 'read-write', { bad: 'yes' }),
    },
    {
      title: 'Primary',
      value: by('min', ['target'], q(writePath.onPrimary, where)),
      states: states.flag('yes', 'NO', { bad: 'no' }),
    },
    {
      title: 'Pooler',
      value: by('max', ['target'], q(writePath.pooled, where)),
      states: states.between,
    },
    { title: 'Commit', value: by('max', ['target'], q(writePath.commitDuration, where)), unit: 's', decimals: 1 },
  ],
})

export const readOnly = timeline({
  title: 'Read-only, and why',
  description: 'Whether a transaction of each write path was read-only (SQLSTATE 25006), and what made it so.',
  noValue: 'No data',
  query: query(
    states.stateOf(writePath.readOnlyCause, 'cause', states.readOnlyCauses, ['target'], { where }),
    label => label.target,
  ),
  states: states.readOnly,
})

export const commits = lines({
  title: 'Commit latency',
  description:
    'How long the commit of the last run took, with WAL flush and synchronous replication. The slower replica counts.',
  noValue: 'No data',
  unit: 's',
  queries: [query(by('max', ['target'], q(writePath.commitDuration, where)), label => label.target)],
})

export const outages = lines({
  title: 'Time without a write',
  description: 'Share of the time during which no write could be committed through each write path.',
  noValue: 'No data',
  unit: 'percentunit',
  max: 1,
  queries: [query(by('max', ['target'], rate(q(writePath.outage, where))), label => label.target)],
})
