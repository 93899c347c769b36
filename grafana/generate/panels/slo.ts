import { mailMetrics } from '../../../src/assess/mail.ts'
import { by, calc, matches, over, q, series, type Vector } from '../build/promql.ts'
import { query } from '../build/query.ts'
import { stat } from '../build/stat.ts'
import { recorded } from '../foreign.ts'
import { mailPaths } from '../views.ts'

/** As the recording rules in `alerts/` have it: good is what there is evidence for, by any replica. */
const good = by('max', ['mail_path'], q(mailMetrics.verdict, { ...mailPaths, verdict: matches('ok|warn') }))
const known = by('max', ['mail_path'], q(mailMetrics.verdict, { ...mailPaths, verdict: matches('ok|warn|fail') }))

const days = 30
const average = <L extends string>(of: Vector<L>): Vector<L> => over('avg_over_time', of, `${days}d:15s`)

/** The share that may fail: that of the recording rules, or 0.1 % where they are not loaded. */
const budget: Vector<never> = {
  promql: `scalar(${series(recorded.budget).promql} or vector(0.001))`,
  labels: [],
}

/** Of what is left of an error budget: below zero it is overspent. */
export const budgetSteps = [
  [null, 'fail'],
  [0, 'warn'],
  [0.25, 'ok'],
] as const

export const availability = stat({
  title: `Availability, ${days} days`,
  description: `Share of the last ${days} days for which there is evidence that mail could be sent. Unknown time counts as lost; time without an exporter does not count.`,
  noValue: 'No data',
  query: query(average(good), label => label.mail_path),
  unit: 'percentunit',
  decimals: 2,
  steps: [
    [null, 'fail'],
    [0.99, 'warn'],
    [0.999, 'ok'],
  ],
})

export const budgetLeft = stat({
  title: `Error budget left, ${days} days`,
  description:
    'What is left of the time that mail may fail. The objective is that of the recording rules (mailpath:objective:error_budget), or 99.9 % where they are not loaded. Below zero, it is overspent.',
  noValue: 'No data',
  query: query(calc`1 - (1 - ${average(good)}) / ${budget}`, label => label.mail_path),
  unit: 'percentunit',
  decimals: 1,
  steps: budgetSteps,
})

export const withoutEvidence = stat({
  title: `Unknown, ${days} days`,
  description: `Share of the last ${days} days for which it was unknown whether mail could be sent. Time without an exporter is not in it.`,
  noValue: 'No data',
  query: query(calc`1 - ${average(known)}`, label => label.mail_path),
  unit: 'percentunit',
  decimals: 2,
  steps: [
    [null, 'ok'],
    [0.001, 'warn'],
    [0.01, 'fail'],
  ],
})
