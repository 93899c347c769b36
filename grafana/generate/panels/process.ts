import type { Metric } from '../../../src/core/metric.ts'
import { exporterMetrics } from '../../../src/exposition/samples.ts'
import { lines } from '../build/charts.ts'
import { by, calc, each, increase, join, q, rate } from '../build/promql.ts'
import { query } from '../build/query.ts'
import { stat } from '../build/stat.ts'
import * as states from '../build/states.ts'
import { table } from '../build/table.ts'
import { processMetrics, scrapeMetrics } from '../foreign.ts'

export const up = stat({
  title: 'Exporters',
  description: 'Whether each replica of the exporter could be scraped.',
  noValue: 'No exporter is scraped',
  query: query(by('max', ['instance'], q(scrapeMetrics.up)), label => label.instance),
  states: states.flag('up', 'DOWN', { bad: 'no' }),
})

export const reload = stat({
  title: 'Configuration',
  description: 'Whether the configuration was good the last time it was read. If not, the one before it still holds.',
  noValue: 'No data',
  query: query(by('min', ['instance'], q(exporterMetrics.reloadSuccessful)), label => label.instance),
  states: states.flag('good', 'BAD', { bad: 'no' }),
})

export const stateFile = stat({
  title: 'State file',
  description:
    'Whether what happened outlives a restart: the state file was good at the start, and could be written the last time.',
  noValue: 'None is kept',
  query: query(
    by('min', ['instance'], calc`${q(exporterMetrics.stateRead)} * ${q(exporterMetrics.stateWritten)}`),
    label => label.instance,
  ),
  states: states.flag('good', 'BAD', { bad: 'no' }),
})

export const resources = {
  cpu: lines({
    title: 'CPU',
    description: 'Share of one core each replica uses.',
    noValue: 'No data',
    unit: 'percentunit',
    queries: [query(by('max', ['instance'], rate(q(processMetrics.cpu))), label => label.instance)],
  }),
  memory: lines({
    title: 'Memory',
    description: 'Resident memory of each replica, and the heap that is used of it.',
    noValue: 'No data',
    unit: 'bytes',
    queries: [
      query(by('max', ['instance'], q(processMetrics.memory)), label => `${label.instance} resident`),
      query(by('max', ['instance'], q(processMetrics.heap)), label => `${label.instance} heap`),
    ],
  }),
  eventLoop: lines({
    title: 'Event loop lag',
    description:
      'The 99th percentile of how late the event loop of each replica is. From a second on, timings of checks are no longer to be trusted.',
    noValue: 'No data',
    unit: 's',
    queries: [query(by('max', ['instance'], q(processMetrics.lag)), label => label.instance)],
    steps: [
      [null, 'ok'],
      [1, 'warn'],
    ],
  }),
  starved: lines({
    title: 'Short of',
    description:
      'What each replica is short of: file descriptors, local ports, memory, CPU, or a way out to the network. Meanwhile checks may be unknown.',
    noValue: 'No data',
    unit: 'none',
    decimals: 0,
    queries: [
      query(
        by('max', ['instance', 'resource'], q(exporterMetrics.starved)),
        label => `${label.instance} ${label.resource}`,
      ),
    ],
    steps: [
      [null, 'ok'],
      [1, 'warn'],
    ],
  }),
  files: lines({
    title: 'Open files',
    description: 'File descriptors each replica has open, sockets among them. It must not grow.',
    noValue: 'No data',
    unit: 'none',
    decimals: 0,
    queries: [query(by('max', ['instance'], q(processMetrics.files)), label => label.instance)],
  }),
  scrape: lines({
    title: 'Duration of scrapes',
    description: 'How long Prometheus waited for each replica. A scrape renders what is known and probes nothing.',
    noValue: 'No data',
    unit: 's',
    queries: [query(by('max', ['instance'], q(scrapeMetrics.duration)), label => label.instance)],
  }),
  logLines: lines({
    title: 'Lines of the log that were lost',
    description: 'In the hour before, on each replica. They could not be written, or their reader was too slow.',
    noValue: 'No data',
    unit: 'none',
    decimals: 0,
    queries: [
      query(
        each('round', by('max', ['instance'], increase(q(exporterMetrics.logLinesDropped), '1h'))),
        label => label.instance,
      ),
    ],
    steps: [
      [null, 'ok'],
      [1, 'warn'],
    ],
  }),
  requests: lines({
    title: 'Requests',
    description: 'Requests answered per second, by endpoint and status code, of all replicas.',
    noValue: 'No data',
    unit: 'reqps',
    stacked: true,
    queries: [
      query(
        by('sum', ['handler', 'code'], rate(q(exporterMetrics.requests))),
        label => `${label.handler} ${label.code}`,
      ),
    ],
  }),
  requestDuration: lines({
    title: 'Duration of requests',
    description:
      'How long a request took on average, by endpoint. A request to /probe runs a check, and takes as long.',
    noValue: 'No data',
    unit: 's',
    queries: [
      query(
        calc`${by('sum', ['handler'], rate(q(exporterMetrics.requestSeconds)))} / ${by('sum', ['handler'], rate(q(exporterMetrics.requests)))}`,
        label => label.handler,
      ),
    ],
  }),
  connections: lines({
    title: 'Connections',
    description: 'Connections from outside that each replica has open: scrapers, browsers, probes of an orchestrator.',
    noValue: 'No data',
    unit: 'none',
    decimals: 0,
    queries: [query(by('max', ['instance'], q(exporterMetrics.connections)), label => label.instance)],
  }),
  refused: lines({
    title: 'Refused connections',
    description:
      'Connections that all replicas refused or ended per second because of a limit, by reason. There are none but in a flood: then find out who connects, and keep them out by a network policy.',
    noValue: 'No data',
    unit: 'cps',
    stacked: true,
    queries: [query(by('sum', ['reason'], rate(q(exporterMetrics.refused))), label => label.reason)],
  }),
  samples: lines({
    title: 'Series',
    description: 'How many series each replica exposes.',
    noValue: 'No data',
    unit: 'none',
    decimals: 0,
    queries: [query(by('max', ['instance'], q(scrapeMetrics.samples)), label => label.instance)],
  }),
}

const perInstance = ['instance', 'version', 'node_version'] as const
const since = (metric: Metric<never>) => calc`time() - ${by('max', ['instance'], q(metric))}`

export const versions = table({
  title: 'Replicas',
  description: 'The version of each replica, and of the Node.js it runs on.',
  noValue: 'No data',
  labels: [
    { label: 'instance', title: 'Instance' },
    { label: 'version', title: 'Version' },
    { label: 'node_version', title: 'Node.js' },
  ],
  values: [
    {
      title: 'Running for',
      value: join('*', by('max', perInstance, q(exporterMetrics.build)), since(processMetrics.started), ['instance']),
      unit: 's',
      decimals: 0,
      width: 130,
    },
    {
      title: 'Configuration read',
      value: join('*', by('max', perInstance, q(exporterMetrics.build)), since(exporterMetrics.reloadTime), [
        'instance',
      ]),
      unit: 's',
      decimals: 0,
      width: 150,
    },
    {
      title: 'State written',
      value: join('*', by('max', perInstance, q(exporterMetrics.build)), since(exporterMetrics.stateWrittenAt), [
        'instance',
      ]),
      unit: 's',
      decimals: 0,
      width: 130,
    },
  ],
})
