import { timeline } from '../build/charts.ts'
import { historyMetrics } from '../../../src/exposition/history.ts'
import { by, calc, increase, q } from '../build/promql.ts'
import { query } from '../build/query.ts'
import * as states from '../build/states.ts'
import { table } from '../build/table.ts'
import * as views from '../views.ts'

export const verdicts = timeline({
  title: 'Can mail be sent? Over time',
  description: 'The worst verdict of each step. Where there is a gap, no exporter was scraped.',
  noValue: 'No data',
  query: query(views.mailVerdictThen, label => label.mail_path),
  states: states.canSend,
})

export const incidents = table({
  title: 'Incidents',
  description:
    'For how long each mail path has its verdict, and its incidents in the time shown. /incidents of the exporter tells more.',
  noValue: 'No data',
  labels: [{ label: 'mail_path', title: 'Mail path' }],
  values: [
    { title: 'Verdict', value: views.mailVerdict, states: states.canSend, width: 110 },
    {
      title: 'For',
      value: by('min', ['mail_path'], calc`time() - ${q(historyMetrics.since)}`),
      unit: 's',
      decimals: 0,
      width: 100,
    },
    {
      title: 'Incidents',
      value: by('max', ['mail_path'], increase(q(historyMetrics.incidents), '$__range')),
      decimals: 0,
      width: 100,
    },
  ],
})

export const checks = timeline({
  title: 'Checks over time',
  description: 'The worst verdict of each check in each step.',
  noValue: 'No data',
  query: query(views.checkVerdictThen(['probe', 'target']), label => `${label.probe}/${label.target}`),
  states: states.verdictCodes,
})

/** The role of each node over time. */
export const roles = (where?: views.OfCluster) =>
  timeline({
    title: 'Roles of the nodes over time',
    description: 'As each Postgres node said itself at that time.',
    noValue: 'No data',
    query: query(views.nodeRoles(where), label => label.target),
    states: states.nodeRole,
  })

/** Where writes landed over time. */
export const landings = (where?: views.OfCluster) =>
  timeline({
    title: 'Where writes landed over time',
    description: 'A line for each write path and each node it landed on: green while that was the primary.',
    noValue: 'No data',
    query: query(views.landings(where), label => `${label.target} → ${label.node}`),
    states: states.landing,
  })

export const vaults = timeline({
  title: 'Vault nodes over time',
  description: 'The state of each node, as it said itself at that time.',
  noValue: 'No data',
  query: query(views.vaultNodes(), label => label.target),
  states: states.vaultNode,
})
