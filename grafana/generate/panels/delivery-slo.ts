import { by, calc, matches, over, series, type Vector } from '../build/promql.ts'
import { query } from '../build/query.ts'
import { stat } from '../build/stat.ts'
import { recorded } from '../foreign.ts'
import { budgetSteps } from './slo.ts'

const days = 30
const noRules = 'Needs the recording rules'

/** As the recording rules in `alerts/` have it: the share of the canaries that were not in the mailbox in time. */
const error = by(
  'max',
  ['target'],
  over('avg_over_time', series(recorded.deliveryError, { job: matches('$job') }), `${days}d`),
)

const budget: Vector<never> = { promql: `scalar(${series(recorded.deliveryBudget).promql})`, labels: [] }

export const onTime = stat({
  title: `On time, ${days} days`,
  description: `Share of the canaries of the last ${days} days that arrived within late_after. Those that were lost or refused count as not on time. Time in which nothing was known does not count.`,
  noValue: noRules,
  query: query(calc`1 - ${error}`, label => label.target),
  unit: 'percentunit',
  decimals: 2,
  steps: [
    [null, 'fail'],
    [0.98, 'warn'],
    [0.99, 'ok'],
  ],
})

export const budgetLeft = stat({
  title: `Delivery budget left, ${days} days`,
  description:
    'What is left of the canaries that may be late: one in a hundred, or what mailpath:objective:delivery_error_budget says. Below zero, it is overspent.',
  noValue: noRules,
  query: query(calc`1 - ${error} / ${budget}`, label => label.target),
  unit: 'percentunit',
  decimals: 1,
  steps: budgetSteps,
})
