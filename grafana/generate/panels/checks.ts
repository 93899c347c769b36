import { type Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import { checkMetrics, exporterMetrics } from '../../../src/exposition/samples.ts'
import { lines } from '../build/charts.ts'
import { by, calc, each, increase, q, rate } from '../build/promql.ts'
import { query } from '../build/query.ts'
import { stat } from '../build/stat.ts'
import * as states from '../build/states.ts'
import { table } from '../build/table.ts'
import * as views from '../views.ts'

export const phases = (title: string, probe: string, what: string): Panel =>
  lines({
    title,
    description: `How long each phase of the last look at ${what} took, the slowest target and replica.`,
    noValue: 'No data',
    unit: 's',
    stacked: true,
    queries: [query(by('max', ['phase'], q(checkMetrics.phase, { probe })), label => label.phase)],
  })

export const verdicts = stat({
  title: 'Checks by verdict',
  description: 'How many checks stand how. Where replicas differ, a check counts under each of its verdicts.',
  noValue: 'No data',
  query: query(
    by('sum', ['verdict'], by('max', ['probe', 'target', 'verdict'], q(checkMetrics.verdict))),
    label => label.verdict,
  ),
  named: { ok: 'ok', warn: 'warn', fail: 'fail', unknown: 'unknown' },
  states: { none: states.nothing },
})

/** In intervals of its own: from three on it is no evidence. */
const age = calc`(time() - ${q(checkMetrics.lastRun)}) / ${q(checkMetrics.interval)}`

export const oldest = stat({
  title: 'Oldest result',
  description:
    'How many intervals ago the last run of a check was, for the check it is longest ago for. From three on it is stale, and its verdict unknown.',
  noValue: 'No check has run',
  query: query(by('max', ['instance'], age), label => label.instance),
  decimals: 1,
  steps: [
    [null, 'ok'],
    [2, 'warn'],
    [3, 'fail'],
  ],
})

const perCheck = ['probe', 'target'] as const
export const checks = table({
  title: 'Every check',
  description: 'Every check, with its verdict, for how long it has had it, and how old the last run is.',
  noValue: 'No data',
  labels: [
    { label: 'probe', title: 'Probe', width: 110 },
    { label: 'target', title: 'Target' },
  ],
  values: [
    { title: 'Verdict', value: views.checkVerdict(perCheck), states: states.verdictCodes, width: 110 },
    {
      title: 'For',
      value: by('min', perCheck, calc`time() - ${q(checkMetrics.since)}`),
      unit: 's',
      decimals: 0,
      width: 100,
    },
    {
      title: 'Last run ago',
      value: by('max', perCheck, calc`time() - ${q(checkMetrics.lastRun)}`),
      unit: 's',
      decimals: 0,
      width: 120,
    },
    { title: 'Every', value: by('max', perCheck, q(checkMetrics.interval)), unit: 's', width: 90 },
    {
      title: 'Last ok ago',
      value: by('min', perCheck, calc`time() - ${q(checkMetrics.lastOk)}`),
      unit: 's',
      decimals: 0,
      width: 120,
    },
    { title: 'Took', value: by('max', perCheck, q(checkMetrics.duration)), unit: 's', decimals: 1, width: 100 },
  ],
})

export const runs = {
  rate: lines({
    title: 'Runs',
    description: 'Runs of checks per second, by probe, of all replicas.',
    noValue: 'No data',
    unit: 'ops',
    stacked: true,
    queries: [query(by('sum', ['probe'], rate(q(checkMetrics.runs))), label => label.probe)],
  }),
  failures: lines({
    title: 'Runs that fail',
    description: 'Share of the runs of each check that failed, those out of turn among them.',
    noValue: 'No data',
    unit: 'percentunit',
    max: 1,
    queries: [
      query(
        calc`${by('sum', perCheck, rate(q(checkMetrics.failures)))} / ${by('sum', perCheck, rate(q(checkMetrics.runs)))}`,
        label => `${label.probe}/${label.target}`,
      ),
    ],
  }),
  duration: lines({
    title: 'Duration of checks',
    description: 'How long the last run of each check took, the slower replica.',
    noValue: 'No data',
    unit: 's',
    queries: [query(by('max', perCheck, q(checkMetrics.duration)), label => `${label.probe}/${label.target}`)],
  }),
  phases: lines({
    title: 'Phases of checks',
    description: 'How long each phase of the last run of each probe took, its slowest target and replica.',
    noValue: 'No data',
    unit: 's',
    queries: [query(by('max', ['probe', 'phase'], q(checkMetrics.phase)), label => `${label.probe}: ${label.phase}`)],
  }),
  wakeups: lines({
    title: 'Woken early',
    description:
      'How often the checks of a cluster were run at once and out of turn, in the hour before: a node went down or came back, or its role changed.',
    noValue: 'No cluster is watched',
    unit: 'none',
    decimals: 0,
    queries: [
      query(
        each('round', by('max', ['postgres_cluster'], increase(q(exporterMetrics.wakeups), '1h'))),
        label => label.postgres_cluster,
      ),
    ],
  }),
  age: lines({
    title: 'Age of the oldest result',
    description: 'In intervals of the check. From three on it is stale, and its verdict unknown.',
    noValue: 'No data',
    unit: 'none',
    queries: [query(by('max', ['probe'], age), label => label.probe)],
    steps: [
      [null, 'ok'],
      [3, 'fail'],
    ],
  }),
}
