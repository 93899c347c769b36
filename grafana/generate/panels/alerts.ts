import { and, by, calc, constant, each, labelled, matches, or, series, union } from '../build/promql.ts'
import { query } from '../build/query.ts'
import { stat } from '../build/stat.ts'
import { alertSeverityMappings } from '../build/states.ts'
import { table } from '../build/table.ts'
import { alertMetrics } from '../foreign.ts'

/** Of many an alert no one instance is the cause, so only the job is chosen. */
const ours = { alertname: matches('Mail.+'), job: matches('$job') } as const
const firing = series(alertMetrics.alerts, { ...ours, alertstate: 'firing' })

/** Where the rules are loaded, this alert fires always: without it there are no alerts, rather than none that fire. */
const watchdog = by('max', [], series(alertMetrics.alerts, { alertname: 'MailWatchdog', component: 'exporter' }))
const none = union(
  labelled(constant(watchdog, 0), 'severity', 'critical'),
  labelled(constant(watchdog, 0), 'severity', 'warning'),
)

export const firingAlerts = stat({
  title: 'Alerts',
  description: 'How many alerts about the mail path fire. Without data, the rules in alerts/ are not loaded.',
  noValue: 'no rules',
  query: query(
    or(
      by(
        'count',
        ['severity'],
        series(alertMetrics.alerts, { ...ours, alertstate: 'firing', severity: matches('critical|warning') }),
      ),
      none,
    ),
    label => label.severity,
  ),
  steps: [
    [null, 'ok'],
    [1, 'fail'],
  ],
})

const what = ['alertname', 'severity', 'mail_path', 'postgres_cluster', 'probe', 'target'] as const

/** Where the rules have their runbooks. */
export const runbooks = 'https://github.com/mailpath-exporter/mailpath-exporter/blob/main/docs/runbooks/alerts'

export const alertsTable = table({
  title: 'Alerts that fire',
  description: 'The alerts about the mail path that fire now, the newest first. The name leads to the runbook.',
  noValue: 'None fires, or the rules in alerts/ are not loaded',
  sortBy: { title: 'Since', desc: false },
  labels: [
    { label: 'severity', title: 'Severity', mappings: alertSeverityMappings, width: 90 },
    { label: 'alertname', title: 'Alert', url: `${runbooks}/\${__value.raw}.md`, width: 260 },
    { label: 'mail_path', title: 'Mail path' },
    { label: 'postgres_cluster', title: 'Cluster' },
    { label: 'probe', title: 'Link' },
    { label: 'target', title: 'Target' },
  ],
  values: [
    {
      title: 'Since',
      value: each(
        'sort',
        and(calc`time() - ${by('max', what, series(alertMetrics.since, ours))}`, by('max', what, firing), what),
      ),
      unit: 'dtdurations',
      decimals: 0,
      width: 140,
    },
  ],
})
