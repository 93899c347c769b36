import { sessionMetrics } from '../../../src/assess/path/sessions.ts'
import type { Metric } from '../../../src/core/metric.ts'
import { metrics as haproxy } from '../../../src/probes/haproxy/judge.ts'
import { metrics as pgbouncer } from '../../../src/probes/pgbouncer/judge.ts'
import { lines, timeline } from '../build/charts.ts'
import { by, calc, q } from '../build/promql.ts'
import { query } from '../build/query.ts'
import * as states from '../build/states.ts'
import { table } from '../build/table.ts'
import * as views from '../views.ts'

// What stands between write paths and the nodes.

const server = ['target', 'proxy', 'server'] as const

export const servers = timeline({
  title: 'Servers of HAProxy over time',
  description:
    'The status of each server: where HAProxy leads sessions. In a proxy for writes one is UP, that of the primary.',
  noValue: 'No HAProxy is looked at',
  query: query(views.haproxyServers('$__rate_interval'), label => `${label.target}: ${label.proxy}/${label.server}`),
  states: states.haproxyServer,
})

export const checks = table({
  title: 'Servers of HAProxy',
  description:
    'Status, the last health check, sessions, and how long ago it last went up or down. L7STS: Patroni says that the node does not have the role. L4CON: no Patroni listens. L7TOUT: it hangs.',
  noValue: 'No server is known',
  labels: [
    { label: 'target', title: 'HAProxy' },
    { label: 'proxy', title: 'Proxy' },
    { label: 'server', title: 'Server' },
    { label: 'check_status', title: 'Check', width: 90 },
  ],
  values: [
    { title: 'Status', value: views.withCheck(views.haproxyServers()), states: states.haproxyServer, width: 110 },
    { title: 'Sessions', value: views.withCheck(by('max', server, q(haproxy.sessions))), decimals: 0, width: 90 },
    {
      title: 'Since',
      value: views.withCheck(calc`time() - ${by('max', server, q(haproxy.lastChange))}`),
      unit: 'dtdurations',
      decimals: 0,
      width: 120,
    },
  ],
})

export const reachable = timeline({
  title: 'HAProxy and PgBouncer',
  description: 'Whether each of them answered.',
  noValue: 'None is looked at',
  query: query(views.betweenReachable(), label => `${label.kind} ${label.target}`),
  states: states.flag('answers', 'NO ANSWER', { bad: 'no' }),
})

export const paused = timeline({
  title: 'Databases of PgBouncer',
  description: 'Whether a database is paused or disabled: then its clients wait, or are refused.',
  noValue: 'No PgBouncer is looked at',
  query: query(by('max', ['target', 'database'], q(pgbouncer.paused)), label => `${label.target}: ${label.database}`),
  states: states.flag('PAUSED', 'open', { bad: 'yes' }),
})

const ofDatabase = (metric: Metric<'target' | 'database'>) => by('max', ['target', 'database'], q(metric))

export const clients = lines({
  title: 'Clients and servers of PgBouncer',
  description:
    'Clients that have a server connection, clients that wait for one, and the connections to the servers behind.',
  noValue: 'No PgBouncer is looked at',
  unit: 'none',
  decimals: 0,
  queries: [
    query(ofDatabase(pgbouncer.clientsWaiting), label => `${label.target}: ${label.database} waiting`),
    query(ofDatabase(pgbouncer.clientsActive), label => `${label.target}: ${label.database} active`),
    query(ofDatabase(pgbouncer.servers), label => `${label.target}: ${label.database} servers`),
  ],
})

export const longestWait = lines({
  title: 'Longest wait for a server connection',
  description: 'How long the client of each database that waits longest has waited.',
  noValue: 'No PgBouncer is looked at',
  unit: 's',
  queries: [query(ofDatabase(pgbouncer.maxWait), label => `${label.target}: ${label.database}`)],
})

export const sessions = lines({
  title: 'Sessions of write paths on each node',
  description:
    'Sessions of the role of each write path in its database. On a standby they are left behind by a switchover: each write on one of them fails.',
  noValue: 'No session is known',
  unit: 'none',
  decimals: 0,
  queries: [
    query(
      by('max', ['write_path', 'target'], q(sessionMetrics.sessions)),
      label => `${label.write_path} on ${label.target}`,
    ),
  ],
})
