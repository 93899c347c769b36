import { clusterMetrics } from '../../src/assess/cluster/metrics.ts'
import { choice } from './build/controls.ts'
import { dashboard } from './build/dashboard.ts'
import { q } from './build/promql.ts'
import * as between from './panels/proxies.ts'
import * as cluster from './panels/cluster.ts'
import * as history from './panels/history.ts'
import * as path from './panels/path.ts'
import * as patroni from './panels/patroni.ts'
import { postgresKinds, reasonsTable } from './panels/reasons.ts'
import { receivers, replication } from './panels/replication.ts'
import { sessions } from './panels/sessions.ts'
import { upkeep } from './panels/upkeep.ts'
import * as writePath from './panels/write-path.ts'
import { chosenClusters } from './views.ts'

export const postgres = dashboard({
  uid: 'mailpath-postgres',
  title: 'Mail path / Postgres and write path',
  description: 'Who is the primary, who follows it, and where writes land.',
  choices: [choice('postgres_cluster', 'Cluster', q(clusterMetrics.verdict))],
  rows: [
    {
      bands: [
        {
          height: 6,
          panels: [
            [5, cluster.cluster],
            [7, cluster.primary],
            [6, path.nodes(chosenClusters)],
            [6, writePath.without],
          ],
        },
        {
          height: 4,
          panels: [
            [5, cluster.ofCluster.splitBrain],
            [5, cluster.ofCluster.unreachable],
            [5, cluster.ofCluster.failovers],
            [5, cluster.ofCluster.lastFailover],
            [4, patroni.wentBack],
          ],
        },
      ],
    },
    {
      title: 'Write path',
      bands: [
        {
          height: 6,
          panels: [
            [11, path.landings(chosenClusters)],
            [13, writePath.writePaths],
          ],
        },
        {
          height: 7,
          panels: [
            [12, history.landings(chosenClusters)],
            [12, writePath.readOnly],
          ],
        },
        {
          height: 8,
          panels: [
            [12, writePath.commits],
            [12, writePath.outages],
          ],
        },
      ],
    },
    {
      title: 'Three views: SQL, Patroni, HAProxy',
      bands: [
        {
          height: 7,
          panels: [
            [8, history.roles(chosenClusters)],
            [8, patroni.roles],
            [8, between.servers],
          ],
        },
        {
          height: 7,
          panels: [
            [8, patroni.lock],
            [8, patroni.postgresStates],
            [8, patroni.dcs],
          ],
        },
        {
          height: 7,
          panels: [
            [12, patroni.members],
            [12, between.checks],
          ],
        },
      ],
    },
    {
      title: 'PgBouncer, and sessions that stay',
      bands: [
        {
          height: 6,
          panels: [
            [12, between.reachable],
            [12, between.paused],
          ],
        },
        {
          height: 8,
          panels: [
            [8, between.clients],
            [8, between.longestWait],
            [8, between.sessions],
          ],
        },
      ],
    },
    {
      title: 'Replication',
      bands: [
        { height: 7, panels: [[24, receivers]] },
        {
          height: 8,
          panels: [
            [6, replication.seconds],
            [6, replication.bytes],
            [6, replication.position],
            [6, replication.timelines],
          ],
        },
      ],
    },
    {
      title: 'Sessions',
      bands: [
        {
          height: 8,
          panels: [
            [12, sessions.share],
            [12, sessions.number],
          ],
        },
      ],
    },
    {
      title: 'What stops writes one day',
      bands: [
        {
          height: 8,
          panels: [
            [8, upkeep.ids],
            [8, upkeep.slots],
            [8, upkeep.archive],
          ],
        },
        {
          height: 8,
          panels: [
            [8, upkeep.transactions],
            [8, upkeep.horizon],
            [8, upkeep.passwords],
          ],
        },
      ],
    },
    {
      title: 'Why, and what to do',
      bands: [
        { height: 9, panels: [[24, reasonsTable('Reasons', postgresKinds)]] },
        { height: 6, panels: [[24, cluster.versions]] },
      ],
    },
  ],
})
