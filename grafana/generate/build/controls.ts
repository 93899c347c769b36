import {
  AnnotationQueryBuilder,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  VariableRefresh,
  VariableSort,
  type AnnotationQuery,
  type DashboardLink,
  type VariableModel,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus'
import { clusterMetrics } from '../../../src/assess/cluster/metrics.ts'
import { exporterMetrics } from '../../../src/exposition/samples.ts'
import { alertMetrics } from '../foreign.ts'
import { bare, by, calc, increase, matches, q, series, type Vector } from './promql.ts'
import { datasource, unplaced } from './query.ts'
import { colours } from './states.ts'

// What stands above the panels of every dashboard, and across them.

/** A list to choose from: the values of a label. */
export interface Choice {
  readonly name: string
  readonly label: string
  readonly from: Vector
}
/** The name of the variable is that of the label. */
export const choice = <L extends string>(name: NoInfer<L>, label: string, from: Vector<L>): Choice => ({
  name,
  label,
  from,
})

const exporters: readonly Choice[] = [
  choice('job', 'Job', series(exporterMetrics.build)),
  choice('instance', 'Instance', series(exporterMetrics.build, { job: matches('$job') })),
]

export const variables = (more: readonly Choice[]): VariableModel[] => [
  new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus').build(),
  ...[...exporters, ...more].map(variable),
]

function variable({ name, label, from }: Choice): VariableModel {
  const text = `label_values(${from.promql}, ${name})`
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(datasource)
    .query({ query: text, refId: 'StandardVariableQuery' })
    .definition(text)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.+')
    .current({ text: 'All', value: '$__all' })
    .build()
}

export const tag = 'mailpath'

export const links = (): DashboardLink[] => [
  unplaced(
    new DashboardLinkBuilder('Mail path')
      .type(DashboardLinkType.Dashboards)
      .tags([tag])
      .icon('external link')
      .tooltip('The other dashboards, with the same time and choice')
      .asDropdown(true)
      .keepTime(true)
      .includeVars(true)
      .build(),
  ),
]

export const annotations = (): AnnotationQuery[] => [alerts(), failovers()].map(one => unplaced(one.build()))

const annotation = (name: string, of: Vector, colour: string): AnnotationQueryBuilder =>
  new AnnotationQueryBuilder()
    .name(name)
    .datasource(datasource)
    .enable(true)
    .iconColor(colour)
    // Some versions of Grafana read the query here, some in `target`.
    .expr(bare(of))
    .step('15s')
    .target(new DataqueryBuilder().expr(bare(of)).interval('15s').range().refId('Anno'))

/** Many an alert is of no one instance, so only the job is chosen. */
function alerts(): AnnotationQueryBuilder {
  const ours = { alertstate: 'firing', alertname: matches('Mail.+'), job: matches('$job') } as const
  const about = ['alertname', 'severity', 'mail_path', 'postgres_cluster', 'target'] as const
  return annotation('Alerts', by('max', about, series(alertMetrics.alerts, ours)), colours.fail)
    .titleFormat('{{alertname}}')
    .textFormat('{{mail_path}} {{postgres_cluster}} {{target}}')
    .tagKeys('severity')
}

function failovers(): AnnotationQueryBuilder {
  const some = by('max', ['postgres_cluster'], increase(q(clusterMetrics.failovers), '$__rate_interval'))
  return annotation('Failovers', calc`ceil(${some}) > 0`, colours.warn)
    .titleFormat('Failover of {{postgres_cluster}}')
    .textFormat('Another node is the primary')
    .tagKeys('postgres_cluster')
}
